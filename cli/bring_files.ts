/** Brings files to the relay that are too large for a message. @module */
import { systemRandom } from "../client/clock.ts";
import { bringFiles as bring, type FileRoom } from "../client/files.ts";
import type { Draft } from "../client/messages.ts";
import { dialledName } from "../client/session.ts";
import { parseRelayAddress } from "../net/address.ts";
import type { Messenger } from "./messenger.ts";

/** See client/files.ts. */
export async function bringFiles(
  { relay, messenger, signal, onProgress }: Pick<FileRoom, "relay" | "signal" | "onProgress"> & {
    messenger: Messenger;
  },
  recipient: Uint8Array,
  draft: Draft,
): Promise<Draft> {
  const { store, clock, relayAddress } = messenger;
  const relayName = dialledName(parseRelayAddress(relayAddress));
  const more = { ...(signal ? { signal } : {}), ...(onProgress ? { onProgress } : {}) };
  return await bring({ relay, relayName, store, clock, random: systemRandom, ...more }, recipient, draft);
}

/**
 * The conversation that the devices of one account have among themselves, for what they tell each other.
 * @module
 */
import { isOneOf } from "../../crypto/equal.ts";
import { QightError } from "../../proto/errors.ts";
import type { Content } from "../../proto/gen/qight/v1/seal_pb.ts";
import type { Clock, Random } from "../clock.ts";
import { newMessageId } from "../message_id.ts";
import type { Draft } from "../messages.ts";
import { deliverToGroup } from "../send_group.ts";
import type { SendRoom } from "../send_room.ts";
import type { ClientStore } from "../storage/store.ts";

/** One device of an account at one relay, over a session that lives. */
export interface OwnRoom {
  readonly room: SendRoom;
  readonly store: ClientStore;
  readonly clock: Clock;
  readonly random: Random;
  /** The relay's name as dialled. */
  readonly relayName: string;
  /** Own account hash and device key, 32 bytes each. */
  readonly account: Uint8Array;
  readonly device: Uint8Array;
  /** The group of the own devices (id, 32 bytes), begun when there is none. */
  readonly openOwn: () => Promise<Uint8Array>;
}

/** A message for the own other devices. */
export function ownDraft({ clock, random }: Pick<OwnRoom, "clock" | "random">, content: Content): Draft {
  const createdAtMs = clock.now();
  const id = newMessageId(createdAtMs, random);
  return { id, createdAtMs, ttlS: 0, plaintext: false, content, conversation: "direct" };
}

/**
 * Says it to the own other devices and answers which of them have it (keys). It is not kept for later: whoever says it
 * knows what is still to be said. Throws what the relay threw.
 */
export async function sayToOwn({ room, account }: OwnRoom, group: Uint8Array, draft: Draft): Promise<Uint8Array[]> {
  const [frozen] = await room.outbox.freeze(room.author, { group, recipient: account }, [draft]);
  try {
    const { devices, error } = await deliverToGroup({ ...room, receipts: false }, frozen, true);
    const reached = devices.flatMap(({ device, receipt }) => receipt ? [device] : []);
    if (error && reached.length === 0) throw error;
    return reached;
  } catch (thrown) {
    await room.outbox.discard(draft.id);
    throw thrown;
  }
}

/** Throws when a device (key) is not among those that were reached. */
export function mustReach(reached: readonly Uint8Array[], device: Uint8Array): void {
  if (isOneOf(device, reached)) return;
  throw new QightError("no_key_package", "The other device cannot be reached yet", {
    hint: "Run qight fetch there, then give this command again.",
  });
}

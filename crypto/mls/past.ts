/**
 * What is kept of an epoch that has ended, to open messages of it that wait unread: somebody who only sends takes
 * commits in before reading. Nothing can be sealed with it. It goes when a message of a later epoch was opened, after 30
 * days, or when there are too many.
 * @module
 */
import type { GenerationSecret, GroupContext } from "ts-mls";
import { ACCOUNT_HASH_BYTES } from "../account.ts";
import { PUBLIC_KEY_BYTES } from "../ed25519.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { loadedLibrary } from "./library.ts";
import { readRatchet, writeRatchet } from "./ratchets.ts";
import { refused } from "./refuse.ts";

/** One who could send in that epoch. */
export interface PastSender {
  readonly leaf: number;
  readonly account: Uint8Array;
  readonly device: Uint8Array;
  readonly signatureKey: Uint8Array;
  readonly ratchet: GenerationSecret;
}

/** An epoch that has ended. */
export interface PastEpoch {
  readonly context: GroupContext;
  readonly senderDataSecret: Uint8Array;
  /** Our epoch tag then, 16 bytes. */
  readonly tag: Uint8Array;
  /** Milliseconds since 1970. */
  readonly endedAtMs: number;
  readonly senders: readonly PastSender[];
}

/** As long as a message may wait at a relay. */
const KEPT_MS = 30 * 86_400_000;
/** Most epochs, and most senders of all epochs together: they are written with each message (about 240 bytes each). */
const KEPT_EPOCHS = 64;
const KEPT_SENDERS = 1500;

/** The epochs to keep from now on, oldest first, when one more has ended. */
export function keepPast(past: readonly PastEpoch[], ended: PastEpoch): PastEpoch[] {
  const kept: PastEpoch[] = [];
  let senders = 0;
  for (const epoch of [...past, ended].reverse()) {
    senders += epoch.senders.length;
    if (kept.length === KEPT_EPOCHS || (kept.length > 0 && senders > KEPT_SENDERS)) break;
    if (epoch.endedAtMs >= ended.endedAtMs - KEPT_MS) kept.unshift(epoch);
  }
  return kept;
}

/** Writes past epochs. */
export function writePast(out: ByteWriter, past: readonly PastEpoch[]): void {
  out.number(past.length, 2);
  for (const epoch of past) {
    out.opaque(loadedLibrary().encodeGroupContext(epoch.context));
    out.fixed(epoch.senderDataSecret);
    out.fixed(epoch.tag);
    out.number(epoch.endedAtMs, 8);
    out.number(epoch.senders.length, 2);
    for (const sender of epoch.senders) {
      out.number(sender.leaf, 2);
      out.fixed(sender.account);
      out.fixed(sender.device);
      out.fixed(sender.signatureKey);
      writeRatchet(out, sender.ratchet);
    }
  }
}

/** Reads what `writePast` wrote. */
export function readPast(input: ByteReader, secretBytes: number): PastEpoch[] {
  return Array.from({ length: input.number(2) }, () => {
    const [context] = loadedLibrary().decodeGroupContext(input.opaque(), 0) ?? [];
    if (context === undefined) throw refused("a past epoch is damaged");
    return {
      context,
      senderDataSecret: input.fixed(secretBytes),
      tag: input.fixed(16),
      endedAtMs: input.number(8),
      senders: Array.from({ length: input.number(2) }, () => ({
        leaf: input.number(2),
        account: input.fixed(ACCOUNT_HASH_BYTES),
        device: input.fixed(PUBLIC_KEY_BYTES),
        signatureKey: input.fixed(PUBLIC_KEY_BYTES),
        ratchet: readRatchet(input, secretBytes),
      })),
    };
  });
}

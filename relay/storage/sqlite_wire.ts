/**
 * How messages and pages cross between threads: packed into one transferred buffer, since cloning many small arrays
 * costs more than storing them.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import { decodeNotice, encodeNotice } from "./notices.ts";
import type { Enqueued, NewMessage, Page, Range, StoredMessage, StoreLimits } from "./store.ts";

// One message of a batch, little-endian, 8-byte aligned:
//   0 recipient 32 | 32 sender 32 | 64 id 16 | 80 bodyHash 32 | 112 received f64 | 120 expires f64 | 128 tombstone f64
//   136 envelope length f64 | 144 envelope | zeros to a multiple of 8
const headBytes = 144;

/** Bytes that a message takes in a batch. */
export function packedSize(message: NewMessage): number {
  return (headBytes + message.envelope.length + 7) & ~7;
}

/** Packs messages in order. Throws `invariant` for keys, ids or hashes of the wrong length. */
export function packMessages(messages: readonly NewMessage[]): ArrayBuffer {
  const buffer = new ArrayBuffer(messages.reduce((sum, message) => sum + packedSize(message), 0));
  const bytes = new Uint8Array(buffer);
  const numbers = new Float64Array(buffer);
  let at = 0;
  for (const message of messages) {
    bytes.set(message.recipient, at);
    bytes.set(message.sender, at + 32);
    bytes.set(message.id, at + 64);
    bytes.set(message.bodyHash, at + 80);
    const n = (at + 112) >> 3;
    numbers[n] = message.receivedAtMs;
    numbers[n + 1] = message.expiresAtMs;
    numbers[n + 2] = message.tombstoneUntilMs;
    numbers[n + 3] = message.envelope.length;
    bytes.set(message.envelope, at + headBytes);
    at += packedSize(message);
  }
  return buffer;
}

/** Throws `invariant` when a field has the wrong length: it would overwrite its neighbour in the batch. */
export function assertShape(message: NewMessage): void {
  const { recipient, sender, id, bodyHash } = message;
  if (recipient.length !== 32 || sender.length !== 32 || id.length !== 16 || bodyHash.length !== 32) {
    throw new QightError("invariant", "A message for the store has a key, id or hash of the wrong length");
  }
}

/** One message as the writer sees it: views into the batch. */
export interface PackedMessage {
  readonly recipient: Uint8Array;
  readonly sender: Uint8Array;
  readonly id: Uint8Array;
  readonly bodyHash: Uint8Array;
  readonly received: number;
  readonly expires: number;
  readonly until: number;
  readonly envelope: Uint8Array;
}

/** Walks a packed batch. */
export function* unpackMessages(buffer: ArrayBuffer, count: number): Generator<PackedMessage> {
  const numbers = new Float64Array(buffer);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const n = (at + 112) >> 3;
    const length = numbers[n + 3];
    yield {
      recipient: new Uint8Array(buffer, at, 32),
      sender: new Uint8Array(buffer, at + 32, 32),
      id: new Uint8Array(buffer, at + 64, 16),
      bodyHash: new Uint8Array(buffer, at + 80, 32),
      received: numbers[n],
      expires: numbers[n + 1],
      until: numbers[n + 2],
      envelope: new Uint8Array(buffer, at + headBytes, length),
    };
    at += (headBytes + length + 7) & ~7;
  }
}

/** Kinds of Enqueued as numbers; four f64 a message: kind, then seq, expiry and time of receipt, or messages and bytes. */
const kinds = ["stored", "duplicate", "id_conflict", "no_such_recipient", "queue_full", "storage_full"] as const;

/** What became of the messages of one batch, in order. */
export class Outcomes {
  readonly #numbers: Float64Array;
  #at = 0;

  constructor(count: number) {
    this.#numbers = new Float64Array(count * 4);
  }

  /** Adds the next outcome. */
  push(outcome: Enqueued): void {
    const at = this.#at;
    this.#numbers[at] = kinds.indexOf(outcome.kind);
    if (outcome.kind === "stored" || outcome.kind === "duplicate") {
      this.#numbers[at + 1] = outcome.seq;
      this.#numbers[at + 2] = outcome.expiresAtMs;
      if (outcome.kind === "duplicate") this.#numbers[at + 3] = outcome.receivedAtMs;
    } else if (outcome.kind === "queue_full") {
      this.#numbers[at + 1] = outcome.messages;
      this.#numbers[at + 2] = outcome.bytes;
    }
    this.#at += 4;
  }

  /** The packed outcomes. */
  get buffer(): ArrayBuffer {
    return this.#numbers.buffer as ArrayBuffer;
  }
}

/** The outcomes again, on the other side. */
export function unpackOutcomes(buffer: ArrayBuffer): Enqueued[] {
  const numbers = new Float64Array(buffer);
  const found: Enqueued[] = [];
  for (let i = 0; i < numbers.length; i += 4) {
    const kind = kinds[numbers[i]];
    const a = numbers[i + 1], b = numbers[i + 2];
    if (kind === "stored") found.push({ kind, seq: a, expiresAtMs: b });
    else if (kind === "duplicate") found.push({ kind, seq: a, expiresAtMs: b, receivedAtMs: numbers[i + 3] });
    else if (kind === "queue_full") found.push({ kind, messages: a, bytes: b });
    else found.push({ kind });
  }
  return found;
}

/**
 * A page on its way: `heads` holds seq, received, expires, length and whether it is a notice (1) per message; `envelopes`
 * all bytes in order.
 */
export interface PackedPage {
  readonly heads: Float64Array;
  readonly envelopes: Uint8Array;
  readonly expired: readonly Range[];
  readonly lastSeq: number;
}

/** Packs a page; the result's buffers can be transferred. */
export function packPage(page: Page): PackedPage {
  const heads = new Float64Array(page.messages.length * 5);
  const bodies = page.messages.map(({ envelope, notice }) => notice ? encodeNotice(notice) : envelope);
  const envelopes = new Uint8Array(bodies.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  page.messages.forEach(({ seq, receivedAtMs, expiresAtMs, notice }, i) => {
    heads.set([seq, receivedAtMs, expiresAtMs, bodies[i].length, notice ? 1 : 0], i * 5);
    envelopes.set(bodies[i], at);
    at += bodies[i].length;
  });
  return { heads, envelopes, expired: page.expired, lastSeq: page.lastSeq };
}

/** The page again; envelopes are views into one buffer. */
export function unpackPage(packed: PackedPage): Page {
  const messages: StoredMessage[] = [];
  let at = 0;
  for (let i = 0; i < packed.heads.length; i += 5) {
    const [seq, receivedAtMs, expiresAtMs, length, isNotice] = packed.heads.subarray(i, i + 5);
    const bytes = packed.envelopes.subarray(at, at += length);
    messages.push(
      isNotice
        ? { seq, receivedAtMs, expiresAtMs, envelope: NOTHING, notice: decodeNotice(bytes) }
        : { seq, receivedAtMs, expiresAtMs, envelope: bytes },
    );
  }
  return { messages, expired: packed.expired, lastSeq: packed.lastSeq };
}

const NOTHING: Uint8Array = new Uint8Array(0);

/** One step of a batch: a run of messages, or of messages to groups with the epoch of each, or one other change. */
export type Step =
  | { readonly packed: ArrayBuffer; readonly count: number; readonly epochs?: readonly number[] }
  | { readonly change: string; readonly args: readonly unknown[] };

/** What the writer applies in one commit. */
export interface Batch {
  readonly nowMs: number;
  readonly limits: StoreLimits;
  readonly steps: readonly Step[];
}

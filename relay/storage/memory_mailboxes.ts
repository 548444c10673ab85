/**
 * Mailboxes of the store that forgets everything at exit: numbers, dedup memory, expired ranges, payloads for many.
 * @module
 */
import { hex } from "../../crypto/hex.ts";
import type { GroupNotice, Noticed } from "./group_store.ts";
import { NOTICE_BYTES, noticeFits } from "./notices.ts";
import { mergeRanges, PageBuilder } from "./page_builder.ts";
import type { Enqueued, NewMessage, Page, Range, StoredMessage, StoreLimits, Tombstone } from "./store.ts";

/** Bytes that several mailboxes point to; they count once in all, and go with the last pointer. */
export interface Payload {
  readonly envelope: Uint8Array;
  pointers: number;
}

interface Kept {
  readonly message: StoredMessage;
  readonly bytes: number;
  readonly payload: Payload | null;
}

interface Mailbox {
  account: Uint8Array | null; // null: no bundle lists the device
  nextSeq: number;
  bytes: number;
  readonly kept: Map<number, Kept>; // in order of sequence
  readonly dedup: Map<string, Remembered>;
  expired: Range[];
}

interface Remembered {
  readonly bodyHash: string;
  readonly seq: number;
  readonly expiresAtMs: number;
  readonly untilMs: number;
  readonly receivedAtMs: number;
}

/** All mailboxes; the same answers as SQLite's. */
export class MemoryMailboxes {
  readonly #limits: StoreLimits;
  readonly #all = new Map<string, Mailbox>();
  messages = 0;
  /** Of envelopes once each; groups add what they keep. */
  bytes = 0;

  constructor(limits: StoreLimits) {
    this.#limits = limits;
  }

  /** Mailboxes that a bundle lists. */
  get listed(): number {
    return [...this.#all.values()].filter(({ account }) => account !== null).length;
  }

  /** The account of a device, null when no bundle lists it. */
  accountOf(device: Uint8Array): Uint8Array | null {
    return this.#all.get(hex(device))?.account ?? null;
  }

  /** Devices that a list had once and none has now, those that came last first. */
  offLists(max: number): Uint8Array[] {
    const off = [...this.#all].filter(([, { account }]) => account === null);
    return off.reverse().slice(0, max).map(([device]) => Uint8Array.fromHex(device));
  }

  /** Makes the device's mailbox if needed and gives it to an account, or to none. */
  assign(device: Uint8Array, account: Uint8Array | null): void {
    const known = this.#all.get(hex(device));
    if (known) known.account = account;
    else {
      const empty = { nextSeq: 1, bytes: 0, kept: new Map(), dedup: new Map(), expired: [] };
      this.#all.set(hex(device), { account, ...empty });
    }
  }

  /** Whether there is room in all for so many more bytes. */
  fits(bytes: number): boolean {
    return this.bytes + bytes <= this.#limits.maxTotal;
  }

  /** What a mailbox knows of a message; null when it is new there. */
  known(device: Uint8Array, message: NewMessage): Enqueued | null {
    const known = this.#all.get(hex(device))?.dedup.get(hex(message.id) + hex(message.sender));
    if (known === undefined) return null;
    if (known.bodyHash !== hex(message.bodyHash)) return { kind: "id_conflict" };
    const { seq, expiresAtMs, receivedAtMs } = known;
    return { kind: "duplicate", seq, expiresAtMs, receivedAtMs };
  }

  /** Stores a message, or a pointer to a payload that others share. */
  enqueue(device: Uint8Array, message: NewMessage, payload: Payload | null = null): Enqueued {
    const mailbox = this.#all.get(hex(device));
    if (!mailbox?.account) return { kind: "no_such_recipient" };
    const known = this.known(device, message);
    if (known) return known;
    const { length } = message.envelope;
    const { size: messages } = mailbox.kept;
    if (messages >= this.#limits.maxQueue || mailbox.bytes + length > this.#limits.maxQueueBytes) {
      return { kind: "queue_full", messages, bytes: mailbox.bytes };
    }
    if (!payload?.pointers && !this.fits(length)) return { kind: "storage_full" };
    const seq = mailbox.nextSeq++;
    const { receivedAtMs, expiresAtMs, tombstoneUntilMs: untilMs } = message;
    const key = hex(message.id) + hex(message.sender);
    mailbox.dedup.set(key, { bodyHash: hex(message.bodyHash), seq, expiresAtMs, untilMs, receivedAtMs });
    const envelope = payload?.envelope ?? message.envelope.slice();
    this.#keep(mailbox, { message: { seq, receivedAtMs, expiresAtMs, envelope }, bytes: length, payload });
    return { kind: "stored", seq, expiresAtMs };
  }

  /** Puts a notice into a mailbox that has room for it. */
  notice(device: Uint8Array, notice: GroupNotice, receivedAtMs: number, expiresAtMs: number): Noticed | null {
    const mailbox = this.#all.get(hex(device));
    if (!mailbox?.account) return null;
    if (!noticeFits(notice.kind, { messages: mailbox.kept.size, bytes: mailbox.bytes }, this.#limits)) return null;
    const seq = mailbox.nextSeq++;
    const message = { seq, receivedAtMs, expiresAtMs, envelope: new Uint8Array(0), notice };
    this.#keep(mailbox, { message, bytes: NOTICE_BYTES, payload: null });
    return { device, seq, notice, receivedAtMs, expiresAtMs };
  }

  /** See Store. */
  fetch(device: Uint8Array, after: number, messages: number, bytes: number, nowMs: number): Page {
    const mailbox = this.#all.get(hex(device));
    if (mailbox === undefined) return { messages: [], expired: [], lastSeq: 0 };
    const page = new PageBuilder(after, messages, bytes, nowMs);
    for (const { message } of mailbox.kept.values()) {
      if (message.seq > after && !page.add(message)) break;
    }
    return page.finish(mailbox.expired.filter(({ last }) => last > after), mailbox.nextSeq - 1);
  }

  /** See Store. */
  acknowledge(device: Uint8Array, ranges: readonly Range[]): number {
    const mailbox = this.#all.get(hex(device));
    if (mailbox === undefined) return 0;
    let removed = 0, highest = 0;
    for (const { first, last } of ranges) {
      const to = Math.min(last, mailbox.nextSeq - 1);
      if (Math.max(1, first) <= to) highest = Math.max(highest, to);
      for (const seq of [...mailbox.kept.keys()].filter((seq) => seq >= first && seq <= to)) {
        if (!mailbox.kept.get(seq)!.message.notice) removed++;
        this.#remove(mailbox, seq);
      }
    }
    mailbox.expired = mailbox.expired.filter(({ last }) => last > highest);
    return removed;
  }

  /** Empties a mailbox whose device is listed no more; what was sent to it stays known for its time. */
  dropAll(device: Uint8Array): void {
    const mailbox = this.#all.get(hex(device));
    if (mailbox === undefined) return;
    for (const seq of [...mailbox.kept.keys()]) this.#remove(mailbox, seq);
    mailbox.expired = [];
  }

  /** See Store. */
  room(device: Uint8Array): { messages: number; bytes: number } | null {
    const mailbox = this.#all.get(hex(device));
    return mailbox?.account ? { messages: mailbox.kept.size, bytes: mailbox.bytes } : null;
  }

  /** See Store. */
  tombstone(device: Uint8Array, sender: Uint8Array, id: Uint8Array): Tombstone | null {
    const known = this.#all.get(hex(device))?.dedup.get(hex(id) + hex(sender));
    if (known === undefined) return null;
    return { seq: known.seq, bodyHash: Uint8Array.fromHex(known.bodyHash), receivedAtMs: known.receivedAtMs };
  }

  /** Removes expired messages and old dedup memory. */
  collect(nowMs: number): { expired: number; tombstones: number } {
    let expired = 0, tombstones = 0;
    for (const mailbox of this.#all.values()) {
      const over = [...mailbox.kept.values()].filter(({ message }) => message.expiresAtMs <= nowMs);
      for (const { message } of over) this.#remove(mailbox, message.seq);
      expired += over.length;
      const ranges = over.map(({ message }) => ({ first: message.seq, last: message.seq }));
      if (ranges.length > 0) mailbox.expired = mergeRanges([...mailbox.expired, ...ranges]);
      for (const [key, { untilMs }] of mailbox.dedup) {
        if (untilMs <= nowMs && mailbox.dedup.delete(key)) tombstones++;
      }
    }
    return { expired, tombstones };
  }

  /** Forgets everything. */
  clear(): void {
    this.#all.clear();
  }

  #keep(mailbox: Mailbox, kept: Kept): void {
    mailbox.kept.set(kept.message.seq, kept);
    mailbox.bytes += kept.bytes;
    this.messages++;
    if (kept.payload === null || kept.payload.pointers++ === 0) this.bytes += kept.bytes;
  }

  #remove(mailbox: Mailbox, seq: number): void {
    const kept = mailbox.kept.get(seq);
    if (!kept || !mailbox.kept.delete(seq)) return;
    mailbox.bytes -= kept.bytes;
    this.messages--;
    if (kept.payload === null || --kept.payload.pointers === 0) this.bytes -= kept.bytes;
  }
}

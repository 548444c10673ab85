/**
 * Mailboxes of a damaged database, put together from their own rows, from bundles and from the messages in them.
 * @module
 */
import { hex } from "../../../crypto/hex.ts";
import type { Value } from "./cells.ts";

/** Added where the last number given is not known, so that none is given twice. */
const numberMargin = 1_000_000;
const highestNumber = 2 ** 36 - 1;

/** One mailbox and what was found of it. */
export interface FoundMailbox {
  readonly id: number;
  device: Uint8Array;
  /** From its own row; null when that is lost. */
  readonly row: { readonly nextSeq: number; readonly messages: number } | null;
  messages: number;
  bytes: number;
  highest: number;
}

/** A mailbox as it is written into the new database. */
export interface WrittenMailbox {
  readonly id: number;
  readonly device: Uint8Array;
  readonly account: Uint8Array | null;
  readonly nextSeq: number;
  readonly messages: number;
  readonly bytes: number;
}

/** All mailboxes found. */
export class FoundMailboxes {
  readonly #idOf = new Map<string, number>();
  readonly #byId = new Map<number, FoundMailbox>();
  readonly #accountOf = new Map<string, Uint8Array>();
  readonly #listed = new Map<string, Uint8Array>();
  /** Mailboxes whose numbers begin anew above a margin. */
  renumbered = 0;

  /** A row of the table. */
  addRow(id: number | null, [, device, , nextSeq, messages]: readonly Value[]): void {
    if (id === null || !(id >= 1)) return;
    const row = { nextSeq: nextSeq as number, messages: messages as number };
    this.#idOf.set(hex(device as Uint8Array), id);
    this.#byId.set(id, { id, device: device as Uint8Array, row, messages: 0, bytes: 0, highest: 0 });
  }

  /** The devices of a bundle whose signatures hold. */
  addDevices(account: Uint8Array, devices: readonly Uint8Array[]): void {
    for (const device of devices) {
      this.#accountOf.set(hex(device), account);
      this.#listed.set(hex(device), device);
    }
  }

  /** Which number a message may keep: false when its mailbox is known to be somebody else's. */
  addMessage(id: number, seq: number, recipient: Uint8Array, bytes: number): boolean {
    const known = this.#byId.get(id);
    if (known && hex(known.device) !== hex(recipient)) {
      // The recipient is signed. A device that nobody lists and nobody got mail for is a damaged one.
      if (known.messages > 0 || this.#accountOf.has(hex(known.device))) return false;
      known.device = recipient;
    }
    const owner = this.#idOf.get(hex(recipient));
    if (owner !== undefined && owner !== id) return false;
    this.#idOf.set(hex(recipient), id);
    const mailbox = known ?? { id, device: recipient, row: null, messages: 0, bytes: 0, highest: 0 };
    this.#byId.set(id, mailbox);
    mailbox.messages++;
    mailbox.bytes += bytes;
    mailbox.highest = Math.max(mailbox.highest, seq);
    return true;
  }

  /** A pointer or a notice, which name no recipient: false unless the mailbox is known by its own row. */
  addUnsigned(id: number, seq: number, bytes: number): boolean {
    const mailbox = this.#byId.get(id);
    if (!mailbox?.row) return false;
    mailbox.messages++;
    mailbox.bytes += bytes;
    mailbox.highest = Math.max(mailbox.highest, seq);
    return true;
  }

  /**
   * A number that dedup memory or an expired range says was given. False when it cannot have been: far above what the
   * mailbox says comes next.
   */
  addNumber(id: number, seq: number): boolean {
    const mailbox = this.#byId.get(id);
    if (!mailbox) return true;
    const limit = mailbox.row ? mailbox.row.nextSeq + numberMargin : highestNumber;
    if (!(seq < limit)) return false;
    mailbox.highest = Math.max(mailbox.highest, seq);
    return true;
  }

  /** The device of a mailbox, for the report. */
  deviceOf(id: number): Uint8Array | null {
    return this.#byId.get(id)?.device ?? null;
  }

  /** Messages that the counters promise and that were not found. */
  get missing(): number {
    let sum = 0;
    for (const { row, messages } of this.#byId.values()) if (row) sum += Math.max(0, row.messages - messages);
    return sum;
  }

  /** Everything to write; a listed device whose mailbox is lost gets a new one. */
  written(): WrittenMailbox[] {
    const all: WrittenMailbox[] = [];
    const done = new Set<string>();
    for (const { id, device, row, messages, bytes, highest } of this.#byId.values()) {
      if (done.has(hex(device))) continue;
      done.add(hex(device));
      const known = row !== null && row.nextSeq > highest && row.nextSeq < highestNumber - numberMargin;
      if (!known) this.renumbered++;
      const nextSeq = known ? row.nextSeq : highest + 1 + numberMargin;
      all.push({ id, device, account: this.#accountOf.get(hex(device)) ?? null, nextSeq, messages, bytes });
    }
    let id = Math.max(0, ...this.#byId.keys());
    for (const [name, device] of this.#listed) {
      if (done.has(name)) continue;
      this.renumbered++;
      const account = this.#accountOf.get(name) ?? null;
      all.push({ id: ++id, device, account, nextSeq: 1 + numberMargin, messages: 0, bytes: 0 });
    }
    return all;
  }
}

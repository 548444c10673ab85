/**
 * Messages to groups in the writer: the payload once, a pointer for every other device of the roster.
 * @module
 */
import { crc32 } from "node:zlib";
import { equal } from "../../crypto/equal.ts";
import type { GroupEnqueued, MemberEnqueued } from "./group_store.ts";
import type { GroupRows } from "./sqlite_group_rows.ts";
import type { Mailboxes } from "./sqlite_mailboxes.ts";
import type { Messages } from "./sqlite_messages.ts";
import type { Payloads } from "./sqlite_payloads.ts";
import type { PackedMessage } from "./sqlite_wire.ts";
import type { StoreLimits } from "./store.ts";

/** Delivers to rosters, inside the transaction of the batch. */
export class FanOut {
  readonly #rows: GroupRows;
  readonly #mailboxes: Mailboxes;
  readonly #messages: Messages;
  readonly #payloads: Payloads;

  constructor(rows: GroupRows, mailboxes: Mailboxes, messages: Messages, payloads: Payloads) {
    this.#rows = rows;
    this.#mailboxes = mailboxes;
    this.#messages = messages;
    this.#payloads = payloads;
  }

  /** See Store; `mayGrow` is false while the disk is full. */
  enqueue(message: PackedMessage, epoch: number, limits: StoreLimits, mayGrow: boolean): GroupEnqueued {
    const group = this.#rows.ofMember(message.recipient, message.sender);
    if (group === null) return { kind: "not_a_member" };
    const others = group.roster.filter((device) => !equal(device, message.sender));
    return group.epoch === epoch
      ? this.#deliver(others, message, limits, mayGrow)
      : this.#known(others, message, group.epoch);
  }

  #deliver(others: Uint8Array[], message: PackedMessage, limits: StoreLimits, mayGrow: boolean): GroupEnqueued {
    const { length } = message.envelope;
    const storeFull = !mayGrow || this.#mailboxes.totals.bytes + length > limits.maxTotal;
    const crc = crc32(message.envelope);
    let payload: number | null = null;
    const shared = { crc, id: () => payload ??= this.#payloads.put(crc, message.envelope) };
    let pointers = 0;
    const members = others.map((device): MemberEnqueued => {
      const outcome = this.#messages.point(this.#mailboxes.find(device), message, limits, storeFull, shared);
      if (outcome.kind === "stored") pointers++;
      return { device, outcome };
    });
    if (payload !== null) this.#payloads.pointed(payload, pointers, length);
    return { kind: "offered", members };
  }

  /** Of another epoch nothing new is taken; whoever has the message already is told so. */
  #known(others: Uint8Array[], message: PackedMessage, epoch: number): GroupEnqueued {
    const known = others.map((device) => {
      const mailbox = this.#mailboxes.find(device);
      return mailbox && this.#messages.known(mailbox, message);
    });
    if (known.every((one) => one === null)) return { kind: "stale_epoch", epoch };
    const stale = { kind: "stale_epoch" as const, epoch };
    return { kind: "offered", members: others.map((device, i) => ({ device, outcome: known[i] ?? stale })) };
  }
}

/**
 * Opens what was said in groups, in the order of the mailbox. Each message opens once, so what it said is kept in the
 * transaction that saves the group's new state, until it was shown.
 * @module
 */
import { fromBinary } from "@bufbuild/protobuf";
import { directGroupId } from "../crypto/direct_group.ts";
import type { OpenedEnvelope } from "../crypto/envelope.ts";
import { equal } from "../crypto/equal.ts";
import { committedContent } from "../crypto/franking.ts";
import { CONTENT_APPLICATION, type MessageHeader, readHeader } from "../crypto/mls/header.ts";
import { openMessage } from "../crypto/mls/message.ts";
import { canOpen, type GroupState } from "../crypto/mls/state.ts";
import { asQightError } from "../proto/errors.ts";
import { type ConversationMessage, ConversationMessageSchema } from "../proto/gen/qight/v1/conversation_pb.ts";
import type { Groups } from "./groups.ts";
import { openFranking } from "./franked.ts";
import type { Franked, UnreadableReason } from "./inbox_events.ts";
import type { ClientStore, GroupRow, OpenedRow, Tables } from "./storage/store.ts";

/** What reading needs of the groups of an identity. */
export type GroupInbox = Pick<
  Groups,
  | "relay"
  | "account"
  | "states"
  | "takeNotice"
  | "bringTo"
  | "suspectFork"
  | "noteLeft"
  | "events"
  | "shown"
  | "tend"
>;

/** An envelope to a group whose signature was checked. */
export interface GroupDelivery {
  readonly envelope: OpenedEnvelope;
  readonly bodyHash: Uint8Array;
}

/** What one of them turned out to be. */
export type GroupOpened =
  | {
    readonly kind: "opened";
    readonly row: GroupRow;
    readonly account: Uint8Array;
    readonly message: ConversationMessage;
    readonly franked: Franked | null;
  }
  /** It was shown before, or never is. */
  | { readonly kind: "shown" }
  /** The group is not there yet: it stays in the mailbox. */
  | { readonly kind: "later" }
  | { readonly kind: "unreadable"; readonly reason: UnreadableReason };

/** So many messages are opened in one transaction; others wait for the store meanwhile. */
const BATCH = 128;

/** Opens for one device. */
export class GroupOpener {
  readonly #store: ClientStore;
  readonly #groups: GroupInbox;
  readonly #now: () => number;

  /** `now`: this machine's clock, milliseconds since 1970. */
  constructor(store: ClientStore, groups: GroupInbox, now: () => number) {
    this.#store = store;
    this.#groups = groups;
    this.#now = now;
  }

  /** Opens these, which the mailbox holds in this order; answers in the same order. */
  async open(deliveries: readonly GroupDelivery[]): Promise<GroupOpened[]> {
    const results = new Map<GroupDelivery, GroupOpened>();
    const headers = new Map<GroupDelivery, MessageHeader>();
    for (const delivery of deliveries) {
      const header = headerOf(delivery.envelope);
      if (header) headers.set(delivery, header);
      else results.set(delivery, { kind: "unreadable", reason: "malformed" });
    }
    await this.#findKept([...headers.keys()], results);
    const waiting = [...headers.keys()].filter((delivery) => !results.has(delivery));
    for (const [, ofGroup] of Map.groupBy(waiting, ({ envelope }) => envelope.recipient.toHex())) {
      while (ofGroup.length > 0) {
        const { epoch } = headers.get(ofGroup[0])!;
        const other = ofGroup.findIndex((delivery) => headers.get(delivery)!.epoch !== epoch);
        const run = ofGroup.splice(0, Math.min(other < 0 ? ofGroup.length : other, BATCH));
        await this.#openRun(run, epoch, results);
      }
    }
    return deliveries.map((delivery) => results.get(delivery)!);
  }

  /** What was opened before, by this reader or another one of this device. */
  async #findKept(deliveries: readonly GroupDelivery[], results: Map<GroupDelivery, GroupOpened>): Promise<void> {
    await this.#store.read((tables) => {
      for (const delivery of deliveries) {
        const known = this.#known(tables, delivery);
        if (known) results.set(delivery, known);
      }
    });
  }

  #known({ opened, seen, groups }: Tables, { envelope, bodyHash }: GroupDelivery): GroupOpened | null {
    const { sender, id, recipient } = envelope;
    const mark = seen.get(sender, id);
    const kept = opened.get(sender, id);
    if ((mark && !equal(mark.bodyHash, bodyHash)) || (kept && !equal(kept.bodyHash, bodyHash))) {
      return { kind: "unreadable", reason: "id_reused" };
    }
    if (mark?.state === "shown") return { kind: "shown" };
    const row = groups.get(this.#groups.relay, recipient);
    if (!kept || !row) return null;
    const message = fromBinary(ConversationMessageSchema, kept.message);
    return { kind: "opened", row, account: kept.account, message, franked: provenBefore(envelope, message, kept) };
  }

  /** Messages of one group and one epoch. */
  async #openRun(
    run: readonly GroupDelivery[],
    epoch: number,
    results: Map<GroupDelivery, GroupOpened>,
  ): Promise<void> {
    const group = run[0].envelope.recipient;
    const reached = await this.#reach(group, epoch);
    if (reached === "none" || reached === "behind") {
      const result: GroupOpened = reached === "behind"
        ? { kind: "later" }
        : await this.#isOfBlocked(group)
        ? { kind: "shown" }
        : { kind: "unreadable", reason: "unknown_group" };
      for (const delivery of run) results.set(delivery, result);
      return;
    }
    const differs = await this.#store.write((tables) => this.#openAll(tables, group, { run, epoch }, results));
    if (differs) await this.#groups.suspectFork(group);
  }

  /** What somebody said who is blocked, in a conversation that this device did not come into for that: nothing is shown of it. */
  async #isOfBlocked(group: Uint8Array): Promise<boolean> {
    const blocked = await this.#store.read(({ contacts }) => contacts.blocked());
    return blocked.some((account) => equal(directGroupId(this.#groups.account, account), group));
  }

  async #reach(group: Uint8Array, epoch: number) {
    const row = await this.#store.read(({ groups }) => groups.get(this.#groups.relay, group));
    if (row?.epoch === epoch && row.status === "active") return "there";
    return await this.#groups.bringTo(group, epoch);
  }

  /** Inside the transaction: opens one after the other. True when a sender's view of the group is not ours. */
  async #openAll(
    tables: Tables,
    group: Uint8Array,
    { run, epoch }: { readonly run: readonly GroupDelivery[]; readonly epoch: number },
    results: Map<GroupDelivery, GroupOpened>,
  ): Promise<boolean> {
    const { states, relay } = this.#groups;
    const loaded = await states.load(tables, relay, group);
    // Of an epoch that is over nothing is concluded: what differed then was healed since, or its keys are gone.
    const current = loaded?.row.epoch === epoch;
    let differs = false;
    let state: GroupState | null = null;
    for (const delivery of run) {
      // Another process may have opened it since we looked.
      const known = this.#known(tables, delivery);
      if (known || !loaded) {
        results.set(delivery, known ?? { kind: "unreadable", reason: "unknown_group" });
        continue;
      }
      if (!canOpen(state ?? loaded.state, epoch)) {
        results.set(delivery, { kind: "unreadable", reason: "keys_gone" });
        continue;
      }
      const one = await openOne(state ?? loaded.state, delivery);
      differs ||= current && one.differs;
      if (one.next) state = one.next;
      if (one.kept) {
        tables.opened.put({ ...one.kept, group }, this.#now());
        const { kept: { account }, message, franked } = one;
        results.set(delivery, { kind: "opened", row: loaded.row, account, message, franked });
      } else results.set(delivery, { kind: "unreadable", reason: one.reason });
    }
    if (loaded && state) await states.saveMessage(tables, loaded.row, state);
    return differs;
  }
}

type One =
  & { readonly next: GroupState | null; readonly differs: boolean }
  & (
    | {
      readonly kept: Omit<OpenedRow, "group">;
      readonly message: ConversationMessage;
      readonly franked: Franked | null;
    }
    | { readonly kept: null; readonly reason: UnreadableReason }
  );

async function openOne(state: GroupState, { envelope, bodyHash }: GroupDelivery): Promise<One> {
  let opened;
  try {
    opened = await openMessage(state, envelope.payload);
  } catch (thrown) {
    if (asQightError(thrown).code !== "bad_group_message") throw thrown;
    // By a listed device (its signature was checked), for this epoch: a replay, garbage, or another view of the group.
    return { next: null, differs: true, kept: null, reason: "cannot_open" };
  }
  const { plaintext, sender, next, forked } = opened;
  const refuse = (reason: UnreadableReason): One => ({ next, differs: forked, kept: null, reason });
  if (!equal(sender.device, envelope.sender)) return refuse("wrong_sender");
  const message = decode(plaintext);
  if (!message || message.version !== 1 || message.lineage.length !== 8) return refuse("unknown_content");
  // A member who repeats somebody's words under an envelope of its own, or its own under another id.
  if (!equal(message.id, envelope.id)) return refuse("replayed");
  const franked = await openFranking(envelope, message.frankingKey, committedContent(plaintext, CONTENT));
  if (franked === "bad_commitment") return refuse(franked);
  const kept = { sender: envelope.sender, id: envelope.id, account: sender.account, bodyHash, message: plaintext };
  return { next, differs: forked, kept, message, franked };
}

/** The proof in a message that was opened and checked before it was kept. */
function provenBefore(
  { commitment, bytes: envelope }: OpenedEnvelope,
  { frankingKey }: ConversationMessage,
  { message }: OpenedRow,
): Franked | null {
  const content = commitment.length > 0 ? committedContent(message, CONTENT) : null;
  return content && { envelope, frankingKey, content };
}

/** Field number of the content in a ConversationMessage. */
const CONTENT = ConversationMessageSchema.field.content.number;

function headerOf({ payload, recipient }: OpenedEnvelope): MessageHeader | null {
  try {
    const header = readHeader(payload);
    return header.contentType === CONTENT_APPLICATION && equal(header.group, recipient) ? header : null;
  } catch (thrown) {
    if (asQightError(thrown).code !== "bad_group_message") throw thrown;
    return null; // the event says "malformed", and the bytes are kept
  }
}

function decode(plaintext: Uint8Array): ConversationMessage | null {
  try {
    return fromBinary(ConversationMessageSchema, plaintext, { readUnknownFields: false });
  } catch {
    return null; // the event says "unknown_content", and the bytes are kept
  }
}

/**
 * Holds messages until the relay has them: id and signed bytes are on disk before the first byte goes out.
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { equal } from "../crypto/equal.ts";
import { sha256Sync } from "../crypto/sha256.ts";
import { QightError } from "../proto/errors.ts";
import { type Content, ContentSchema } from "../proto/gen/qight/v1/seal_pb.ts";
import { type Clock, CLOCK_TOLERANCE_MS, type Random } from "./clock.ts";
import type { Recipient } from "./directory.ts";
import type { ConversationTarget, GroupSealing, Numbered } from "./group_messages.ts";
import { GroupStates } from "./groups/states.ts";
import type { Author } from "./identity.ts";
import { composeMessage, type Draft } from "./messages.ts";
import { refuseMoved } from "./own_account.ts";
import { forget, type Settled, settleMessage, voidAndRemove } from "./settlement.ts";
import type { ClientStore, KeptReceipt, OutboxEnvelope, OutboxRow, OutboxState, Tables } from "./storage/store.ts";

export type { Settled, Settlement } from "./settlement.ts";

/** A message whose bytes are fixed: a retry sends exactly these. */
export interface Frozen {
  readonly row: OutboxRow;
  /** One for each device of the recipient; for a group one for all, and what its members have beside it. */
  readonly envelopes: readonly OutboxEnvelope[];
}

/** Whom a message goes to: the devices of an account, or a conversation. */
export type Target = Recipient | ConversationTarget;

/** The outbox of one identity towards one relay. */
export interface Outbox {
  /**
   * Seals messages to a recipient and keeps them as *held*, all in one transaction. A known id with the same content
   * gives the bytes that are kept; with another content it is `id_reused` (64).
   */
  freeze(author: Author, to: Target, drafts: readonly Draft[]): Promise<Frozen[]>;
  /**
   * Encrypts messages to a group anew, in order, under the same ids and numbers. Only after the relay has refused the
   * bytes before for certain (`stale_epoch`): they are gone then.
   */
  refreeze(author: Author, group: Uint8Array, ids: readonly Uint8Array[]): Promise<Frozen[]>;
  /**
   * Keeps a message as *queued*, content unsealed, for later commands to send; `also` runs in the same transaction.
   * `recipient`: account hash, or with `draft.conversation` "group" the group's id.
   */
  queue(recipient: Uint8Array, draft: Draft, also?: (tables: Tables) => void): Promise<void>;
  /** What is kept under an id; null when it is unknown. */
  get(id: Uint8Array): Promise<Frozen | null>;
  /** Queued messages, oldest first. */
  queued(): Promise<Uint8Array[]>;
  /** Seals a queued message now that it is about to go out; bytes that are fixed already stay. */
  freezeQueued(author: Author, to: Target, id: Uint8Array): Promise<Frozen>;
  /** Records outcomes, many in one transaction; messages that all devices have are then `remember`ed or removed. */
  settle(settled: readonly Settled[], remember: boolean): Promise<void>;
  /** What is kept for the receipt of one device's envelope; null when it was not accepted, or is not remembered. */
  receipt(id: Uint8Array, device: Uint8Array): Promise<KeptReceipt | null>;
  /** Keeps a receipt that came later. */
  keepReceipt(id: Uint8Array, device: Uint8Array, kept: KeptReceipt): Promise<void>;
  /** Forgets a message that certainly did not go out; its numbers become void. */
  discard(id: Uint8Array): Promise<void>;
  /**
   * Forgets a *queued* message to a group that this device is no member of any more: it would wait for good, or go out
   * when somebody adds this device again. One to a group that waits for a yes stays. Answers whether it is gone.
   */
  giveUp(id: Uint8Array): Promise<boolean>;
  /** Removes what no relay would take any more; answers the *queued* messages among it, which were promised to go out. */
  purge(maxTtlMs: number): Promise<Uint8Array[]>;
}

/** Hears in the outbox's own transactions what becomes of its messages: the history keeps it. */
export interface OutboxWitness {
  /** A message is kept from now on. */
  added(tables: Tables, recipient: Uint8Array, draft: Draft): void;
  /** The relay has it, has refused it for good, or nobody will know. */
  settled(tables: Tables, id: Uint8Array, state: "sent" | "failed" | "unknown"): void;
}

/**
 * Makes the outbox for one relay; `relay` is its name as dialled (`dialledName`). Hand in the `states` that others of the
 * same identity use, so that a group's state is decoded once.
 */
export function createOutbox(
  options: {
    store: ClientStore;
    relay: string;
    clock: Pick<Clock, "now">;
    random: Random;
    states?: GroupStates;
    witness?: OutboxWitness | undefined;
  },
): Outbox {
  const { store, relay, clock, random, states = new GroupStates(random), witness } = options;

  function add(tables: Tables, recipient: Uint8Array, draft: Draft, state: OutboxState): OutboxRow {
    const { id, createdAtMs, ttlS, plaintext } = draft;
    // For a group it may have to be encrypted a second time.
    const kept = state === "queued" || draft.conversation !== undefined;
    const content = kept ? toBinary(ContentSchema, draft.content) : null;
    const hash = contentHash(recipient, draft);
    const conversation = draft.conversation ?? null;
    const row: OutboxRow = {
      id,
      relay,
      recipient,
      conversation,
      group: null,
      state,
      createdAtMs,
      ttlS,
      plaintext,
      content,
      again: null,
      contentHash: hash,
    };
    tables.outbox.add(row);
    witness?.added(tables, recipient, draft);
    return row;
  }

  /** What is kept under the draft's id, or null; throws when it is another message. */
  function sameMessage(tables: Tables, recipient: Uint8Array, draft: Draft): OutboxRow | null {
    const row = tables.outbox.get(draft.id);
    if (row && !equal(row.contentHash, contentHash(recipient, draft))) {
      throw new QightError("id_reused", `The id ${draft.id.toHex()} belongs to another message`);
    }
    return row;
  }

  function groupSealing(tables: Tables, author: Author, group: Uint8Array) {
    return { tables, states, relay, group, author, lineage: lineageFor(tables, relay, random), random };
  }

  /** One after the other: each takes the next key of the group. */
  async function freezeForGroup(tables: Tables, author: Author, to: ConversationTarget, drafts: readonly Draft[]) {
    const fresh: Draft[] = [];
    for (const draft of drafts) {
      const known = sameMessage(tables, to.recipient, draft);
      if (known && known.content === null) continue;
      if (!known) add(tables, to.recipient, draft, "held");
      fresh.push(draft);
    }
    if (fresh.length > 0) {
      const made = await composeForGroup(groupSealing(tables, author, to.group), fresh.map((draft) => ({ draft })));
      fresh.forEach(({ id }, at) => tables.outbox.freeze(id, [made[at]], to.group));
    }
    return drafts.map(({ id }) => frozen(tables, id)!);
  }

  async function seal(tables: Tables, author: Author, to: Recipient, draft: Draft): Promise<OutboxEnvelope[]> {
    const lineage = lineageFor(tables, relay, random);
    const envelopes = await composeMessage({
      author,
      recipient: to,
      draft,
      lineage,
      counters: tables.counters,
      random,
    });
    tables.outbox.freeze(draft.id, envelopes);
    return envelopes;
  }

  return {
    freeze: (author, to, drafts) =>
      store.write(async (tables) => {
        refuseMoved(tables, author.bundle.account);
        if ("group" in to) return await freezeForGroup(tables, author, to, drafts);
        // Drafts are sealed side by side; the numbers are given in order, before the first await of each. All must
        // have ended before a failure ends the transaction: a straggler would write outside of it.
        const sealed = await Promise.allSettled(drafts.map(async (draft): Promise<Frozen> => {
          const known = sameMessage(tables, to.account, draft);
          if (known && known.content === null) return frozen(tables, draft.id)!;
          const row = known ?? add(tables, to.account, draft, "held");
          const envelopes = await seal(tables, author, to, draft);
          return { row: { ...row, content: null }, envelopes };
        }));
        return sealed.map((result) => {
          if (result.status === "rejected") throw result.reason;
          return result.value;
        });
      }),
    refreeze: (author, group, ids) =>
      store.write(async (tables) => {
        refuseMoved(tables, author.bundle.account);
        const numbered = ids.map((id) => {
          const row = tables.outbox.get(id);
          const sent = tables.outbox.states(id).find(({ device }) => equal(device, group));
          if (!row?.again || sent?.state !== "pending") {
            throw new QightError("invariant", `The message ${id.toHex()} cannot be encrypted anew`);
          }
          return { draft: draftOf(row, row.again), counter: sent.counter };
        });
        const made = await composeForGroup(groupSealing(tables, author, group), numbered);
        ids.forEach((id, at) => tables.outbox.refreeze(id, group, made[at].envelope));
        return ids.map((id) => frozen(tables, id)!);
      }),
    queue: (recipient, draft, also) =>
      store.write((tables) => {
        if (!sameMessage(tables, recipient, draft)) add(tables, recipient, draft, "queued");
        also?.(tables);
      }),
    get: (id) => store.read((tables) => frozen(tables, id)),
    queued: () => store.read(({ outbox }) => outbox.queued(relay)),
    freezeQueued: (author, to, id) =>
      store.write(async (tables) => {
        refuseMoved(tables, author.bundle.account);
        const row = tables.outbox.get(id);
        if (!row) throw new QightError("invariant", `The queued message ${id.toHex()} is gone`);
        if (row.content) {
          const draft = draftOf(row, row.content);
          if ("group" in to) await freezeForGroup(tables, author, to, [draft]);
          else await seal(tables, author, to, draft);
        }
        return frozen(tables, id)!;
      }),
    settle: (settled, remember) =>
      store.write((tables) => {
        for (const [, same] of Map.groupBy(settled, ({ id }) => id.toHex())) {
          settleMessage(tables, same, remember);
          const [{ id }] = same;
          if (same.some(({ outcome }) => outcome.kind === "accepted")) witness?.settled(tables, id, "sent");
          else if (witness && !tables.outbox.get(id)) witness.settled(tables, id, "failed");
        }
      }),
    receipt: (id, device) => store.read(({ receipts }) => receipts.get(id, device)),
    keepReceipt: (id, device, kept) => store.write(({ receipts }) => receipts.put(id, device, kept)),
    discard: (id) =>
      store.write((tables) => {
        voidAndRemove(tables, id);
        witness?.settled(tables, id, "failed");
      }),
    giveUp: (id) =>
      store.write((tables) => {
        const row = tables.outbox.get(id);
        if (row?.state !== "queued" || row.conversation !== "group") return row === null;
        if (tables.groups.get(relay, row.recipient)?.status === "joining") return false;
        voidAndRemove(tables, id);
        witness?.settled(tables, id, "failed");
        return true;
      }),
    purge: (maxTtlMs) =>
      store.write((tables) => {
        const before = clock.now() - maxTtlMs - CLOCK_TOLERANCE_MS;
        const queued = tables.outbox.olderThan(before, "queued");
        for (const id of tables.outbox.olderThan(before, "held")) {
          voidAndRemove(tables, id);
          witness?.settled(tables, id, "unknown");
        }
        for (const id of queued) {
          voidAndRemove(tables, id);
          witness?.settled(tables, id, "failed");
        }
        for (const id of tables.outbox.olderThan(before, "sent")) forget(tables, id);
        return queued;
      }),
  };
}

/** Loaded with the first message to a group. */
async function composeForGroup(sealing: GroupSealing, drafts: readonly Numbered[]): Promise<OutboxEnvelope[]> {
  return await (await import("./group_messages.ts")).composeForGroup(sealing, drafts);
}

/** Forgets all lineages, so that new ones begin: after an import or a restore the last numbers are not known. */
export async function renewLineages(store: ClientStore): Promise<void> {
  await store.write(({ meta }) => meta.removeAll(LINEAGE_PREFIX));
}

const LINEAGE_PREFIX = "lineage:";

/** Each relay has its own lineage: a reader that drains one must not miss what went over another. */
function lineageFor({ meta }: Tables, relay: string, random: Random): Uint8Array {
  const known = meta.get(LINEAGE_PREFIX + relay);
  if (known) return known;
  const lineage = random(8);
  meta.put(LINEAGE_PREFIX + relay, lineage);
  return lineage;
}

function frozen({ outbox }: Tables, id: Uint8Array): Frozen | null {
  const row = outbox.get(id);
  return row && { row, envelopes: outbox.envelopes(id) };
}

function draftOf(row: OutboxRow, content: Uint8Array): Draft {
  const { id, createdAtMs, ttlS, plaintext, conversation } = row;
  const draft = { id, createdAtMs, ttlS, plaintext, content: fromBinary(ContentSchema, content) };
  return conversation ? { ...draft, conversation } : draft;
}

function contentHash(recipient: Uint8Array, draft: Pick<Draft, "content" | "plaintext">): Uint8Array {
  const content = toBinary(ContentSchema, create(ContentSchema, draft.content as Content));
  const bytes = new Uint8Array(recipient.length + 1 + content.length);
  bytes.set(recipient);
  bytes[recipient.length] = draft.plaintext ? 1 : 0;
  bytes.set(content, recipient.length + 1);
  return sha256Sync(bytes);
}

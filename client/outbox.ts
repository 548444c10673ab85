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
import type { Author } from "./identity.ts";
import { composeMessage, type Draft } from "./messages.ts";
import type { SendReceipt } from "./receipts.ts";
import type { ClientStore, KeptReceipt, OutboxEnvelope, OutboxRow, OutboxState, Tables } from "./storage/store.ts";

/** A message whose bytes are fixed: a retry sends exactly these. */
export interface Frozen {
  readonly row: OutboxRow;
  /** One for each device of the recipient. */
  readonly envelopes: readonly OutboxEnvelope[];
}

/** What became of one device's envelope. */
export type Settlement =
  | { readonly kind: "accepted"; readonly receipt: SendReceipt; readonly bodyHash?: Uint8Array }
  /** Refused for good: its number becomes void. */
  | { readonly kind: "refused" }
  /** Not taken now; the same bytes may be sent again. */
  | { readonly kind: "postponed" };

/** One settled envelope. */
export interface Settled {
  readonly id: Uint8Array;
  readonly device: Uint8Array;
  readonly outcome: Settlement;
}

/** The outbox of one identity towards one relay. */
export interface Outbox {
  /**
   * Seals messages to a recipient and keeps them as *held*, all in one transaction. A known id with the same content
   * gives the bytes that are kept; with another content it is `id_reused` (64).
   */
  freeze(author: Author, recipient: Recipient, drafts: readonly Draft[]): Promise<Frozen[]>;
  /** Keeps a message as *queued*, content unsealed, for later commands to send; `also` runs in the same transaction. */
  queue(recipient: Uint8Array, draft: Draft, also?: (tables: Tables) => void): Promise<void>;
  /** What is kept under an id; null when it is unknown. */
  get(id: Uint8Array): Promise<Frozen | null>;
  /** Queued messages, oldest first. */
  queued(): Promise<Uint8Array[]>;
  /** Seals a queued message now that it is about to go out; bytes that are fixed already stay. */
  freezeQueued(author: Author, recipient: Recipient, id: Uint8Array): Promise<Frozen>;
  /** Records outcomes, many in one transaction; messages that all devices have are then `remember`ed or removed. */
  settle(settled: readonly Settled[], remember: boolean): Promise<void>;
  /** What is kept for the receipt of one device's envelope; null when it was not accepted, or is not remembered. */
  receipt(id: Uint8Array, device: Uint8Array): Promise<KeptReceipt | null>;
  /** Keeps a receipt that came later. */
  keepReceipt(id: Uint8Array, device: Uint8Array, kept: KeptReceipt): Promise<void>;
  /** Forgets a message that certainly did not go out; its numbers become void. */
  discard(id: Uint8Array): Promise<void>;
  /** Removes what no relay would take any more; answers the *queued* messages among it, which were promised to go out. */
  purge(maxTtlMs: number): Promise<Uint8Array[]>;
}

/** Makes the outbox for one relay; `relay` is its name as dialled (`dialledName`). */
export function createOutbox(
  options: { store: ClientStore; relay: string; clock: Pick<Clock, "now">; random: Random },
): Outbox {
  const { store, relay, clock, random } = options;

  function add(tables: Tables, recipient: Uint8Array, draft: Draft, state: OutboxState): OutboxRow {
    const { id, createdAtMs, ttlS, plaintext } = draft;
    const content = state === "queued" ? toBinary(ContentSchema, draft.content) : null;
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

  async function seal(tables: Tables, author: Author, to: Recipient, draft: Draft): Promise<OutboxEnvelope[]> {
    const lineage = lineageFor(tables, relay, random);
    const envelopes = await composeMessage({ author, recipient: to, draft, lineage, counters: tables.counters });
    tables.outbox.freeze(draft.id, envelopes);
    return envelopes;
  }

  return {
    freeze: (author, recipient, drafts) =>
      store.write(async (tables) => {
        // Drafts are sealed side by side; the numbers are given in order, before the first await of each. All must
        // have ended before a failure ends the transaction: a straggler would write outside of it.
        const sealed = await Promise.allSettled(drafts.map(async (draft): Promise<Frozen> => {
          const known = sameMessage(tables, recipient.account, draft);
          if (known && known.content === null) return frozen(tables, draft.id)!;
          const row = known ?? add(tables, recipient.account, draft, "held");
          return { row, envelopes: await seal(tables, author, recipient, draft) };
        }));
        return sealed.map((result) => {
          if (result.status === "rejected") throw result.reason;
          return result.value;
        });
      }),
    queue: (recipient, draft, also) =>
      store.write((tables) => {
        if (!sameMessage(tables, recipient, draft)) add(tables, recipient, draft, "queued");
        also?.(tables);
      }),
    get: (id) => store.read((tables) => frozen(tables, id)),
    queued: () => store.read(({ outbox }) => outbox.queued(relay)),
    freezeQueued: (author, recipient, id) =>
      store.write(async (tables) => {
        const row = tables.outbox.get(id);
        if (!row) throw new QightError("invariant", `The queued message ${id.toHex()} is gone`);
        if (row.content) await seal(tables, author, recipient, draftOf(row, row.content));
        return frozen(tables, id)!;
      }),
    settle: (settled, remember) =>
      store.write((tables) => {
        for (const [, same] of Map.groupBy(settled, ({ id }) => id.toHex())) settleMessage(tables, same, remember);
      }),
    receipt: (id, device) => store.read(({ receipts }) => receipts.get(id, device)),
    keepReceipt: (id, device, kept) => store.write(({ receipts }) => receipts.put(id, device, kept)),
    discard: (id) => store.write((tables) => voidAndRemove(tables, id)),
    purge: (maxTtlMs) =>
      store.write((tables) => {
        const before = clock.now() - maxTtlMs - CLOCK_TOLERANCE_MS;
        const queued = tables.outbox.olderThan(before, "queued");
        for (const id of [...tables.outbox.olderThan(before, "held"), ...queued]) voidAndRemove(tables, id);
        for (const id of tables.outbox.olderThan(before, "sent")) forget(tables, id);
        return queued;
      }),
  };
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
  const { id, createdAtMs, ttlS, plaintext } = row;
  return { id, createdAtMs, ttlS, plaintext, content: fromBinary(ContentSchema, content) };
}

function contentHash(recipient: Uint8Array, draft: Pick<Draft, "content" | "plaintext">): Uint8Array {
  const content = toBinary(ContentSchema, create(ContentSchema, draft.content as Content));
  const bytes = new Uint8Array(recipient.length + 1 + content.length);
  bytes.set(recipient);
  bytes[recipient.length] = draft.plaintext ? 1 : 0;
  bytes.set(content, recipient.length + 1);
  return sha256Sync(bytes);
}

/** Settles what is known of one message; a message that all devices have, or refused, leaves the outbox. */
function settleMessage(tables: Tables, settled: readonly Settled[], remember: boolean): void {
  const { id } = settled[0];
  const changes: [Uint8Array, Pick<OutboxEnvelope, "state" | "seq" | "expiresAtMs">][] = [];
  const states = tables.outbox.states(id).map((envelope) => {
    const outcome = settled.find(({ device }) => equal(device, envelope.device))?.outcome;
    if (!outcome || outcome.kind === "postponed") return envelope.state;
    const state = outcome.kind === "refused" && envelope.state === "accepted" ? "accepted" : outcome.kind;
    settleNumber(tables, envelope, state);
    const { seq, expiresAtMs } = outcome.kind === "accepted" ? outcome.receipt : envelope;
    changes.push([envelope.device, { state, seq, expiresAtMs }]);
    if (outcome.kind === "accepted" && outcome.bodyHash && remember) {
      const kept = { bodyHash: outcome.bodyHash, receipt: outcome.receipt.signed?.bytes ?? null };
      tables.receipts.put(id, envelope.device, kept);
    }
    return state;
  });
  const over = !states.includes("pending");
  if (over && !(remember && states.includes("accepted"))) {
    return remember ? forget(tables, id) : tables.outbox.remove(id);
  }
  for (const [device, change] of changes) tables.outbox.settle(id, device, change);
  if (over) tables.outbox.setState(id, "sent");
}

function settleNumber(
  { counters }: Tables,
  { lineage, device, counter }: Pick<OutboxEnvelope, "lineage" | "device" | "counter">,
  state: "accepted" | "refused",
): void {
  if (counter === 0) return;
  if (state === "accepted") counters.forgetVoids(lineage, device, counter);
  else counters.addVoid(lineage, device, counter);
}

function voidAndRemove(tables: Tables, id: Uint8Array): void {
  for (const { state, counter, lineage, device } of tables.outbox.states(id)) {
    if (state === "pending" && counter > 0) tables.counters.addVoid(lineage, device, counter);
  }
  forget(tables, id);
}

function forget({ outbox, receipts }: Tables, id: Uint8Array): void {
  outbox.remove(id);
  receipts.remove(id);
}

/**
 * From content to the one signed envelope that travels to a group: encrypted in the group's current epoch.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { CONTENT_GROUP, type EnvelopeFields, signEnvelope } from "../crypto/envelope.ts";
import { sealMessage } from "../crypto/mls/message.ts";
import { MAX_VOID_COUNTERS } from "../crypto/seal.ts";
import { QightError } from "../proto/errors.ts";
import { ConversationMessageSchema } from "../proto/gen/qight/v1/conversation_pb.ts";
import type { Random } from "./clock.ts";
import type { GroupStates } from "./groups/states.ts";
import type { Author } from "./identity.ts";
import { type Draft, frank } from "./messages.ts";
import type { GroupRow, OutboxEnvelope, Tables } from "./storage/store.ts";

/** A conversation that is written to. */
export interface ConversationTarget {
  /** Group id, 32 bytes. */
  readonly group: Uint8Array;
  /** Under which the outbox keeps its messages: account hash of a direct conversation's other side, else the group id. */
  readonly recipient: Uint8Array;
}

/** A draft with the number it was given before, if it was encrypted once already. */
export interface Numbered {
  readonly draft: Draft;
  readonly counter?: number;
}

/** How to encrypt for one group at one relay. */
export interface GroupSealing {
  readonly tables: Tables;
  readonly states: GroupStates;
  readonly relay: string;
  readonly group: Uint8Array;
  readonly author: Author;
  readonly lineage: Uint8Array; // 8 bytes
  readonly random: Random;
}

/**
 * Makes one envelope for each draft, in order, and saves the group's state with their keys used up. Runs inside the
 * store's transaction that also keeps the envelopes: whatever crashes, no key is used twice. `not_a_member` when this
 * device is none (any more).
 */
export async function composeForGroup(sealing: GroupSealing, drafts: readonly Numbered[]): Promise<OutboxEnvelope[]> {
  const { tables, states, relay, group, author, lineage, random } = sealing;
  const loaded = await states.load(tables, relay, group);
  if (!loaded || !MAY_WRITE.has(loaded.row.status)) throw notAMember(loaded?.row ?? tables.groups.get(relay, group));
  let { state } = loaded;
  const signing: Promise<OutboxEnvelope>[] = [];
  for (const { draft, counter: given } of drafts) {
    const counter = given ?? tables.counters.next(lineage, group);
    const voids = tables.counters.listVoids(lineage, group, counter, MAX_VOID_COUNTERS);
    const { frankingKey, commitment } = await frank(draft.content, random);
    const message = create(ConversationMessageSchema, {
      version: 1,
      id: draft.id,
      lineage,
      counter: BigInt(counter),
      voidCounters: voids.map(BigInt),
      content: draft.content,
      frankingKey,
    });
    const sealed = await sealMessage(state, toBinary(ConversationMessageSchema, message));
    state = sealed.next;
    const fields = { recipient: group, payload: sealed.message, commitment };
    signing.push(envelopeOf(author, draft, fields, { lineage, counter }));
  }
  await states.saveMessage(tables, loaded.row, state);
  return await Promise.all(signing);
}

const MAY_WRITE: ReadonlySet<GroupRow["status"]> = new Set(["active", "stuck"]);

async function envelopeOf(
  { signer }: Author,
  { id, createdAtMs, ttlS }: Draft,
  what: Pick<EnvelopeFields, "recipient" | "payload" | "commitment">,
  numbers: Pick<OutboxEnvelope, "lineage" | "counter">,
): Promise<OutboxEnvelope> {
  const fields = { id, sender: signer.publicKey, createdAtMs, ttlS, contentType: CONTENT_GROUP };
  const envelope = await signEnvelope(signer, { ...fields, ...what });
  return { device: what.recipient, envelope, ...numbers, state: "pending", seq: 0, expiresAtMs: 0 };
}

function notAMember(row: GroupRow | null): QightError {
  const name = row && row.name !== "" ? `#${row.name}` : "this conversation";
  if (row?.status === "joining") {
    return new QightError("not_a_member", `You have not joined ${name} yet`, {
      hint: "Say yes first: qight group join.",
    });
  }
  return new QightError("not_a_member", `You are no member of ${name}`);
}

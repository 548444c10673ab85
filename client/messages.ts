/**
 * From content to the signed envelopes that travel: one for each device of the recipient's account.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { CONTENT_PLAIN, CONTENT_SEALED, signEnvelope } from "../crypto/envelope.ts";
import { commitTo, FRANKING_KEY_BYTES } from "../crypto/franking.ts";
import { MAX_VOID_COUNTERS, sealContent } from "../crypto/seal.ts";
import type { VerifiedSealingKey } from "../crypto/sealing_key.ts";
import { type Content, ContentSchema, SealedContentSchema } from "../proto/gen/qight/v1/seal_pb.ts";
import type { Random } from "./clock.ts";
import type { Recipient } from "./directory.ts";
import type { Author } from "./identity.ts";
import type { CounterTable, OutboxEnvelope } from "./storage/store.ts";

/** One message before it is sealed. */
export interface Draft {
  readonly id: Uint8Array; // 16 bytes
  readonly createdAtMs: number;
  readonly ttlS: number; // 0 = the relay's default
  readonly content: Content;
  /** Leave the content readable for the relay; only by explicit wish. */
  readonly plaintext: boolean;
  /** For the direct conversation with the account, or for the group that is the recipient; absent: sealed or plain. */
  readonly conversation?: "direct" | "group";
}

/** A franking key and what it commits the envelopes of one message to. */
export interface Franking {
  readonly frankingKey: Uint8Array; // 32 bytes
  readonly commitment: Uint8Array; // 32 bytes
}

/** Commits to a content under a new key, so that whoever reads it can prove what was sent. */
export async function frank(content: Content, random: Random): Promise<Franking> {
  const frankingKey = random(FRANKING_KEY_BYTES);
  const serialized = toBinary(ContentSchema, create(ContentSchema, content));
  return { frankingKey, commitment: await commitTo(frankingKey, serialized) };
}

/**
 * Makes one envelope for each device. Takes counters from `counters`, so it runs inside the store's transaction that
 * also keeps the envelopes: neither a crash nor another process can then use a number twice.
 */
export async function composeMessage(options: {
  author: Author;
  recipient: Recipient;
  draft: Draft;
  lineage: Uint8Array; // 8 bytes
  counters: CounterTable;
  random: Random;
}): Promise<OutboxEnvelope[]> {
  const { author, recipient, draft, lineage, counters, random } = options;
  if (draft.plaintext) {
    return await Promise.all(recipient.bundle.devices.map(({ key }) => composePlain(author, draft, key)));
  }
  // Numbers are given in order before any sealing begins.
  const numbered = recipient.sealingKeys.map((to) => {
    const counter = counters.next(lineage, to.device);
    const voids = counters.listVoids(lineage, to.device, counter, MAX_VOID_COUNTERS);
    return { to, counter, voids };
  });
  const franking = await frank(draft.content, random);
  return await Promise.all(numbered.map((numbers) => composeSealed(author, draft, lineage, franking, numbers)));
}

async function composeSealed(
  author: Author,
  draft: Draft,
  lineage: Uint8Array,
  { frankingKey, commitment }: Franking,
  { to, counter, voids }: { to: VerifiedSealingKey; counter: number; voids: readonly number[] },
): Promise<OutboxEnvelope> {
  const { bundle } = author;
  // The first message of a lineage that can arrive brings the bundle along: all before it are void.
  const first = voids.length === counter - 1;
  const content = create(SealedContentSchema, {
    account: bundle.account,
    bundleVersion: BigInt(bundle.version),
    bundleHash: bundle.hash,
    bundle: first ? bundle.bytes : new Uint8Array(0),
    lineage,
    counter: BigInt(counter),
    voidCounters: voids.map(BigInt),
    content: draft.content,
    frankingKey,
  });
  const fields = fieldsOf(author, draft, to.device, CONTENT_SEALED);
  const payload = await sealContent({ to, fields, content });
  const envelope = await signEnvelope(author.signer, { ...fields, payload, commitment });
  return { ...PENDING, device: to.device, envelope, lineage, counter };
}

async function composePlain(author: Author, draft: Draft, device: Uint8Array): Promise<OutboxEnvelope> {
  const payload = toBinary(ContentSchema, draft.content);
  const envelope = await signEnvelope(author.signer, { ...fieldsOf(author, draft, device, CONTENT_PLAIN), payload });
  return { ...PENDING, device, envelope, lineage: new Uint8Array(0), counter: 0 };
}

const PENDING = { state: "pending", seq: 0, expiresAtMs: 0 } as const;

function fieldsOf(author: Author, draft: Draft, recipient: Uint8Array, contentType: number) {
  const { id, createdAtMs, ttlS } = draft;
  return { id, sender: author.signer.publicKey, recipient, createdAtMs, ttlS, contentType };
}

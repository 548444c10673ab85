/**
 * Envelopes made beforehand: 256 bytes of padded plaintext, sealed and signed like any message, kept in a file.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { newMessageId } from "../../client/message_id.ts";
import { CONTENT_SEALED, signEnvelope } from "../../crypto/envelope.ts";
import { sealContent } from "../../crypto/seal.ts";
import { ContentSchema, type SealedContent, SealedContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import type { People, Person } from "./people.ts";

/** The fields of a fresh envelope, without payload. */
export function freshFields(sender: Person, recipient: Person) {
  return {
    id: newMessageId(Date.now()),
    sender: sender.device.publicKey,
    recipient: recipient.device.publicKey,
    createdAtMs: Date.now(),
    ttlS: 0,
    contentType: CONTENT_SEALED,
  };
}

/** What is sealed: a line of text that fits the 256-byte class. */
export function lineContent(sender: Person, text: string, counter: number): SealedContent {
  return create(SealedContentSchema, {
    account: sender.account.hash,
    bundleVersion: BigInt(sender.bundle.version),
    bundleHash: sender.bundle.hash,
    lineage: new Uint8Array(8).fill(7),
    counter: BigInt(counter),
    content: create(ContentSchema, { body: { case: "text", value: text } }),
  });
}

/** Seals and signs one message. */
async function makeEnvelope(sender: Person, recipient: Person, counter: number): Promise<Uint8Array> {
  const fields = freshFields(sender, recipient);
  const content = lineContent(sender, `message ${counter} of the bench, a line of a log as it may be`, counter);
  const payload = await sealContent({ to: recipient.sealingKey, fields, content });
  return await signEnvelope(sender.device, { ...fields, payload });
}

/** Makes `count` envelopes in turn from all senders, 16 at a time, and keeps them: u32 length and bytes each. */
export async function writePool(path: string, { recipient, senders }: People, count: number): Promise<void> {
  using file = await Deno.open(path, { create: true, write: true, truncate: true });
  for (let made = 0; made < count; made += 16) {
    const some = await Promise.all(Array.from({ length: Math.min(16, count - made) }, (_, index) => {
      const counter = made + index;
      return makeEnvelope(senders[counter % senders.length], recipient, counter + 1);
    }));
    for (const envelope of some) {
      const entry = new Uint8Array(4 + envelope.length);
      new DataView(entry.buffer).setUint32(0, envelope.length);
      entry.set(envelope, 4);
      for (let at = 0; at < entry.length;) at += await file.write(entry.subarray(at));
    }
  }
}

/** All envelopes of a pool, views of one array; the n-th is from sender n modulo the number of senders. */
export function readPool(path: string): Uint8Array[] {
  const bytes = Deno.readFileSync(path);
  const view = new DataView(bytes.buffer);
  const envelopes: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at);
    envelopes.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return envelopes;
}

/** Two accounts with fixed seeds, their devices, and one of everything they make; shared by the crypto tests. @module */
import { create } from "@bufbuild/protobuf";
import { accountFromSeed } from "../../crypto/account.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { CONTENT_SEALED, type EnvelopeFields, signEnvelope } from "../../crypto/envelope.ts";
import { sealContent } from "../../crypto/seal.ts";
import { makeSealingKey, type VerifiedSealingKey } from "../../crypto/sealing_key.ts";
import { type SealedContent, SealedContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";

/** 32 bytes of one value: a seed that is easy to write down. */
export function seedOf(value: number): Uint8Array {
  return new Uint8Array(32).fill(value);
}

export const NOW = 1_770_000_000_000;
export const DAY = 86_400_000;
export const adaAccount = await accountFromSeed(seedOf(0x01));
export const bobAccount = await accountFromSeed(seedOf(0x02));
/** Ada's device. */
export const ada = await signerFromSeed(seedOf(0x0a));
/** Bob's device. */
export const bob = await signerFromSeed(seedOf(0x0b));
/** A third device that belongs to neither. */
export const eve = await signerFromSeed(seedOf(0x0e));
/** Bob's sealing secret. */
export const bobSecret = seedOf(0x5b);
export const bobSealingKey: VerifiedSealingKey = await makeSealingKey(bob, bobAccount.hash, bobSecret, {
  createdAtMs: NOW,
  expiresAtMs: NOW + 45 * DAY,
});

/** Ada to Bob, all but the payload. */
export const head: Omit<EnvelopeFields, "payload"> = {
  id: Uint8Array.from({ length: 16 }, (_, i) => i),
  sender: ada.publicKey,
  recipient: bob.publicKey,
  createdAtMs: NOW,
  ttlS: 3600,
  contentType: CONTENT_SEALED,
};

/** The connection that a session proof counts for. */
export const proofFields = {
  transport: "quic",
  dialled: "127.0.0.1:4433",
  clientNonce: seedOf(0xc1),
  relayNonce: seedOf(0xd1),
  root: seedOf(0xee),
};

/** What Ada says. */
export function contentOf(text: string): SealedContent {
  return create(SealedContentSchema, {
    account: adaAccount.hash,
    bundleVersion: 1n,
    bundleHash: seedOf(0xbb),
    lineage: new Uint8Array(8).fill(0x11),
    counter: 1n,
    voidCounters: [],
    content: { body: { case: "text", value: text } },
  });
}

/** A sealed and signed envelope from Ada to Bob. */
export async function sealedEnvelope(text: string, suite: 1 | 2 = 1): Promise<Uint8Array> {
  const payload = await sealContent({ to: bobSealingKey, suite, fields: head, content: contentOf(text) });
  return await signEnvelope(ada, { ...head, payload });
}

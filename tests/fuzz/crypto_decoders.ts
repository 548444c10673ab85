/**
 * The decoders of crypto/, each with a valid sample to damage.
 * @module
 */
import { openAccountEnd, signAccountEnd } from "../../crypto/account_end.ts";
import { openBundle, signBundle } from "../../crypto/bundle.ts";
import { parseEnvelope, verifyEnvelope } from "../../crypto/envelope.ts";
import { pad } from "../../crypto/padding.ts";
import { openReceipt, signReceipts } from "../../crypto/receipt.ts";
import { openContent, sealContent, sealedKeyId } from "../../crypto/seal.ts";
import { openSealingKey } from "../../crypto/sealing_key.ts";
import { ARGON2_FLOOR, openVault, sealVault } from "../../crypto/vault.ts";
import { KEM_XWING, sealWithSecret } from "../../crypto/hpke.ts";
import { nativeXWing } from "../../crypto/xwing.ts";
import { encodeHeader } from "../../crypto/envelope.ts";
import { concat } from "../../crypto/concat.ts";
import { domains } from "../../crypto/domains.ts";
import { unpad } from "../../crypto/padding.ts";
import { accountFromSeed, parseAccountId } from "../../crypto/account.ts";
import { openRecovery, recoveryKeys, sealRecovery } from "../../crypto/recovery.ts";
import { formatRecoveryCode, parseRecoveryCode } from "../../crypto/recovery_code.ts";
import { inviteKeys, openInviteRecord, sealInviteRecord } from "../../crypto/invite.ts";
import {
  formatInviteLink,
  formatInviteWords,
  parseInviteLink,
  parseInviteWords,
  splitInviteWords,
} from "../../crypto/invite_code.ts";
import { create, toBinary } from "@bufbuild/protobuf";
import { SealedContentSchema, SealedPayloadSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import {
  ada,
  adaAccount,
  bobSealingKey,
  bobSecret,
  contentOf,
  DAY,
  head,
  NOW,
  sealedEnvelope,
} from "../crypto/samples.ts";
import type { Decoder } from "./fuzz.ts";
import { mlsHeaders } from "./mls_headers.ts";
import { damage, damageText } from "./seeded.ts";

const bundle = await signBundle(adaAccount, {
  version: 3,
  createdAtMs: NOW,
  expiresAtMs: NOW + DAY,
  devices: [{ key: ada.publicKey, name: "laptop", addedAtMs: NOW }],
});
const { bytes: accountEnd } = await signAccountEnd(adaAccount, NOW);
const envelope = await sealedEnvelope("hello");
const payload = await sealContent({ to: bobSealingKey, fields: head, content: contentOf("hi") });
const content = toBinary(SealedContentSchema, { ...contentOf("hi"), voidCounters: [1n, 300n] });
const keyFile = await sealVault(new Uint8Array(40), "pass", { params: ARGON2_FLOOR });
const receipts = await signReceipts(
  ada,
  [1, 2, 3].map((seq) => ({
    mailbox: ada.publicKey,
    seq,
    id: new Uint8Array(16),
    bodyHash: new Uint8Array(32),
    receivedAtMs: NOW,
  })),
);
const openKeyFile = await sealVault(new Uint8Array(40), null);

const inviteSecret = new Uint8Array(16).fill(7);
const invite = inviteKeys(inviteSecret);
const inviteRecord = await sealInviteRecord(invite, { account: adaAccount.hash, name: "ada" });

const recoverySecret = new Uint8Array(16).fill(9);
const recoveredSeed = new Uint8Array(32).fill(5);
const recovered = await accountFromSeed(recoveredSeed);
const recovery = sealRecovery({ accountSeed: recoveredSeed }, recovered.hash, [recoverySecret]);

/** Everything that crypto/ reads from strangers. */
export const cryptoDecoders: readonly Decoder[] = [
  ...mlsHeaders,
  {
    what: "envelopes",
    codes: ["bad_envelope", "bad_signature", "message_too_large"],
    decode: async (chance) => await verifyEnvelope(parseEnvelope(damage(envelope, chance))),
  },
  { what: "ends of accounts", codes: ["bad_bundle"], decode: (chance) => openAccountEnd(damage(accountEnd, chance)) },
  { what: "bundles", codes: ["bad_bundle"], decode: (chance) => openBundle(damage(bundle.bytes, chance), NOW) },
  {
    what: "sealing keys",
    codes: ["bad_bundle"],
    decode: (chance) => openSealingKey(damage(bobSealingKey.bytes, chance)),
  },
  {
    what: "sealed payloads",
    codes: ["cannot_open"],
    async decode(chance) {
      const damaged = damage(payload, chance);
      await openContent({ secretSeed: bobSecret, fields: { ...head, payload: damaged } });
      return sealedKeyId(damaged);
    },
  },
  {
    what: "receipts",
    codes: ["bad_receipt"],
    decode: (chance) => openReceipt(damage(receipts[1], chance), ada.publicKey),
  },
  { what: "sealed contents", codes: ["cannot_open"], decode: (chance) => openForeignContent(damage(content, chance)) },
  {
    what: "paddings",
    codes: ["cannot_open"],
    decode: async (chance) =>
      await Promise.resolve(unpad(damage(pad(content.subarray(0, chance(content.length))), chance))),
  },
  // No passphrase is given where one is wanted, else each input that is still whole would cost an Argon2id.
  {
    what: "key files",
    codes: ["bad_key_file", "passphrase_needed"],
    decode: (chance) => openVault(damageText(chance(2) ? keyFile : openKeyFile, chance), null),
  },
  {
    what: "invites",
    codes: ["cannot_open"],
    decode: (chance) => openInviteRecord(invite, damage(inviteRecord, chance)),
  },
  {
    what: "words of invites",
    codes: ["bad_invite"],
    decode: (chance) => parseInviteWords(splitInviteWords(damageText(formatInviteWords(inviteSecret), chance))),
  },
  {
    what: "links of invites",
    codes: ["bad_invite"],
    decode: (chance) => parseInviteLink(damageText(formatInviteLink("qight://r:4433", inviteSecret), chance)),
  },
  {
    what: "recovery codes",
    codes: ["bad_code"],
    decode: async (chance) =>
      await Promise.resolve(parseRecoveryCode(damageText(formatRecoveryCode(recoverySecret), chance))),
  },
  {
    what: "what is kept for recovery",
    codes: ["cannot_open"],
    decode: (chance) =>
      openRecovery(recoveryKeys(recoverySecret), {
        account: recovered.hash,
        sealed: damage(recovery.sealed, chance),
        wrapped: chance(4) ? recovery.codes[0].wrapped : damage(recovery.codes[0].wrapped, chance),
      }),
  },
  {
    what: "account ids",
    codes: ["bad_id"],
    decode: async (chance) => await Promise.resolve(parseAccountId(damageText(adaAccount.id, chance))),
  },
];

const { enc, sharedSecret } = await (await nativeXWing.recipient(bobSealingKey.key)).encapsulate();
const sealInfo = concat(domains.seal, Uint8Array.of(0, 1), bobSealingKey.keyId);

/** Opens content that a hostile sender sealed properly: the damage is inside the seal. */
async function openForeignContent(plain: Uint8Array): Promise<unknown> {
  const ct = await sealWithSecret({ kem: KEM_XWING, aead: 2 }, sharedSecret, sealInfo, encodeHeader(head), pad(plain));
  const outer = create(SealedPayloadSchema, { suite: 1, keyId: bobSealingKey.keyId, enc, ct });
  const fields = { ...head, payload: toBinary(SealedPayloadSchema, outer) };
  return await openContent({ secretSeed: bobSecret, fields });
}

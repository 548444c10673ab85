/**
 * What is read from strangers where accounts, devices and passwords are concerned, each with a valid sample to damage.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { readName } from "../../crypto/account_name.ts";
import { signBundle } from "../../crypto/bundle.ts";
import { concat } from "../../crypto/concat.ts";
import { domains } from "../../crypto/domains.ts";
import { committedContent } from "../../crypto/franking.ts";
import { KEM_XWING, sealWithSecret } from "../../crypto/hpke.ts";
import { decodeIdentity, encodeIdentity } from "../../crypto/identity_bytes.ts";
import {
  formatInviteLink,
  formatInviteWords,
  LINK_CODE,
  parseInviteLink,
  parseInviteWords,
  splitInviteWords,
} from "../../crypto/invite_code.ts";
import { LINK_PLACE, linkKeys, makeDone, makeOffer, openAnswer, openDone, openOffer } from "../../crypto/link.ts";
import {
  answerLogin,
  answerRegistration,
  beginLogin,
  beginRegistration,
  checkRecord,
  loginIsProven,
  makeOpaqueSetup,
} from "../../crypto/opaque.ts";
import { sha256Sync } from "../../crypto/sha256.ts";
import { signVoucher, verifyVoucher } from "../../crypto/voucher.ts";
import { nativeXWing } from "../../crypto/xwing.ts";
import { QightError } from "../../proto/errors.ts";
import {
  LinkAnswerSchema,
  LinkDoneSchema,
  LinkGrantSchema,
  LinkOfferSchema,
} from "../../proto/gen/qight/v1/link_pb.ts";
import { createSessions } from "../../relay/sessions.ts";
import { ada, adaAccount, bob, DAY, NOW, seedOf } from "../crypto/samples.ts";
import type { Decoder } from "./fuzz.ts";
import { type Chance, damage, damageText, someBytes } from "./seeded.ts";

const secret = new Uint8Array(16).fill(7);
const keys = linkKeys(secret);
const offer = await makeOffer(keys, bob, "phone", seedOf(0x33));
const done = makeDone(keys, { published: true, problem: "none" });
const bundle = await signBundle(adaAccount, {
  version: 3,
  createdAtMs: NOW,
  expiresAtMs: NOW + DAY,
  devices: [ada, bob].map(({ publicKey: key }) => ({ key, name: "one", addedAtMs: NOW })),
});
const voucher = await signVoucher(ada, bundle, NOW + 600_000);
const grant = toBinary(
  LinkGrantSchema,
  create(LinkGrantSchema, { accountSeed: seedOf(1), bundle: bundle.bytes, expectedVersion: 2n, voucher }),
);
const { enc, sharedSecret } = await (await nativeXWing.recipient(offer.keyPair.publicKey)).encapsulate();

const keyFiles = [
  encodeIdentity({ accountSeed: seedOf(1) }),
  encodeIdentity({
    accountSeed: seedOf(1),
    device: { seed: seedOf(2), dataKey: seedOf(3) },
    retired: [seedOf(8), seedOf(9)],
    sealing: { seed: seedOf(4), createdAtMs: 1, expiresAtMs: 2, eraseAtMs: 3 },
    conversations: Uint8Array.of(7, 7),
  }),
];

const setup = await makeOpaqueSetup();
const parties = { name: "ada", relay: seedOf(5).toBase64({ alphabet: "base64url", omitPadding: true }) };
const [registration, login] = [await beginRegistration("correct horse"), await beginLogin("correct horse")];
const { state } = await answerLogin(setup, parties, null, login.request);
const text = (chance: Chance, length: number) =>
  someBytes(chance, length).toBase64({ alphabet: "base64url", omitPadding: true });

const token = `qsess_${seedOf(6).toBase64({ alphabet: "base64url", omitPadding: true })}`;
const sessions = createSessions({
  enabled: () => true,
  now: () => NOW,
  accounts: {
    session: () => Promise.resolve(null),
    putSession: () => Promise.resolve(),
    touchSession: () => Promise.resolve(),
  },
});

/** A record as somebody seals it who knows the code: the damage is inside. */
function sealed(place: number, plain: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(24);
  const cipher = xchacha20poly1305(keys.sealKey, nonce, concat(keys.locator, Uint8Array.of(place)));
  return concat(nonce, cipher.encrypt(plain));
}

/** An answer whose grant a hostile old device sealed and signed properly. */
async function hostileAnswer(plain: Uint8Array): Promise<Uint8Array> {
  const info = concat(domains.link, keys.locator, bob.publicKey, ada.publicKey);
  const ct = await sealWithSecret({ kem: KEM_XWING, aead: 2 }, sharedSecret, info, new Uint8Array(0), plain);
  const signature = await ada.sign(concat(domains.linkAnswer, keys.locator, bob.publicKey, enc, sha256Sync(ct)));
  const answer = create(LinkAnswerSchema, { device: ada.publicKey, signature, enc, ct });
  return sealed(LINK_PLACE.answer, toBinary(LinkAnswerSchema, answer));
}

const plainOffer = toBinary(
  LinkOfferSchema,
  create(LinkOfferSchema, {
    device: bob.publicKey,
    name: "phone",
    key: offer.keyPair.publicKey,
    signature: new Uint8Array(64),
  }),
);
const plainAnswer = toBinary(
  LinkAnswerSchema,
  create(LinkAnswerSchema, { device: ada.publicKey, signature: new Uint8Array(64), enc, ct: new Uint8Array(99) }),
);
const plainDone = toBinary(LinkDoneSchema, create(LinkDoneSchema, { published: true, problem: "none" }));
const answer = await hostileAnswer(grant);

/** What accounts, devices and passwords read from strangers. */
export const accountDecoders: readonly Decoder[] = [
  {
    what: "offers of a link",
    codes: ["cannot_open"],
    decode: (chance) =>
      openOffer(
        keys,
        chance(2) ? damage(offer.record, chance) : sealed(LINK_PLACE.offer, damage(plainOffer, chance)),
      ),
  },
  {
    what: "answers of a link",
    codes: ["cannot_open"],
    decode: (chance) =>
      openAnswer(
        keys,
        offer,
        chance(2) ? damage(answer, chance) : sealed(LINK_PLACE.answer, damage(plainAnswer, chance)),
      ),
  },
  {
    what: "grants of a link",
    codes: ["cannot_open"],
    decode: async (chance) => await openAnswer(keys, offer, await hostileAnswer(damage(grant, chance))),
  },
  {
    what: "ends of a link",
    codes: ["cannot_open"],
    decode: (chance) =>
      openDone(keys, chance(2) ? damage(done, chance) : sealed(LINK_PLACE.done, damage(plainDone, chance))),
  },
  {
    what: "words of link codes",
    codes: ["bad_code"],
    decode: (chance) => parseInviteWords(splitInviteWords(damageText(formatInviteWords(secret), chance)), LINK_CODE),
  },
  {
    what: "links of link codes",
    codes: ["bad_code"],
    decode: (chance) =>
      parseInviteLink(damageText(formatInviteLink("qight://r:4433", secret, LINK_CODE), chance), LINK_CODE),
  },
  {
    what: "vouchers",
    codes: ["bad_signature"],
    async decode(chance) {
      const bent = chance(2)
        ? { ...voucher, device: damage(voucher.device, chance) }
        : chance(2)
        ? { ...voucher, expiresAtMs: voucher.expiresAtMs + BigInt(1 + chance(1000)) }
        : { ...voucher, signature: damage(voucher.signature, chance) };
      if (!await verifyVoucher(bent, bundle)) throw new QightError("bad_signature");
    },
  },
  {
    what: "identities in key files",
    codes: ["bad_key_file"],
    decode: (chance) => decodeIdentity(damage(keyFiles[chance(2)], chance)),
  },
  { what: "names of accounts", codes: ["bad_name"], decode: (chance) => readName(damageText("ada.love-1ace", chance)) },
  {
    what: "messages of passwords",
    codes: ["bad_frame"],
    async decode(chance) {
      // Whole bytes at random are seldom a point; a changed bit of a good message often is none either.
      switch (chance(4)) {
        case 0:
          return await answerRegistration(setup, "ada", damageText(registration.request, chance));
        case 1:
          return await answerLogin(setup, parties, null, damageText(login.request, chance));
        case 2:
          return await checkRecord(setup, parties, chance(2) ? text(chance, 192) : text(chance, chance(300)));
        default:
          return await loginIsProven(state, parties, text(chance, chance(2) ? 64 : chance(100)));
      }
    },
  },
  {
    what: "session tokens",
    codes: ["login_needed"],
    async decode(chance) {
      if (!await sessions.admits(damageText(token, chance), ada.publicKey, adaAccount.hash)) {
        throw new QightError("login_needed");
      }
    },
  },
  {
    what: "contents that were committed to",
    codes: ["cannot_open"],
    decode(chance) {
      if (committedContent(damage(grant, chance), 2) === null) throw new QightError("cannot_open");
    },
  },
];

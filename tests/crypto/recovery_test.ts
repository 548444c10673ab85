/** Recovery: codes that people type, and a bundle that nothing but a code of its own account opens. @module */
import assert from "node:assert/strict";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { bech32m } from "@scure/base";
import fc from "fast-check";
import { accountFromSeed } from "../../crypto/account.ts";
import { fromHex, hex } from "../../crypto/hex.ts";
import {
  MAX_RECOVERY_BUNDLE_BYTES,
  openRecovery,
  recoveryKeys,
  resealRecovery,
  sealRecovery,
} from "../../crypto/recovery.ts";
import { formatRecoveryCode, parseRecoveryCode } from "../../crypto/recovery_code.ts";
import { pad, unpad } from "../../crypto/padding.ts";
import { sha256Sync } from "../../crypto/sha256.ts";
import { QightError } from "../../proto/errors.ts";
import { RecoveryBundleSchema } from "../../proto/gen/qight/v1/link_pb.ts";

// Made with Python's hmac and hashlib (RFC 5869) and a bech32m of its own (BIP-350).
const vector = {
  secret: "000102030405060708090a0b0c0d0e0f",
  code: "qrc1qqqsyqcyq5rqwzqfpg9scrgwpuc7nncn",
  locator: "80ee1108d6614536dcfee96408657d9280cc48292a05e92dfe1b9a149ee715c1",
  wrapKey: "0d12849cc88a6bdd75f743be3bbe0dafa5cca297eb5304f6ea596dba31df816c",
};
/** Of the account seed of 32 times 7. */
const dataKeyVector = "f9b0f01fdea8c47a59d266d9e88e0d4391cd86bad56f5abc5f0708a9e0c23bbd";
const secret = fromHex(vector.secret);
const ada = await accountFromSeed(new Uint8Array(32).fill(7));
const eve = await accountFromSeed(new Uint8Array(32).fill(8));
const bundle = {
  accountSeed: new Uint8Array(32).fill(7),
  contacts: [{ name: "bob", account: eve.hash, verified: true, blocked: false, addedAtMs: 5n }],
  groups: [{ group: new Uint8Array(32).fill(3), name: "ops" }],
  madeAtMs: 9n,
  name: "ada",
};
const secrets = Array.from({ length: 8 }, (_, i) => new Uint8Array(16).fill(i));

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    assert.ok(thrown instanceof QightError, String(thrown));
    return thrown.code;
  }
  assert.fail("was not refused");
}

Deno.test("a code and what is derived from it are these bytes for ever", () => {
  const { locator, wrapKey } = recoveryKeys(secret);
  assert.deepEqual([hex(locator), hex(wrapKey)], [vector.locator, vector.wrapKey]);
  assert.equal(formatRecoveryCode(secret), vector.code);
});

Deno.test("a code is understood in any case, with spaces and dashes, as people copy it", () => {
  const { code } = vector;
  const rows = [
    code,
    code.toUpperCase(),
    ` ${code}\n`,
    code.replace(/(.{4})/g, "$1-"),
    code.replace(/(.{4})/g, "$1 – "),
  ];
  for (const row of rows) assert.deepEqual(parseRecoveryCode(row), secret, row);
});

for (
  const [what, text] of Object.entries({
    "nothing": "",
    "another kind of id": ada.id,
    "a code without its end": vector.code.slice(0, -1),
    "a code with one character too many": `${vector.code}q`,
    "two letters swapped": vector.code.replace(/(.)(.)$/, "$2$1"),
    "a letter that is in no code": vector.code.replace(/.$/, "b"),
    "a code of 20 bytes": bech32m.encode("qrc", bech32m.toWords(new Uint8Array(20))),
    "a code of 12 bytes": bech32m.encode("qrc", bech32m.toWords(new Uint8Array(12))),
  })
) {
  Deno.test(`no code: ${what} is bad_code, and the sentence repeats nothing of it`, () => {
    try {
      parseRecoveryCode(text);
    } catch (thrown) {
      assert.ok(thrown instanceof QightError);
      assert.equal(thrown.code, "bad_code");
      if (text.length > 10) assert.ok(!`${thrown.message} ${thrown.hint} ${thrown.cause}`.includes(text.slice(6, 14)));
      return;
    }
    assert.fail("was taken");
  });
}

Deno.test("a book is no code, and is not read to its end", () => {
  assert.throws(() => parseRecoveryCode("qrc1".repeat(1_000_000)), { code: "bad_code", message: /too long/ });
});

Deno.test("property: every secret comes back from its code, and no code with one character changed is taken", () => {
  fc.assert(fc.property(
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc.integer({ min: 4, max: 35 }),
    fc.constantFrom(..."qpzry9x8gf2tvdw0s3jn54khce6mua7l"),
    (bytes, at, letter) => {
      const code = formatRecoveryCode(bytes);
      assert.deepEqual(parseRecoveryCode(code), bytes);
      if (code[at] === letter) return;
      assert.equal(codeOf(() => parseRecoveryCode(code.slice(0, at) + letter + code.slice(at + 1))), "bad_code");
    },
  ));
});

Deno.test("each of the eight codes opens the bundle, and the relay has hashes of locators alone", async () => {
  const { sealed, codes } = sealRecovery(bundle, ada.hash, secrets);
  assert.equal(codes.length, 8);
  for (const [i, one] of secrets.entries()) {
    const keys = recoveryKeys(one);
    assert.deepEqual(codes[i].locatorHash, sha256Sync(keys.locator));
    assert.equal(codes[i].wrapped.length, 72);
    const opened = await openRecovery(keys, { account: ada.hash, sealed, wrapped: codes[i].wrapped });
    assert.deepEqual(opened.accountSeed, bundle.accountSeed);
    assert.deepEqual(opened.contacts.map(({ name, verified }) => [name, verified]), [["bob", true]]);
    assert.deepEqual([opened.groups[0].name, opened.name, opened.madeAtMs], ["ops", "ada", 9n]);
  }
});

Deno.test("how many contacts there are shows in one of six sizes alone", () => {
  const sizes = [0, 1, 40, 2000].map((count) => {
    const contacts = Array.from({ length: count }, () => bundle.contacts[0]);
    return sealRecovery({ ...bundle, contacts }, ada.hash, secrets).sealed.length - 40;
  });
  assert.deepEqual(sizes, [256, 256, 4096, 262144]);
  const tooMany = Array.from({ length: MAX_RECOVERY_BUNDLE_BYTES / 40 }, () => bundle.contacts[0]);
  assert.equal(codeOf(() => sealRecovery({ ...bundle, contacts: tooMany }, ada.hash, secrets)), "message_too_large");
});

const whole = sealRecovery(bundle, ada.hash, secrets);
const good = { account: ada.hash, sealed: whole.sealed, wrapped: whole.codes[0].wrapped };
const foreign = sealRecovery({ ...bundle, accountSeed: new Uint8Array(32).fill(8) }, ada.hash, secrets);
const flipped = (bytes: Uint8Array, at: number) => bytes.with(at, bytes[at] ^ 1);
const empty = new Uint8Array(0);

for (
  const [what, given] of Object.entries({
    "the sealed bundle was changed": { ...good, sealed: flipped(good.sealed, 60) },
    "its nonce was changed": { ...good, sealed: flipped(good.sealed, 0) },
    "it was cut off": { ...good, sealed: good.sealed.slice(0, -1) },
    "it is empty": { ...good, sealed: empty },
    "it is endless": { ...good, sealed: new Uint8Array(1024 * 1024) },
    "the wrapped key was changed": { ...good, wrapped: flipped(good.wrapped, 30) },
    "the wrapped key is another code's": { ...good, wrapped: whole.codes[1].wrapped },
    "the wrapped key is of another sealing": { ...good, wrapped: foreign.codes[0].wrapped },
    "the wrapped key is empty": { ...good, wrapped: empty },
    "the relay names another account": { ...good, account: eve.hash },
    "the seed inside is another account's": { ...good, sealed: foreign.sealed, wrapped: foreign.codes[0].wrapped },
  })
) {
  Deno.test(`a tampered answer opens nothing: ${what}`, async () => {
    await assert.rejects(openRecovery(recoveryKeys(secrets[0]), given), { code: "cannot_open" });
  });
}

Deno.test("what is too long is not looked at", async () => {
  const keys = recoveryKeys(secrets[0]);
  for (const given of [{ ...good, sealed: new Uint8Array(1024 * 1024) }, { ...good, wrapped: new Uint8Array(73) }]) {
    await assert.rejects(openRecovery(keys, given), { code: "cannot_open", message: /another length/ });
  }
});

Deno.test("the layout on the wire is the one that is written down: opened and sealed here by hand", async () => {
  const { locator, wrapKey } = recoveryKeys(secrets[0]);
  const by = (key: Uint8Array, bytes: Uint8Array, associated: Uint8Array) =>
    xchacha20poly1305(key, bytes.slice(0, 24), associated).decrypt(bytes.slice(24));
  const associated = Uint8Array.of(...new TextEncoder().encode("qight recovery seal v1\0"), ...ada.hash);
  const dataKey = by(wrapKey, good.wrapped, locator);
  assert.equal(hex(dataKey), dataKeyVector);
  const opened = fromBinary(RecoveryBundleSchema, unpad(by(dataKey, good.sealed, associated)));
  assert.deepEqual([opened.version, opened.name, opened.accountSeed], [1, "ada", bundle.accountSeed]);
  const nonce = new Uint8Array(24);
  const newer = pad(toBinary(RecoveryBundleSchema, { ...opened, version: 2 }));
  const sealed = Uint8Array.of(...nonce, ...xchacha20poly1305(dataKey, nonce, associated).encrypt(newer));
  await assert.rejects(openRecovery({ locator, wrapKey }, { ...good, sealed }), { message: /newer qight/ });
});

Deno.test("a bundle that was sealed anew opens with each of the codes that there were, and no two sealings look alike", async () => {
  const again = { ...bundle, contacts: [], groups: [], madeAtMs: 10n };
  const sealed = resealRecovery(again, ada.hash);
  for (const [i, one] of secrets.entries()) {
    const given = { account: ada.hash, sealed, wrapped: whole.codes[i].wrapped };
    const { contacts, madeAtMs } = await openRecovery(recoveryKeys(one), given);
    assert.deepEqual([contacts, madeAtMs], [[], 10n]);
  }
  assert.notDeepEqual(resealRecovery(again, ada.hash), sealed);
  assert.equal(codeOf(() => resealRecovery({ ...again, accountSeed: new Uint8Array(31) }, ada.hash)), "invariant");
});

Deno.test("a guessed code opens nothing, whatever the relay hands over for it", async () => {
  for (let guess = 100; guess < 200; guess++) {
    const keys = recoveryKeys(new Uint8Array(16).fill(guess));
    for (const { wrapped } of whole.codes) {
      await assert.rejects(openRecovery(keys, { ...good, wrapped }), { code: "cannot_open" });
    }
  }
});

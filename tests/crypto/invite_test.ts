/** Invites: the derivations are locked by vectors, and what was changed on the way is refused. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex, hex } from "../../crypto/hex.ts";
import {
  acceptMac,
  acceptMessageId,
  inviteKeys,
  isAcceptMac,
  openInviteRecord,
  sealInviteRecord,
} from "../../crypto/invite.ts";
import {
  formatInviteLink,
  formatInviteWords,
  INVITE_WORDS,
  parseInviteLink,
  parseInviteWords,
  splitInviteWords,
} from "../../crypto/invite_code.ts";
import { QightError } from "../../proto/errors.ts";

// Made with Python's hmac and hashlib (RFC 5869, RFC 2104); the words are those of BIP-39's own list of vectors.
const vector = {
  secret: "000102030405060708090a0b0c0d0e0f",
  words: "abandon amount liar amount expire adjust cage candy arch gather drum buyer",
  link: "qight://relay.example:4433#invite=AAECAwQFBgcICQoLDA0OD7",
  locator: "55de0c62568bd36391c3e0b0e97e8cfa4b496ef03264aa9f7177b68de61e36ee",
  sealKey: "6d1ef60cfdf8d24018a4dd138e281571898ce26a8343d31d11a3bb8d6f2e2f92",
  macKey: "e3c29688bea9180b6f042cba51e3eea3012782e5c35c2575f364d400779fe8d8",
  // Maker 32 times 01, taker 32 times 02, name "bob".
  mac: "6e957f8ef7059a5b0e6264d635684a0ef82f6714b4677fbdf7741aa9cbe1052d",
  messageId: "475ef97b86a8e847476260a20c38419f",
};
const secret = fromHex(vector.secret);
const keys = inviteKeys(secret);
const maker = new Uint8Array(32).fill(1);
const taker = new Uint8Array(32).fill(2);

function refusal(run: () => unknown): QightError {
  try {
    run();
  } catch (thrown) {
    assert.ok(thrown instanceof QightError, String(thrown));
    return thrown;
  }
  assert.fail("was not refused");
}

Deno.test("the keys, the words, the link, the MAC and the message id of one secret", () => {
  assert.deepEqual(Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, hex(key)])), {
    locator: vector.locator,
    sealKey: vector.sealKey,
    macKey: vector.macKey,
  });
  assert.equal(formatInviteWords(secret), vector.words);
  assert.equal(formatInviteLink("qight://relay.example:4433", secret), vector.link);
  assert.equal(hex(acceptMac(keys.macKey, { maker, taker, name: "bob" })), vector.mac);
  assert.equal(hex(acceptMessageId(keys.macKey)), vector.messageId);
});

Deno.test("the secret comes back from words and from a link, however the words are written", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
    const words = formatInviteWords(bytes);
    for (const text of [words, words.toUpperCase(), words.replaceAll(" ", "-"), ` ${words.replaceAll(" ", ",\n")}\n`]) {
      assert.deepEqual(parseInviteWords(splitInviteWords(text)), bytes);
    }
    const relay = "qight://7Qm4x@[::1]:4433";
    assert.deepEqual(parseInviteLink(formatInviteLink(relay, bytes)), { relay, secret: bytes });
  }));
});

Deno.test("words that are no invite are refused, and the refusal repeats none of them", () => {
  const words = vector.words.split(" ");
  const swapped = words.with(0, words[1]).with(1, words[0]);
  const rows: [string[], RegExp][] = [
    [[], /has 12 words, and these are 0/],
    [words.slice(1), /these are 11/],
    [[...words, "zoo"], /these are 13/],
    [words.with(3, "amounts"), /in no invite/],
    [words.with(11, "zoo"), /do not belong together/],
    [swapped, /do not belong together/],
  ];
  for (const [given, message] of rows) {
    const error = refusal(() => parseInviteWords(given));
    assert.equal(error.code, "bad_invite");
    assert.match(error.message, message);
    for (const word of words) assert.ok(!error.message.includes(` ${word}`), error.message);
  }
});

Deno.test("of sixteen wrong last words one passes for an invite, as four bits of checksum promise", () => {
  const words = vector.words.split(" ");
  const passing = INVITE_WORDS.filter((word) => {
    try {
      return parseInviteWords(words.with(11, word)).length === 16;
    } catch (thrown) {
      assert.equal((thrown as QightError).code, "bad_invite");
      return false;
    }
  });
  assert.equal(passing.length, 2048 / 16);
});

Deno.test("a damaged link is refused, and the refusal repeats nothing of its secret", () => {
  const code = vector.link.split("=")[1];
  const links = [
    "qight://relay.example:4433",
    vector.link.slice(0, -1),
    `${vector.link}A`,
    vector.link.replace(/7$/, "8"),
    vector.link.replace("AAECAw", "AAECAg"),
    vector.link.replace("AAECAw", "AAEC w"),
  ];
  for (const link of links) {
    const error = refusal(() => parseInviteLink(link));
    assert.equal(error.code, "bad_invite", link);
    assert.ok(!error.message.includes(code.slice(6, 20)) && !error.hint.includes(code.slice(6, 20)));
  }
});

Deno.test("a record opens with its own secret alone, whole or not at all", async () => {
  const record = await sealInviteRecord(keys, { account: maker, name: "ada" });
  assert.equal(record.length, 12 + 256 + 16, "a short name does not show in the length");
  const { account, name } = await openInviteRecord(keys, record);
  assert.deepEqual([hex(account), name], [hex(maker), "ada"]);
  const other = inviteKeys(secret.with(0, 9));
  const moved = { ...keys, locator: other.locator };
  const rows: [string, typeof keys, Uint8Array][] = [
    ["another secret", other, record],
    ["another locator", moved, record],
    ["a changed nonce", keys, record.with(0, record[0] ^ 1)],
    ["a changed byte", keys, record.with(100, record[100] ^ 1)],
    ["a cut end", keys, record.subarray(0, -1)],
    ["nothing", keys, new Uint8Array(0)],
    ["too much", keys, new Uint8Array(5000)],
    ["no account", keys, await sealInviteRecord(keys, { account: new Uint8Array(31), name: "" })],
  ];
  for (const [what, with_, bytes] of rows) {
    await assert.rejects(openInviteRecord(with_, bytes), { code: "cannot_open" }, what);
  }
  await assert.rejects(sealInviteRecord(keys, { account: maker, name: "x".repeat(1000) }), {
    code: "message_too_large",
  });
});

Deno.test("an answer counts for its maker, its taker, its name and its secret alone", () => {
  const facts = { maker, taker, name: "bob" };
  const mac = acceptMac(keys.macKey, facts);
  assert.ok(isAcceptMac(keys.macKey, facts, mac));
  const others = [
    { ...facts, maker: taker, taker: maker },
    { ...facts, taker: maker },
    { ...facts, name: "bobby" },
    { ...facts, name: "" },
  ];
  for (const other of others) assert.ok(!isAcceptMac(keys.macKey, other, mac));
  assert.ok(!isAcceptMac(inviteKeys(secret.with(0, 9)).macKey, facts, mac));
  for (const wrong of [new Uint8Array(0), new Uint8Array(32), mac.subarray(1), mac.with(31, mac[31] ^ 1)]) {
    assert.ok(!isAcceptMac(keys.macKey, facts, wrong));
  }
});

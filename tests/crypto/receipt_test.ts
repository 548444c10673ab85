/** Receipts: what a relay signed opens, anything else is refused by name. @module */
import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { concat } from "../../crypto/concat.ts";
import { domains } from "../../crypto/domains.ts";
import { generateSeed, signerFromSeed } from "../../crypto/ed25519.ts";
import { fromHex, hex } from "../../crypto/hex.ts";
import { leafHash } from "../../crypto/merkle.ts";
import { checkReceiptIsFor, openReceipt, type ReceiptFields, signReceipts } from "../../crypto/receipt.ts";
import {
  type Receipt,
  type ReceiptLeaf,
  ReceiptLeafSchema,
  ReceiptSchema,
} from "../../proto/gen/qight/v1/receipt_pb.ts";
import { seedOf } from "./samples.ts";

const NOW = 1_770_000_000_000;
const relay = await signerFromSeed(seedOf(0x0a));
const otherRelay = await signerFromSeed(seedOf(0x0b));
const messages = Array.from({ length: 5 }, (_, at) => message(at + 1));
const receipts = await signReceipts(relay, messages);
/** The same messages under the same key, in a commit of their own: another tree, another signature. */
const otherCommit = await signReceipts(relay, [...messages].reverse());

function message(seq: number): ReceiptFields {
  return {
    mailbox: new Uint8Array(32).fill(0x4d),
    seq,
    id: new Uint8Array(16).fill(seq),
    bodyHash: new Uint8Array(32).fill(0xb0 + seq),
    receivedAtMs: NOW + seq,
  };
}

/** A receipt with some fields changed. */
function withFields(bytes: Uint8Array, change: (receipt: Receipt) => Partial<Receipt>): Uint8Array {
  const receipt = fromBinary(ReceiptSchema, bytes);
  return toBinary(ReceiptSchema, create(ReceiptSchema, { ...receipt, ...change(receipt) }));
}

/** A receipt with some fields of its leaf changed. */
function withLeaf(change: Partial<ReceiptLeaf>): Uint8Array {
  return withFields(receipts[2], ({ leaf }) => {
    const fields = { ...fromBinary(ReceiptLeafSchema, leaf), ...change };
    return { leaf: toBinary(ReceiptLeafSchema, create(ReceiptLeafSchema, fields)) };
  });
}

function flipped(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[copy.length - 1] ^= 1;
  return copy;
}

Deno.test("every receipt of a commit opens with the relay's root key and says what the relay said", async () => {
  for (const [at, bytes] of receipts.entries()) {
    assert.deepEqual(await openReceipt(bytes, relay.publicKey), messages[at]);
  }
});

Deno.test("one message alone, and any number together, all have receipts that open", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.nat(), async (count, place) => {
      const some = Array.from({ length: count }, (_, at) => message(at + 1));
      const signed = await signReceipts(relay, some);
      assert.deepEqual(await openReceipt(signed[place % count], relay.publicKey), some[place % count]);
    }),
    { numRuns: 40 },
  );
});

Deno.test("layout: a receipt, its leaf, and what the signature covers", async () => {
  const [only] = await signReceipts(relay, [messages[0]]);
  const leaf = "0a20" + "4d".repeat(32) + "1001" + "1a10" + "01".repeat(16) + "2220" + "b1".repeat(32) +
    "2881c8e2e1c133";
  const tree = "0801" + "1220" + hex(relay.publicKey) + "1801" + "2220" + hex(leafHash(fromHex(leaf)));
  const signature = await relay.sign(concat(fromHex("7169676874207265636569707420763100"), fromHex(tree)));
  assert.equal(
    hex(only),
    "0a20" + hex(relay.publicKey) + "12" + (leaf.length / 2).toString(16) + leaf + "2001" + "3240" + hex(signature),
  );
  assert.equal(new TextDecoder().decode(domains.receipt), "qight receipt v1\0");
});

const attacks: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["with another mailbox", withLeaf({ mailbox: new Uint8Array(32).fill(0x4e) }), /did not sign/],
  ["with another number", withLeaf({ seq: 4n }), /did not sign/],
  ["with another id", withLeaf({ id: new Uint8Array(16) }), /did not sign/],
  ["with another body hash", withLeaf({ bodyHash: new Uint8Array(32) }), /did not sign/],
  ["with another time", withLeaf({ receivedAtMs: 0n }), /did not sign/],
  ["with another place in the tree", withFields(receipts[2], () => ({ index: 3 })), /did not sign/],
  ["with a smaller tree of as many steps", withFields(receipts[2], () => ({ size: 6 })), /did not sign/],
  ["with a tree too small for its steps", withFields(receipts[2], () => ({ size: 3 })), /does not belong/],
  ["with a place outside the tree", withFields(receipts[2], () => ({ index: 5 })), /does not belong/],
  ["without a tree", withFields(receipts[2], () => ({ size: 0 })), /does not belong/],
  [
    "with one step changed",
    withFields(receipts[2], ({ path }) => ({ path: [flipped(path[0]), ...path.slice(1)] })),
    /did not sign/,
  ],
  ["with one step too few", withFields(receipts[2], ({ path }) => ({ path: path.slice(1) })), /does not belong/],
  ["with one step too many", withFields(receipts[2], ({ path }) => ({ path: [...path, path[0]] })), /does not belong/],
  ["with a step of 31 bytes", withFields(receipts[2], ({ path }) => ({ path: [path[0].slice(1)] })), /does not belong/],
  ["without its steps", withFields(receipts[2], () => ({ path: [] })), /does not belong/],
  ["with a changed signature", withFields(receipts[2], (r) => ({ signature: flipped(r.signature) })), /did not sign/],
  ["with a short signature", withFields(receipts[2], (r) => ({ signature: r.signature.slice(1) })), /64/],
  [
    "with the signature of another commit",
    withFields(receipts[2], () => ({ signature: fromBinary(ReceiptSchema, otherCommit[2]).signature })),
    /did not sign/,
  ],
  [
    "with the proof of another commit",
    withFields(receipts[0], () => ({ path: fromBinary(ReceiptSchema, otherCommit[0]).path })),
    /did not sign/,
  ],
  [
    "with the leaf of another message of the same commit",
    withFields(receipts[2], () => ({ leaf: fromBinary(ReceiptSchema, receipts[3]).leaf })),
    /did not sign/,
  ],
  ["of another relay", (await signReceipts(otherRelay, messages))[2], /another relay/],
  [
    "of another relay under this one's name",
    withFields((await signReceipts(otherRelay, messages))[2], () => ({ relay: relay.publicKey })),
    /did not sign/,
  ],
  ["without a relay", withFields(receipts[2], () => ({ relay: new Uint8Array(0) })), /not 32/],
  ["with a mailbox of 31 bytes", withLeaf({ mailbox: new Uint8Array(31) }), /mailbox is 31/],
  ["with an id of 15 bytes", withLeaf({ id: new Uint8Array(15) }), /id is 15/],
  ["with a body hash of 33 bytes", withLeaf({ bodyHash: new Uint8Array(33) }), /hash is 33/],
  ["with number 0", withLeaf({ seq: 0n }), /no number/],
  ["with a number above 2^53", withLeaf({ seq: 2n ** 60n }), /too large/],
  ["with something behind it", concat(receipts[2], fromHex("3a00")), /canonical/],
  ["with one field twice", concat(receipts[2], receipts[2].slice(0, 34)), /canonical/],
  ["cut in half", receipts[2].slice(0, 100), /well-formed|canonical/],
  ["of nothing", new Uint8Array(0), /not 32/],
  ["of 3 KiB", new Uint8Array(3072), /at most 2048/],
];
for (const [what, bytes, words] of attacks) {
  Deno.test(`a receipt ${what} is refused with its reason`, async () => {
    await assert.rejects(openReceipt(bytes, relay.publicKey), { code: "bad_receipt", message: words });
  });
}

Deno.test("any single flipped bit of a receipt makes it worthless", async () => {
  const bytes = receipts[1];
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length * 8 - 1), async (bit) => {
      const changed = bytes.slice();
      changed[bit >> 3] ^= 1 << (bit & 7);
      await assert.rejects(openReceipt(changed, relay.publicKey), { code: "bad_receipt" });
    }),
    { numRuns: 300 },
  );
});

Deno.test("the relay's own signature on other things is no receipt", async () => {
  const { leaf, size } = fromBinary(ReceiptSchema, (await signReceipts(relay, [messages[0]]))[0]);
  const withoutDomain = await relay.sign(leafHash(leaf));
  const forged = create(ReceiptSchema, { relay: relay.publicKey, leaf, size, signature: withoutDomain });
  await assert.rejects(openReceipt(toBinary(ReceiptSchema, forged), relay.publicKey), { code: "bad_receipt" });
});

Deno.test("receipts of one message made at different times differ in their tree and agree in what they say", async () => {
  const [early] = await signReceipts(relay, messages);
  const [late] = await signReceipts(relay, [messages[0]]);
  assert.notDeepEqual(early, late);
  assert.deepEqual(fromBinary(ReceiptSchema, early).leaf, fromBinary(ReceiptSchema, late).leaf);
});

const others: readonly (readonly [string, Partial<ReceiptFields>, RegExp])[] = [
  ["mailbox", { mailbox: generateSeed() }, /another mailbox/],
  ["message", { id: new Uint8Array(16) }, /another message/],
  ["number", { seq: 7 }, /number 2, the relay's answer 7/],
  ["content", { bodyHash: new Uint8Array(32) }, /other content/],
];
for (const [what, other, words] of others) {
  Deno.test(`a good receipt of another ${what} is not taken for this one`, async () => {
    const opened = await openReceipt(receipts[1], relay.publicKey);
    checkReceiptIsFor(opened, messages[1]);
    assert.throws(() => checkReceiptIsFor(opened, { ...messages[1], ...other }), {
      code: "bad_receipt",
      message: words,
    });
  });
}

/** The judge of receipts: silent about an honest relay, and never silent about one that broke its word. @module */
import assert from "node:assert/strict";
import { signerFromSeed } from "../../../crypto/ed25519.ts";
import { hex } from "../../../crypto/hex.ts";
import { type ReceiptFields, signReceipts } from "../../../crypto/receipt.ts";
import { judge, type Judgement, judgementComplaints, type LyingThere, type NotedReceipt } from "./receipt_judge.ts";

const relay = await signerFromSeed(new Uint8Array(32).fill(1));
const other = await signerFromSeed(new Uint8Array(32).fill(2));

const message = (seq: number, id = seq, content = seq): ReceiptFields => ({
  mailbox: new Uint8Array(32).fill(7),
  seq,
  id: new Uint8Array(16).fill(id),
  bodyHash: new Uint8Array(32).fill(content),
  receivedAtMs: 1_800_000_000_000,
});
const lying = ({ mailbox, seq, id, bodyHash }: ReceiptFields): LyingThere => {
  return { mailbox: hex(mailbox), seq, id: hex(id), bodyHash: hex(bodyHash) };
};

/** What the sender of `meant` notes when the relay signs `signed` for it. */
async function noted(meant: ReceiptFields, signed = meant, by = relay): Promise<NotedReceipt> {
  const { mailbox, id, bodyHash } = lying(meant);
  const receipt = (await signReceipts(by, [signed]))[0].toBase64();
  return { mailbox, id, bodyHash, receipt };
}

const messages = [1, 2, 3].map((seq) => message(seq));
const honest = await Promise.all(messages.map((each) => noted(each)));
const stored = messages.map(lying);

Deno.test("a relay that has all it signed for is not blamed, nor for what nobody asked a receipt of", async () => {
  const judgement = await judge(relay.publicKey, [...honest, honest[0]], [...stored, lying(message(4))]);
  assert.deepEqual(judgementComplaints(judgement), []);
});

const broken: readonly (readonly [string, NotedReceipt[], LyingThere[], keyof Judgement, RegExp])[] = [
  ["a receipt and no message", honest, stored.slice(0, 2), "missing", /1 messages are signed for and missing/],
  ["a receipt, and other content", honest, [...stored.slice(0, 2), lying(message(3, 3, 9))], "altered", /not the ones/],
  [
    "a receipt, and another message there",
    honest,
    [...stored.slice(0, 2), lying(message(3, 9))],
    "altered",
    /not the ones/,
  ],
  [
    "two messages signed for one number",
    [...honest, await noted(message(3, 8))],
    stored,
    "contradictory",
    /signed for twice/,
  ],
  ["a receipt of another relay", [await noted(messages[0], messages[0], other)], stored, "worthless", /prove nothing/],
  ["a receipt for another message", [await noted(messages[0], messages[1])], stored, "worthless", /another message/],
  ["a receipt for other content", [await noted(messages[0], message(1, 1, 9))], stored, "worthless", /other content/],
  ["no receipt at all", [{ ...honest[0], receipt: "" }], stored, "worthless", /prove nothing/],
];
for (const [what, notes, there, kind, words] of broken) {
  Deno.test(`${what} is a complaint`, async () => {
    const judgement = await judge(relay.publicKey, notes, there);
    assert.equal(judgement[kind].length, 1);
    assert.match(judgementComplaints(judgement).join(), words);
  });
}

/**
 * R5, the relay's operator lies about acceptance: a receipt and a missing message are proof, and nobody can frame an
 * honest operator. The operator has its root key and may answer as it likes.
 * @module
 */
import assert from "node:assert/strict";
import { rootSigner } from "../../relay/data_folder.ts";
import { receiptSubject } from "../../client/receipts.ts";
import { openReceipt, type ReceiptFields, signReceipts } from "../../crypto/receipt.ts";
import { SendOutcomeSchema, SendRequestSchema } from "../../proto/gen/qight/v1/delivery_pb.ts";
import { errorOf, World } from "../commands/harness.ts";
import { hostileRelay } from "../helpers/hostile_relay/hostile_relay.ts";
import { stolenRootKey } from "../helpers/hostile_relay/listening.ts";

// In a conversation the relay names the mailboxes itself, and its receipts follow in that order; a sealed message has one.
for (const via of ["mls", "sealed"] as const) {
  Deno.test({ name: `R5, ${via}`, sanitizeOps: false, sanitizeResources: false, fn: (t) => asOperator(t, via) });
}

async function asOperator(t: Deno.TestContext, via: "mls" | "sealed"): Promise<void> {
  await using world = new World();
  const relay = await world.relay();
  const root = await stolenRootKey(relay.dataDir);
  const [ada, bob] = await Promise.all([world.member("ada", relay), world.member("bob", relay)]);
  await bob.ok(["fetch"]); // leaves KeyPackages at the relay
  const notary = world.person("notary", { QIGHT_RELAY: relay.address });
  const verify = (receipt: string) => notary.run(["key", "verify-receipt", receipt, "--json"]);
  let honest = true;
  /** What the operator signs for the message it is given; null = it accepts and signs nothing. */
  let sign: (truth: ReceiptFields) => ReceiptFields | null = (truth) => truth;
  /** Bob's mailbox, and the next number in it. */
  let mailbox: Uint8Array = new Uint8Array(0), seq = 0;
  await using operator = await hostileRelay({
    behind: relay.address,
    root,
    treat: (name) =>
      honest || name !== "SendForReceipt" ? undefined : {
        // Accepted, and thrown away.
        async answer(call) {
          const { envelope } = (await call.next(SendRequestSchema))!;
          const truth = { ...receiptSubject(envelope), mailbox, seq, receivedAtMs: Date.now() };
          const expiresAtMs = BigInt(Date.now() + 3600_000);
          const value = via === "sealed"
            ? { seq: BigInt(seq), expiresAtMs }
            : { seq: 0n, expiresAtMs, members: [{ device: mailbox, seq: BigInt(seq) }] };
          await call.reply(SendOutcomeSchema, { kind: { case: "accepted", value } });
          const signed = sign(truth);
          if (signed) {
            const [value] = await signReceipts(rootSigner(root), [signed]);
            await call.reply(SendOutcomeSchema, { kind: { case: "receipt", value } });
          }
          await call.end();
        },
      },
  });
  const flags = ["--json", "--relay", operator.address, ...via === "sealed" ? ["--sealed"] : []];
  const send = (text: string) => ada.run(["send", bob.id, text, ...flags]);
  const sendHonestly = async (text: string) => {
    honest = true;
    const sent = await send(text);
    honest = false;
    assert.equal(sent.code, 0, sent.stderr);
    return JSON.parse(sent.stdout);
  };

  await t.step("R5: an operator that accepts, signs and drops is convicted by its own signature", async () => {
    const first = await sendHonestly("the operator behaves");
    assert.equal(first.via, via);
    ({ mailbox, seq } = await openReceipt(Uint8Array.fromBase64(first.receipt), root.publicKey));
    seq++;
    const sent = JSON.parse((await send("dropped")).stdout);
    const said = JSON.parse((await verify(sent.receipt)).stdout);
    assert.deepEqual([said.valid, said.id, said.seq], [true, sent.id, seq]);
    assert.equal(said.mailbox, JSON.parse(await bob.ok(["key", "show", "--json"])).device);
    // The other half of the proof: the mailbox that should hold it under that number.
    assert.doesNotMatch(await bob.ok(["fetch", "--json"]), /dropped/);
    const next = await sendHonestly("kept");
    assert.equal(next.seq, seq, "the number that was signed away is given again");
    const both = await Promise.all([sent, next].map(async ({ receipt }) => JSON.parse((await verify(receipt)).stdout)));
    assert.deepEqual(both.map(({ mailbox, seq }) => [mailbox, seq]), [[said.mailbox, seq], [said.mailbox, seq]]);
    assert.notEqual(both[0].body_hash, both[1].body_hash, "two receipts for one number say different things");
  });

  const evasions: readonly (readonly [string, typeof sign])[] = [
    ["another number", (truth) => ({ ...truth, seq: truth.seq + 1 })],
    ["another mailbox", (truth) => ({ ...truth, mailbox: new Uint8Array(32) })],
    ["other content", (truth) => ({ ...truth, bodyHash: new Uint8Array(32) })],
    ["another id", (truth) => ({ ...truth, id: new Uint8Array(16) })],
  ];
  for (const [what, evade] of evasions) {
    await t.step(
      `R5: an operator that signs for ${what}, to have a way out, is noticed at once by the sender`,
      async () => {
        sign = evade;
        const outcome = await send("evaded");
        assert.equal(outcome.code, 65, outcome.stderr);
        assert.equal(errorOf(outcome).code, "bad_receipt");
        assert.equal(JSON.parse(outcome.stdout).receipt, null);
      },
    );
  }

  await t.step(
    "R5: an operator that does not sign gives the sender nothing to show, and the sender sees that",
    async () => {
      sign = () => null;
      const outcome = await send("unsigned");
      assert.deepEqual([outcome.code, JSON.parse(outcome.stdout).receipt], [0, null]);
    },
  );

  await t.step("R5: an honest operator is not framed: receipts by anybody else's key count for nothing", async () => {
    const other = await world.relay({ name: "other" });
    const framer = rootSigner(await stolenRootKey(other.dataDir));
    const never: ReceiptFields = {
      mailbox: new Uint8Array(32).fill(1),
      seq: 1,
      id: new Uint8Array(16).fill(1),
      bodyHash: new Uint8Array(32).fill(1),
      receivedAtMs: Date.now(),
    };
    const theirs = await signReceipts(framer, [never]);
    const underItsName = await signReceipts({ ...framer, publicKey: rootSigner(root).publicKey }, [never]);
    for (const [receipt] of [theirs, underItsName]) {
      const outcome = await verify(receipt.toBase64());
      assert.deepEqual([outcome.code, errorOf(outcome).code], [65, "bad_receipt"]);
    }
  });
}

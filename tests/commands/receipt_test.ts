/** Receipts on the command line: what send --json gives, what key verify-receipt says of it, and who cannot forge one. @module */
import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { SendOutcomeSchema } from "../../proto/gen/qight/v1/delivery_pb.ts";
import {
  type Receipt,
  type ReceiptLeaf,
  ReceiptLeafSchema,
  ReceiptSchema,
} from "../../proto/gen/qight/v1/receipt_pb.ts";
import type { RootKey } from "../../relay/data_folder/root_key.ts";
import { hostileRelay } from "../helpers/hostile_relay/hostile_relay.ts";
import { stolenRootKey } from "../helpers/hostile_relay/listening.ts";
import { errorOf, row, type RunningRelay, World } from "./harness.ts";

const world = new World();
let relay: RunningRelay, other: RunningRelay;
let root: RootKey;
let ada: Awaited<ReturnType<World["member"]>>;
let bob: Awaited<ReturnType<World["member"]>>;
/** A message and its receipt, which the rows attack. */
let sent: { id: string; seq: number; receipt: string };

Deno.test.beforeAll(async () => {
  [relay, other] = await Promise.all([world.relay(), world.relay({ name: "other" })]);
  root = await stolenRootKey(relay.dataDir);
  [ada, bob] = await Promise.all([world.member("ada", relay), world.member("bob", relay)]);
  sent = JSON.parse(await ada.ok(["send", bob.id, "hello", "--json"]));
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

const rootOf = (address: string) => /\/\/([^@]+)@/.exec(address)![1];
const texts = async () =>
  (await bob.ok(["fetch", "--json"])).split("\n").filter(Boolean).map((line) => JSON.parse(line).text);

row("key verify-receipt says which relay accepted which message, as which number, for which device, when", async () => {
  const said = JSON.parse(await ada.ok(["key", "verify-receipt", sent.receipt, "--json"]));
  assert.deepEqual(Object.keys(said), ["valid", "relay", "mailbox", "seq", "id", "time", "body_hash"]);
  assert.deepEqual([said.valid, said.relay, said.seq, said.id], [true, rootOf(relay.address), sent.seq, sent.id]);
  assert.equal(said.mailbox, JSON.parse(await bob.ok(["key", "show", "--json"])).device);
  assert.ok(Math.abs(Date.parse(said.time) - Date.now()) < 600_000, said.time);
  assert.match(said.body_hash, /^[0-9a-f]{64}$/);
  const text = await ada.ok(["key", "verify-receipt", sent.receipt]);
  assert.ok(text.startsWith(`good receipt: the relay ${said.relay} accepted message ${sent.id} as number ${sent.seq}`));
});

row(
  "a receipt is checked offline, by somebody without a key, from a file or stdin, with any address of that ROOT",
  async () => {
    const notary = world.person("notary");
    const address = `qight://${rootOf(relay.address)}@nowhere.invalid`;
    const file = notary.file("receipt", `${sent.receipt}\n`);
    await notary.ok(["key", "verify-receipt", sent.receipt, "--relay", address]);
    await notary.ok(["key", "verify-receipt", `@${file}`, "--relay", address]);
    await notary.ok(["key", "verify-receipt", "-", "--relay", address], { stdin: `${sent.receipt}\n` });
    assert.deepEqual(
      [...Deno.readDirSync(notary.home)].map(({ name }) => name),
      ["receipt"],
      "it left something behind",
    );
  },
);

/** The receipt with some of its fields changed. */
function altered(change: (receipt: Receipt) => Partial<Receipt>): string {
  const receipt = fromBinary(ReceiptSchema, Uint8Array.fromBase64(sent.receipt));
  return toBinary(ReceiptSchema, create(ReceiptSchema, { ...receipt, ...change(receipt) })).toBase64();
}

/** The receipt with some fields of its leaf changed. */
const alteredLeaf = (change: Partial<ReceiptLeaf>) =>
  altered(({ leaf }) => ({
    leaf: toBinary(
      ReceiptLeafSchema,
      create(ReceiptLeafSchema, { ...fromBinary(ReceiptLeafSchema, leaf), ...change }),
    ),
  }));

const attacks: readonly (readonly [string, () => string, RegExp])[] = [
  ["another mailbox", () => alteredLeaf({ mailbox: new Uint8Array(32) }), /did not sign/],
  ["another number", () => alteredLeaf({ seq: 999n }), /did not sign/],
  ["another id", () => alteredLeaf({ id: new Uint8Array(16) }), /did not sign/],
  ["other content", () => alteredLeaf({ bodyHash: new Uint8Array(32) }), /did not sign/],
  ["another time", () => alteredLeaf({ receivedAtMs: 1n }), /did not sign/],
  ["a larger tree", () => altered(() => ({ size: 2, path: [new Uint8Array(32)] })), /did not sign/],
  ["a proof that is too long", () => altered(() => ({ path: [new Uint8Array(32)] })), /does not belong/],
  ["a proof that is too short", () => altered(() => ({ size: 2 })), /does not belong/],
  ["another place", () => altered(() => ({ index: 1 })), /does not belong/],
  ["another signature", () => altered(() => ({ signature: new Uint8Array(64) })), /did not sign/],
  ["another relay's name", () => altered(() => ({ relay: new Uint8Array(32) })), /another relay/],
  ["its end cut off", () => sent.receipt.slice(0, 100), /well-formed|canonical/],
  ["no base64", () => "not-a-receipt", /not base64/],
  ["nothing", () => "", /not 32/],
];
for (const [what, receipt, words] of attacks) {
  row(`bad_receipt: a receipt altered to have ${what} is 65`, async () => {
    const outcome = await ada.run(["key", "verify-receipt", "--json", "--", receipt()]);
    assert.equal(outcome.code, 65, outcome.stdout);
    const { code, message } = errorOf(outcome);
    assert.equal(code, "bad_receipt");
    assert.match(message, words);
    assert.equal(outcome.stdout, "");
  });
}

row("bad_receipt: another relay's receipt, and a receipt shown with another relay's address", async () => {
  const eve = await world.member("eve", other);
  const theirs = JSON.parse(await eve.ok(["send", eve.id, "note", "--json"])).receipt;
  await eve.ok(["key", "verify-receipt", theirs]);
  for (const [receipt, address] of [[theirs, relay.address], [sent.receipt, other.address]]) {
    const error = errorOf(await ada.run(["key", "verify-receipt", receipt, "--relay", address, "--json"]));
    assert.deepEqual([error.code, error.exit], ["bad_receipt", 65]);
    assert.match(error.message, /another relay/);
  }
});

row(
  "what is missing is said: no relay 78, an address without ROOT 64, a file 66, a bare path with the hint @",
  async () => {
    const notary = world.person("forgetful");
    const verify = async (...args: string[]) => errorOf(await notary.run(["key", "verify-receipt", "--json", ...args]));
    assert.equal((await verify(sent.receipt)).code, "no_relay");
    const bare = await verify(sent.receipt, "--relay", "qight://relay.example");
    assert.deepEqual([bare.code, bare.exit], ["bad_address", 64]);
    assert.equal((await verify("@/nowhere", "--relay", relay.address)).code, "no_input");
    const file = notary.file("r", sent.receipt);
    assert.ok((await verify(file, "--relay", relay.address)).hint.includes(`@${file}`));
    const large = notary.file("large", "A".repeat(5000));
    assert.equal((await verify(`@${large}`, "--relay", relay.address)).code, "message_too_large");
  },
);

row(
  "send --id ID --json gives the receipt again, also of a message sent without --json and of a queued one",
  async () => {
    const again = JSON.parse(await ada.ok(["send", bob.id, "--id", sent.id, "--json"]));
    assert.equal(again.receipt, sent.receipt);
    const plain = await ada.ok(["send", bob.id, "plain"]);
    assert.match(plain, /^[0-9a-f]{32}$/);
    const queued = JSON.parse(await ada.ok(["send", bob.id, "queued", "--queue", "--json"]));
    assert.equal(queued.receipt, null);
    for (const id of [plain, queued.id]) {
      const { receipt, seq } = JSON.parse(await ada.ok(["send", bob.id, "--id", id, "--json"]));
      const said = JSON.parse(await ada.ok(["key", "verify-receipt", receipt, "--json"]));
      assert.deepEqual([said.id, said.seq], [id, seq]);
    }
  },
);

row("the receipt of a message outlives its reading and the relay's restart", async () => {
  await texts();
  assert.equal(await relay.stop(), 0);
  relay = await world.relay({ port: relay.port });
  const plain = await ada.ok(["send", bob.id, "after the restart"]);
  assert.deepEqual(await texts(), ["after the restart"]);
  for (const id of [plain, sent.id]) {
    const { receipt } = JSON.parse(await ada.ok(["send", bob.id, "--id", id, "--json"]));
    assert.equal(JSON.parse(await ada.ok(["key", "verify-receipt", receipt, "--json"])).id, id);
  }
});

row("send --lines --json gives each line its receipt", async () => {
  const out = await ada.ok(["send", bob.id, "--lines", "--json"], { stdin: "one\ntwo\nthree\n" });
  const lines = out.split("\n").map((line) => JSON.parse(line));
  assert.equal(lines.length, 3);
  for (const { id, seq, receipt } of lines) {
    const said = JSON.parse(await ada.ok(["key", "verify-receipt", receipt, "--json"]));
    assert.deepEqual([said.id, said.seq], [id, seq]);
  }
  assert.deepEqual(await texts(), ["one", "two", "three"]);
});

/** The relay's receipts on their way to the client, changed. */
const meddling = (change: (receipt: Uint8Array) => Uint8Array[]) => (name: string) =>
  name !== "SendForReceipt" && name !== "SendMany" ? undefined : {
    reply(message: Uint8Array | null) {
      if (!message) return [];
      const { kind } = fromBinary(SendOutcomeSchema, message);
      if (kind.case !== "receipt") return [message];
      return change(kind.value).map((value) =>
        toBinary(SendOutcomeSchema, create(SendOutcomeSchema, { kind: { case: "receipt", value } }))
      );
    },
  };

row(
  "a relay whose receipt is for another message: the id is printed without receipt, the error says 65, mail arrives",
  async () => {
    const receipt = Uint8Array.fromBase64(sent.receipt);
    await using hostile = await hostileRelay({ behind: relay.address, root, treat: meddling(() => [receipt]) });
    for (const args of [["send", bob.id, "single"], ["send", bob.id, "--lines"]]) {
      const outcome = await ada.run([...args, "--json", "--relay", hostile.address], { stdin: "lines\n" });
      assert.equal(outcome.code, 65, outcome.stderr);
      assert.equal(errorOf(outcome).code, "bad_receipt");
      assert.match(errorOf(outcome).message, /another message/);
      assert.match(errorOf(outcome).hint, /The relay has the message/);
      const printed = JSON.parse(outcome.stdout);
      assert.equal(printed.receipt, null);
      assert.match(printed.id, /^[0-9a-f]{32}$/);
    }
    assert.deepEqual(await texts(), ["single", "lines"]);
  },
);

row("a relay that keeps its receipts back: the message is accepted, receipt is null, exit 0", async () => {
  await using hostile = await hostileRelay({ behind: relay.address, root, treat: meddling(() => []) });
  const outcome = await ada.run(["send", bob.id, "no word", "--json", "--relay", hostile.address]);
  assert.equal(outcome.code, 0, outcome.stderr);
  assert.deepEqual([JSON.parse(outcome.stdout).receipt, outcome.stderr], [null, ""]);
  assert.deepEqual(await texts(), ["no word"]);
});

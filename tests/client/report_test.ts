/** Proofs of what was sent: who lies in a commitment is not heard, and what was read can be proven for a week. @module */
import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { parseEnvelope, signEnvelope } from "../../crypto/envelope.ts";
import { opensCommitment } from "../../crypto/franking.ts";
import { findReportable, MAX_REPORTED } from "../../client/report.ts";
import type { Content } from "../../proto/gen/qight/v1/seal_pb.ts";
import { ContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import type { ReportableRow } from "../../client/storage/store.ts";
import { sealedEnvelope } from "../crypto/samples.ts";
import { gather } from "./gathering.ts";
import { groupRelay, ShiftedClock } from "./group_people.ts";
import { openStore } from "./person.ts";
import { Talker, textOf } from "./talker.ts";

const DAY_MS = 24 * 3600_000;
const NOTHING = new Uint8Array(0);

/** Which way a message goes: into the conversation of two, into a group of three, or sealed. */
type Way = "direct" | "group" | "sealed";

interface Scene {
  ada: Talker;
  bob: Talker;
  /** Sends a message whose envelope commits to what `forge` makes of the true commitment; answers its id. */
  sendForged(way: Way, text: string, forge: (commitment: Uint8Array) => Uint8Array): Promise<Uint8Array>;
}

async function scene(run: (scene: Scene) => Promise<void>): Promise<void> {
  await using here = await gather(Talker, { ada: 1, bob: 2 });
  const { ada, bob } = here;
  await ada.say(bob, "first");
  const { group } = await ada.person.groups.create("ops", [bob.account]);
  await ada.say(group, "hello ops");
  assert.deepEqual(await bob.texts(), ["first", "hello ops"]);
  const { author, directory, relay } = await ada.room();
  await run({
    ada,
    bob,
    async sendForged(way, text, forge) {
      const draft = ada.draft(text, way === "sealed" ? undefined : way);
      const to = way === "group"
        ? { group, recipient: group }
        : way === "direct"
        ? { group: await ada.person.groups.direct(bob.account), recipient: bob.account }
        : await directory.lookUp(relay, bob.account);
      const [{ envelopes: [{ envelope }] }] = await ada.outbox.freeze(author, to, [draft]);
      const fields = parseEnvelope(envelope);
      await relay.send(await signEnvelope(author.signer, { ...fields, commitment: forge(fields.commitment) }));
      return draft.id;
    },
  });
}

for (const way of ["direct", "group", "sealed"] as const) {
  Deno.test(`${way}: who commits to something else than what is said is not heard: unreadable, bad_commitment`, () =>
    scene(async ({ bob, sendForged }) => {
      const changed = (commitment: Uint8Array) => commitment.map((byte, at) => at === 31 ? byte ^ 1 : byte);
      const id = await sendForged(way, "you cannot prove this", changed);
      await sendForged(way, "honest", (commitment) => commitment);
      const [forged, honest] = await bob.hear();
      assert.ok(forged.type === "unreadable", `${forged.type}`);
      assert.deepEqual([forged.id, forged.reason], [id, "bad_commitment"]);
      assert.equal(honest.type === "message" && textOf(honest), "honest");
      assert.deepEqual(await bob.hear(), [], "it was told once and left the mailbox");
      await assert.rejects(findReportable(bob.person.store, [id]), { code: "no_input" });
    }));

  Deno.test(`${way}: an envelope of an older program, which commits to nothing, is read; it proves nothing`, () =>
    scene(async ({ bob, sendForged }) => {
      const id = await sendForged(way, "from before", () => NOTHING);
      assert.deepEqual(await bob.texts(), ["from before"]);
      await assert.rejects(findReportable(bob.person.store, [id]), { code: "no_input" });
    }));

  Deno.test(`${way}: what was read can be proven, word for word, and nothing else can`, () =>
    scene(async ({ ada, bob, sendForged }) => {
      const id = await sendForged(way, "I know where you live", (commitment) => commitment);
      assert.deepEqual(await bob.texts(), ["I know where you live"]);
      const [found, ...more] = await findReportable(bob.person.store, [id]);
      assert.equal(more.length, 0);
      assert.equal(found.said.body.value, "I know where you live");
      assert.deepEqual([found.account, found.inConversation], [ada.account, way !== "sealed"]);
      const { commitment, sender } = parseEnvelope(found.envelope);
      assert.deepEqual(sender, ada.person.device);
      assert.ok(await opensCommitment(commitment, found.frankingKey, found.content));
      const other = found.content.map((byte, at) => at === found.content.length - 1 ? byte ^ 1 : byte);
      assert.ok(!await opensCommitment(commitment, found.frankingKey, other));
    }));
}

Deno.test("the same words said twice have two keys and two commitments: nobody sees that they are the same", () =>
  scene(async ({ ada, bob }) => {
    const ids = [];
    for (const text of ["same", "same"]) ids.push((await ada.say(bob, text)).id);
    await bob.texts();
    const [one, two] = await findReportable(bob.person.store, ids);
    assert.notDeepEqual(one.frankingKey, two.frankingKey);
    assert.notDeepEqual(parseEnvelope(one.envelope).commitment, parseEnvelope(two.envelope).commitment);
  }));

Deno.test("a message that a commit outran commits to the same words under its new bytes", async () => {
  await using here = await gather(Talker, { ada: 1, bob: 2 });
  const { ada, bob } = here;
  const { group } = await ada.person.groups.create("ops", [bob.account]);
  await bob.hear();
  await ada.person.groups.rename(group, "ops2");
  const { id, error } = await bob.say(group, "outrun");
  assert.equal(error, null);
  assert.deepEqual(await ada.texts(), ["outrun"]);
  const [found] = await findReportable(ada.person.store, [id]);
  assert.equal(found.said.body.value, "outrun");
});

Deno.test("changed words are reported with the line; who says to change somebody else's line is not", () =>
  scene(async ({ ada, bob, sendForged }) => {
    const { id } = await ada.say(bob, "hello");
    const edit = (text: string): Content =>
      create(ContentSchema, { action: { case: "edit", value: { target: id, text } } });
    await ada.say(bob, edit("I will find you"));
    await sendForged("direct", "something else", (commitment) => commitment);
    await bob.hear();
    const found = await findReportable(bob.person.store, [id]);
    assert.deepEqual(found.map(({ said }) => said.action.case ?? said.body.value), ["hello", "edit"]);
    const stranger = { ...found[1], id: new Uint8Array(16).fill(7), account: new Uint8Array(32).fill(7) };
    await bob.person.store.write(({ reportable }) => reportable.put(stranger, 1e9));
    assert.equal((await findReportable(bob.person.store, [id])).length, 2);
    assert.equal((await findReportable(bob.person.store, [id, id])).length, 2, "named twice, shown once");
  }));

Deno.test("a proof is kept for 7 days, that of a disappearing line for as long as the line", async () => {
  await using at = await groupRelay();
  const clock = new ShiftedClock();
  await using ada = await Talker.join(at, 1);
  await using bob = await Talker.join(at, 2, { clock });
  const { id } = await ada.say(bob, "stays");
  const brief = create(ContentSchema, { body: { case: "text", value: "goes" }, disappearAfterS: 3600 });
  const { id: gone } = await ada.say(bob, brief);
  await bob.texts();
  assert.equal((await findReportable(bob.person.store, [id, gone])).length, 2);
  const days = async (count: number) => {
    clock.aheadMs = count * DAY_MS;
    await bob.person.store.write(({ reportable }) => reportable.purge(clock.now()));
  };
  await days(6.9);
  assert.equal((await findReportable(bob.person.store, [id])).length, 1);
  await assert.rejects(findReportable(bob.person.store, [gone]), { code: "no_input" });
  await days(7.1);
  await assert.rejects(findReportable(bob.person.store, [id]), { code: "no_input" });
});

Deno.test("nothing is kept of what a blocked account says, of a look with --peek, nor where no history is kept", () =>
  scene(async ({ ada, bob }) => {
    const one = await ada.say(bob, "looked at");
    assert.deepEqual(await bob.texts({ peek: true }), ["looked at"]);
    await assert.rejects(findReportable(bob.person.store, [one.id]), { code: "no_input" });
    assert.deepEqual(await bob.texts({ proofs: false }), ["looked at"]);
    await assert.rejects(findReportable(bob.person.store, [one.id]), { code: "no_input" });
    await bob.person.contacts.add("ada", ada.account);
    await bob.person.contacts.block("ada", true);
    const two = await ada.say(bob, "unseen");
    assert.deepEqual(await bob.hear(), []);
    await assert.rejects(findReportable(bob.person.store, [two.id]), { code: "no_input" });
  }));

/** A row of the table: the `at`-th, with so large a content. */
function rowOf(at: number, content: Uint8Array, envelope: Uint8Array = NOTHING): ReportableRow {
  const [id, account, frankingKey] = [new Uint8Array(16).fill(at), new Uint8Array(32), new Uint8Array(32)];
  return { id, account, target: null, frankingKey, content, envelope, forgetAtMs: at };
}

Deno.test("a report has at most 20 messages and 4 MiB", async () => {
  await using store = await openStore(":memory:");
  const envelope = await sealedEnvelope("hi");
  const large = toBinary(ContentSchema, create(ContentSchema, { body: { case: "text", value: "x".repeat(250_000) } }));
  const ids = Array.from({ length: 40 }, (_, at) => new Uint8Array(16).fill(at));
  await store.write(({ reportable }) => {
    for (const at of ids.keys()) reportable.put(rowOf(at, at < 20 ? large : NOTHING, envelope), 16 * 1024 ** 2);
  });
  await assert.rejects(findReportable(store, ids.slice(19)), { code: "usage", message: /at most 20 messages/ });
  assert.equal((await findReportable(store, ids.slice(20))).length, MAX_REPORTED);
  assert.equal((await findReportable(store, ids.slice(0, 16))).length, 16);
  await assert.rejects(findReportable(store, ids.slice(0, 17)), { code: "message_too_large" });
});

Deno.test("proofs have a limit of bytes together: the oldest go, and what the same again would add is not counted", async () => {
  await using store = await openStore(":memory:");
  const put = (at: number) => store.write(({ reportable }) => reportable.put(rowOf(at, new Uint8Array(100)), 1000));
  const kept = () =>
    store.read(({ reportable }) => {
      const all = Array.from({ length: 20 }, (_, at) => at);
      return all.filter((at) => reportable.about(new Uint8Array(16).fill(at)).length > 0);
    });
  for (let at = 0; at < 12; at++) await put(at);
  assert.deepEqual(await kept(), [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  await put(5);
  assert.equal((await kept()).length, 10);
  assert.equal(await store.write(({ reportable }) => reportable.purge(7)), 5);
  for (let at = 12; at < 18; at++) await put(at);
  assert.deepEqual(await kept(), [8, 9, 10, 11, 12, 13, 14, 15, 16, 17]);
});

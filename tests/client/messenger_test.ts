/** The library's messenger: keys and stores it opens, and what it promises of each message. @module */
import assert from "node:assert/strict";
import { accountFromSeed } from "../../crypto/account.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { Messenger, type MessengerOptions, type ReceivedMessage } from "../../mod.ts";
import { QightError } from "../../proto/errors.ts";
import { type TestRelay, testRelay } from "../helpers/test_relay.ts";
import { openStore } from "./person.ts";

let at: TestRelay, folder: string;
Deno.test.beforeAll(async () => {
  at = await testRelay({ storage: { backend: "memory" } });
  folder = await Deno.makeTempDir();
});
Deno.test.afterAll(async () => {
  await at[Symbol.asyncDispose]();
  await Deno.remove(folder, { recursive: true });
});

/** Somebody who keeps nothing on disk; another `device` of theirs has another number. */
async function somebody(seed: number, device = seed): Promise<Messenger> {
  const identity = {
    account: await accountFromSeed(new Uint8Array(32).fill(seed)),
    signer: await signerFromSeed(new Uint8Array(32).fill(device + 100)),
  };
  return await Messenger.open({ relay: at.address, identity, store: await openStore(":memory:") });
}

async function all(reader: Messenger): Promise<ReceivedMessage[]> {
  return await Array.fromAsync(reader.messages({ follow: false }));
}

function refuses(options: Partial<MessengerOptions>, code: string): Promise<void> {
  return assert.rejects(
    Messenger.open({ relay: at.address, ...options }),
    (error) => error instanceof QightError && error.code === code,
  );
}

const bad: readonly (readonly [string, () => Partial<MessengerOptions>, string])[] = [
  ["without a folder or an identity", () => ({}), "usage"],
  ["without a key file, unless one may be made", () => ({ dataDir: `${folder}/nobody` }), "no_key"],
  ["with an address that is none", () => ({ dataDir: folder, relay: "nothing like it" }), "bad_address"],
];
for (const [what, options, code] of bad) {
  Deno.test(`a messenger does not open ${what}: ${code}`, () => refuses(options(), code));
}

Deno.test("the key that was made is used again, and opens with its passphrase alone", async () => {
  const dataDir = `${folder}/ada`;
  const options = { relay: at.address, dataDir, passphrase: "correct horse" };
  const ids = [];
  for (const makeKey of [true, false]) {
    await using ada = await Messenger.open({ ...options, makeKey });
    ids.push(ada.id);
  }
  assert.equal(ids[0], ids[1]);
  await refuses({ dataDir, passphrase: "wrong" }, "wrong_passphrase");
});

Deno.test("the same id with the same words is one message, however often it is sent", async () => {
  await using ada = await somebody(1);
  await using bob = await somebody(2);
  const id = "0190f0f0f0f070008000000000000001";
  const sent = [await ada.send(bob.id, "once", { id }), await ada.send(bob.id, "once", { id })];
  assert.deepEqual(sent.map((one) => one.id), [id, id]);
  assert.deepEqual((await all(bob)).map(({ text }) => text), ["once"]);
  await assert.rejects(ada.send(bob.id, "other words", { id }), { code: "id_reused" });
});

Deno.test("two programs of one account do not answer each other's words, and each gets notes and what others say", async () => {
  await using ada = await somebody(30);
  await using bob = await somebody(31);
  assert.deepEqual(await all(bob), []);
  await using other = await somebody(31, 32);
  assert.deepEqual(await all(other), []);
  await ada.send(bob.id, "to both");
  assert.deepEqual((await all(bob)).map(({ text }) => text), ["to both"]);
  await bob.send(ada.id, "an answer");
  await bob.send(bob.id, "a note");
  assert.deepEqual((await all(other)).map(({ text }) => text), ["to both", "a note"]);
});

Deno.test("a message at which the loop breaks off comes again, but not one that was declared done", async () => {
  await using ada = await somebody(3);
  await using bob = await somebody(4);
  for (const text of ["first", "second", "third"]) await ada.send(bob.id, text);
  for await (const message of bob.messages({ follow: false })) {
    if (message.text !== "second") continue;
    await message.done();
    break;
  }
  for await (const { text } of bob.messages({ follow: false })) {
    assert.equal(text, "third");
    break;
  }
  assert.deepEqual((await all(bob)).map(({ text, redelivered }) => [text, redelivered]), [["third", true]]);
});

Deno.test("people come and go in a group by their names; who was removed is told, who left is gone", async () => {
  await using ada = await somebody(5);
  await using bob = await somebody(6);
  await using eve = await somebody(7);
  const { name } = await ada.groups.create("ops", [bob.id]);
  await ada.groups.invite(name, [eve.id]);
  assert.deepEqual((await eve.groups.members("#ops")).map(({ id }) => id), [ada.id, bob.id, eve.id]);
  await eve.groups.leave("#ops");
  await all(ada);
  await bob.send("#ops", "without eve");
  assert.deepEqual((await all(ada)).map(({ in: where, text, inGroup }) => [where, text, inGroup]), [
    ["#ops", "without eve", true],
  ]);
  await ada.groups.remove("#ops", [bob.id]);
  const told: string[] = [];
  const read = bob.messages({
    follow: false,
    onEvent: (event) => void (event.type === "group" && told.push(event.happened.kind)),
  });
  assert.deepEqual(await Array.fromAsync(read), []);
  assert.equal(told.at(-1), "removed_me");
  await assert.rejects(bob.send("#ops", "still here?"), { code: "not_a_member" });
});

Deno.test("a file that is too large for a message arrives whole, beside one that is not", async () => {
  await using ada = await somebody(31);
  await using bob = await somebody(32);
  const large = new Uint8Array(700_000).map((_, at) => at * 31 >> 3);
  const small = new TextEncoder().encode("small");
  await ada.send(bob.id, { text: "two", files: [{ name: "large.bin", data: large }, { name: "small", data: small }] });
  const inbox = `${folder}/inbox`;
  for await (const message of bob.messages({ follow: false })) {
    const saved = await message.save(inbox);
    assert.deepEqual(saved.map(({ name, size }) => [name, size]), [["large.bin", 700_000], ["small", 5]]);
    assert.deepEqual(await Deno.readFile(saved[0].path!), large);
    assert.deepEqual(await Deno.readFile(saved[1].path!), small);
    return;
  }
  assert.fail("nothing arrived");
});

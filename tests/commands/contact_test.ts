/** Contacts: names instead of ids, pins that hold, digits that two people compare. @module */
import assert from "node:assert/strict";
import { cast, errorOf, type Member, row } from "./harness.ts";
import { hasScript, onTerminal } from "./on_terminal.ts";

const { ada, bob, eve } = await cast("ada", "bob", "eve");

async function shown(person: Member, name: string) {
  return JSON.parse(await person.ok(["contact", "show", name, "--json"]));
}

row("a name stands for an id wherever one is asked for, in any case of letters", async () => {
  assert.equal(await ada.ok(["contact", "add", "Bob", bob.id]), `Bob  ${bob.id}  not verified`);
  await bob.ok(["contact", "add", "ada", ada.id]);
  await ada.ok(["send", "bob", "by name"]);
  await eve.ok(["send", bob.id, "by id"]);
  const [first, second] = (await bob.ok(["fetch", "--json"])).split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([first.from, first.from_name, first.text], [ada.id, "ada", "by name"]);
  assert.deepEqual([second.from, second.from_name, second.text], [eve.id, undefined, "by id"]);
  await ada.ok(["send", "BOB", "again"]);
  await eve.ok(["send", bob.id, "stays"]);
  assert.match(await bob.ok(["fetch", "--from", "ada"]), /^\d\d:\d\d {2}ada {2}again$/);
  assert.match(await bob.ok(["fetch"]), /qid1\S+ {2}stays$/);
  assert.match(await ada.ok(["check-key", "bob"]), new RegExp(bob.id));
});

row("expectation 18: both ends see the same 60 digits, in groups of 5, whoever looks first", async () => {
  const digits = [(await shown(ada, "bob")).safety_number, (await shown(bob, "ada")).safety_number];
  assert.equal(digits[0], digits[1]);
  assert.match(digits[0], /^\d{60}$/);
  const text = await ada.ok(["contact", "show", "bob", "--qr"]);
  const groups = [...text.matchAll(/safety {2}((?:\d{5} ?){4})/g)].map(([, line]) => line.replaceAll(" ", ""));
  assert.equal(groups.join(""), digits[0]);
  assert.match(text, /[█▀▄]/);
  const fields = await shown(ada, "bob");
  assert.deepEqual([fields.name, fields.id, fields.verified, fields.devices.length], ["Bob", bob.id, false, 1]);
  assert.match(fields.devices[0].device, /^SHA256:/);
});

row("expectation 20: another id under a name blocks it with 77 until contact verify", async () => {
  const refused = await ada.run(["contact", "add", "bob", eve.id, "--json"]);
  assert.deepEqual([refused.code, errorOf(refused).code], [77, "key_changed"]);
  assert.match(errorOf(refused).hint, /qight contact verify Bob/);
  const send = await ada.run(["send", "bob", "to whom?", "--json"]);
  assert.deepEqual([send.code, errorOf(send).code], [77, "key_changed"]);
  assert.match(errorOf(send).hint, /qight contact verify Bob/);
  assert.equal((await shown(ada, "bob")).id, bob.id, "the pin holds");
  assert.match(await ada.ok(["contact", "list"]), /ANOTHER ID WAS OFFERED/);

  assert.match(await ada.ok(["contact", "show", "bob"]), new RegExp(`offered ${eve.id}`));

  await ada.ok(["contact", "add", "bob", bob.id]);
  assert.equal((await shown(ada, "bob")).offered_id, null, "the right id again withdraws the offer");
  assert.equal((await ada.run(["contact", "add", "bob", eve.id])).code, 77);
  await ada.ok(["contact", "verify", "bob", (await shown(ada, "bob")).safety_number]);
  const kept = await shown(ada, "bob");
  assert.deepEqual([kept.id, kept.verified, kept.offered_id], [bob.id, true, null], "digits of the pinned one keep it");
  assert.equal((await ada.run(["contact", "add", "bob", eve.id])).code, 77);

  const wrong = await ada.run(["contact", "verify", "bob", "0".repeat(60), "--json"]);
  assert.deepEqual([wrong.code, errorOf(wrong).code], [77, "key_changed"]);
  await eve.ok(["contact", "add", "ada", ada.id]);
  const digits = (await shown(eve, "ada")).safety_number;
  await ada.ok(["contact", "verify", "bob", ...digits.match(/\d{5}/g)]);
  const { id, verified, offered_id } = await shown(ada, "bob");
  assert.deepEqual({ id, verified, offered_id }, { id: eve.id, verified: true, offered_id: null });
  await ada.ok(["send", "bob", "now to eve"]);
  assert.match(await eve.ok(["fetch"]), /now to eve$/);
});

row("verify without digits and without a terminal is 64 and says how", async () => {
  const outcome = await bob.run(["contact", "verify", "ada", "--json"]);
  assert.deepEqual([outcome.code, errorOf(outcome).code], [64, "usage"]);
  assert.match(errorOf(outcome).hint, /qight contact verify ada DIGITS/);
  assert.equal((await shown(bob, "ada")).verified, false);
  const short = await bob.run(["contact", "verify", "ada", "12345", "--json"]);
  assert.equal(errorOf(short).code, "usage");
});

Deno.test({
  name: hasScript ? "verify on a terminal shows the digits and takes yes alone" : "verify on a terminal (no script(1))",
  ignore: !hasScript,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const no = await onTerminal(bob, ["contact", "verify", "ada"], [[/Type yes: /, "y\r"]]);
    assert.equal(no.code, 77, no.screen);
    assert.equal((await shown(bob, "ada")).verified, false);
    const yes = await onTerminal(bob, ["contact", "verify", "ada"], [[/Type yes: /, "yes\r"]]);
    assert.equal(yes.code, 0, yes.screen);
    assert.match(yes.screen, /(?:\d{5} ?){4}/);
    assert.equal((await shown(bob, "ada")).verified, true);
  },
});

row("what a blocked contact sent is never shown, later mail is refused, and nothing is sent to them", async () => {
  await ada.ok(["send", bob.id, "sent before the block"]);
  await bob.ok(["contact", "block", "ada"]);
  await eve.ok(["send", bob.id, "welcome"]);
  assert.match(await bob.ok(["fetch"]), /^\S+ {2}\S+ {2}welcome$/);
  for (const to of ["ada", ada.id]) {
    const refused = await bob.run(["send", to, "x", "--json"]);
    assert.deepEqual([refused.code, errorOf(refused).code], [77, "blocked"]);
  }
  const unwanted = await ada.run(["send", bob.id, "unwanted", "--json"]);
  assert.deepEqual([unwanted.code, errorOf(unwanted).code], [77, "refused_by_recipient"]);
  await bob.ok(["contact", "block", "ada", "--undo"]);
  assert.equal(await bob.ok(["fetch"]), "");
  await ada.ok(["send", bob.id, "wanted again"]);
  assert.match(await bob.ok(["fetch"]), /ada {2}wanted again$/);
});

const refused: [args: string[], exit: number, code: string][] = [
  [["send", "nobody", "x"], 67, "no_such_contact"],
  [["fetch", "--from", "nobody"], 67, "no_such_contact"],
  [["contact", "show", "nobody"], 67, "no_such_contact"],
  [["contact", "remove", "nobody"], 67, "no_such_contact"],
  [["contact", "add", "-x-", "qid1"], 64, "usage"],
  [["contact", "add", "a b", "ab".repeat(32)], 64, "bad_name"],
  [["contact", "add", "\u202ebob", "ab".repeat(32)], 64, "bad_name"],
  [["contact", "add", "qid1bob", "ab".repeat(32)], 64, "bad_name"],
  [["contact", "add", "x", "qid1bob"], 64, "bad_id"],
  [["send", "a b", "x"], 64, "bad_id"],
];
for (const [args, exit, code] of refused) {
  row(`${args.join(" ").replace("\u202e", "RLO ")} is ${exit} ${code}`, async () => {
    const outcome = await eve.run([...args, "--json"]);
    assert.deepEqual([outcome.code, errorOf(outcome).code], [exit, code]);
  });
}

row("one id has one name, the own id none, and a removed name is free again", async () => {
  await eve.ok(["contact", "add", "b", bob.id]);
  const second = await eve.run(["contact", "add", "robert", bob.id, "--json"]);
  assert.deepEqual([second.code, errorOf(second).code], [73, "would_overwrite"]);
  assert.equal((await eve.run(["contact", "add", "me", eve.id])).code, 64);
  assert.equal(await eve.ok(["contact", "remove", "B"]), "b");
  await eve.ok(["contact", "add", "robert", bob.id]);
  const listed = (await eve.ok(["contact", "list", "--json"])).split("\n").map((line) => JSON.parse(line).name);
  assert.deepEqual(listed, ["ada", "robert"]);
});

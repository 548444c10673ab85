/** Several devices of one account between real processes: linked by a code, listed, renamed, revoked. @module */
import assert from "node:assert/strict";
import { INVITE_WORDS } from "../../crypto/invite_code.ts";
import { openKeyFile } from "../../client/storage/key_file.ts";
import { errorOf, type Person, row, type RunningRelay, World } from "./harness.ts";
import { hasScript, onTerminal } from "./on_terminal.ts";

const world = new World();
Deno.test.afterAll(() => world[Symbol.asyncDispose]());
// An address may have 16 codes open, used ones among them until their ten minutes are over.
let relay = await world.relay();

const FINGERPRINT = /^SHA256:[A-Za-z0-9+/]{43}$/;

/** A machine without a key, at the relay. */
function machine(name: string, at: RunningRelay = relay): Person {
  return world.person(name, { QIGHT_RELAY: at.address });
}

interface Listed {
  readonly id: string;
  readonly name: string;
  readonly added_at: string;
  readonly last_seen: string | null;
  readonly current: boolean;
}

/** The devices that a machine sees, by name. */
async function listed(at: Person): Promise<Listed[]> {
  return (await at.ok(["device", "list", "--json"])).split("\n").map((line) => JSON.parse(line));
}

/** Lets `fresh` into the account of `old`; `more` are flags of the new and of the old side. */
async function link(old: Person, fresh: Person, more: { fresh?: string[]; old?: string[] } = {}) {
  const waiting = fresh.start(["device", "link", "--no-passphrase", "--json", ...more.fresh ?? []]);
  const offer = JSON.parse((await waiting.line())!);
  const approved = await old.run(["device", "link", "-", "-y", ...more.old ?? []], { stdin: offer.code });
  assert.equal(approved.code, 0, approved.stderr);
  const result = JSON.parse((await waiting.line())!);
  assert.equal(await waiting.ended, 0, waiting.stderr());
  for (const stderr of [approved.stderr, waiting.stderr()]) assert.doesNotMatch(stderr, /^warning/m);
  return { offer, result, approved };
}

/** Answers a code and must be refused. */
async function refused(at: Person, code: string, ...more: string[]) {
  const outcome = await at.run(["device", "link", "-", "--json", "-y", ...more], { stdin: code });
  const { exit, message, hint, code: name } = errorOf(outcome);
  assert.equal(outcome.stdout, "");
  return { exit, message, hint, code: name };
}

row("a new machine prints the code alone, waits, and is a device of the account; both see both", async () => {
  const laptop = await world.member("laptop", relay);
  const phone = machine("phone");
  const waiting = phone.start(["device", "link", "--no-passphrase"]);
  const code = (await waiting.line())!;
  assert.equal(code.split(" ").filter((word) => INVITE_WORDS.includes(word)).length, 12, code);
  await waiting.seen(new RegExp(`qight device link ${code}`));
  await waiting.seen(/This device is SHA256:/);
  const own = /This device is (\S+):/.exec(waiting.stderr())![1];
  const approved = await laptop.run(["device", "link", ...code.split(" "), "-y"]);
  assert.deepEqual([approved.code, approved.stdout], [0, `${own}\n`], approved.stderr);
  assert.match(approved.stderr, new RegExp(`new device {3}${RegExp.escape(own)} {2}device\n`));
  const linkedBy = /this device {2}(\S+)/.exec(approved.stderr)![1];
  assert.equal(await waiting.line(), `${laptop.id}  linked by ${linkedBy}`);
  assert.equal(await waiting.ended, 0);
  assert.equal(await phone.ok(["whoami"]), laptop.id);
  for (const [at, current] of [[laptop, linkedBy], [phone, own]] as const) {
    const devices = await listed(at);
    assert.deepEqual(devices.map(({ id, name }) => [id, name]), [[linkedBy, "device"], [own, "device 2"]]);
    assert.deepEqual(devices.filter((each) => each.current).map(({ id }) => id), [current]);
    for (const { added_at, last_seen } of devices) {
      assert.ok(Math.abs(Date.now() - Date.parse(added_at)) < 300_000, added_at);
      assert.ok(Math.abs(Date.now() - Date.parse(last_seen!)) < 3_700_000, String(last_seen));
    }
  }
  assert.match(
    await laptop.ok(["device", "list"]),
    /^device {4}SHA256:\S+ {2}added [-0-9]{10} {2}this device\ndevice 2 /,
  );

  // What is written to the account reaches both, and what one says the other sees.
  const bob = await world.member("bob", relay);
  await bob.ok(["send", laptop.id, "to both"]);
  for (const at of [laptop, phone]) assert.match(await at.ok(["fetch"]), / to both$/);
  await phone.ok(["send", bob.id, "from the phone"]);
  assert.match(await bob.ok(["fetch"]), / from the phone$/);
  assert.match(await laptop.ok(["fetch"]), / from the phone$/);
});

row(
  "--json: first the code and until when, then the account, the device and who linked it; --qr shows the link",
  async () => {
    const old = await world.member("json-old", relay);
    const before = Date.now();
    const { offer, result } = await link(old, machine("json-new"), { fresh: ["--name", "Küche"] });
    assert.deepEqual(Object.keys(offer).slice(0, 2), ["code", "expires_at"]);
    const minutes = (Date.parse(offer.expires_at) - before) / 60_000;
    assert.ok(minutes > 9 && minutes < 11, offer.expires_at);
    assert.ok(offer.link.startsWith(`${relay.address}#link=`), offer.link);
    const [first, second] = await listed(old);
    assert.deepEqual(result, { account: old.id, device: second.id, linked_by: first.id });
    assert.match(second.id, FINGERPRINT);
    assert.equal(second.name, "Küche");
    const shown = machine("qr").start(["device", "link", "--no-passphrase", "--qr"]);
    assert.equal((await shown.line())!.split(" ").length, 12);
    assert.match((await shown.line())!, /[█▀▄ ]{20}/);
    shown.signal("SIGINT");
    assert.equal(await shown.ended, 130);
  },
);

row("contacts, conversations and history come along; --no-history leaves history out", async () => {
  const old = await world.member("moving", relay);
  const friend = await world.member("friend", relay);
  await old.ok(["contact", "add", "friend", friend.id]);
  await old.ok(["group", "create", "team"]);
  await friend.ok(["send", old.id, "long ago"]);
  await old.ok(["fetch"]);
  const [tablet, watch] = [machine("tablet"), machine("watch")];
  await link(old, tablet);
  await link(old, watch, { old: ["--no-history"] });
  for (const at of [tablet, watch]) await at.ok(["fetch"]);
  assert.match(await tablet.ok(["history", "--in", "friend"]), / long ago$/);
  assert.doesNotMatch(await watch.ok(["history", "--in", "friend"]), /long ago/);
  for (const at of [tablet, watch]) assert.match(await at.ok(["contact", "list"]), new RegExp(friend.id));
  await old.ok(["send", "#team", "for all my devices"]);
  for (const at of [tablet, watch]) assert.match(await at.ok(["fetch"]), / for all my devices$/);
});

row("a code works once; one that is old, wrong or no code is refused and changes nothing", async () => {
  const old = await world.member("once", relay);
  const { offer } = await link(old, machine("once-new"));
  const eve = await world.member("once-eve", relay);
  for (const at of [old, eve]) {
    const used = await refused(at, offer.code);
    assert.deepEqual([used.exit, used.code], [65, "code_unknown"]);
  }
  const words = offer.code.split(" ");
  const never = "abandon amount liar amount expire adjust cage candy arch gather drum buyer";
  const mark = offer.link.slice(-22);
  const rows: [text: string, code: string, exit: number, message: RegExp][] = [
    [never, "code_unknown", 65, /./],
    [words.slice(1).join(" "), "bad_code", 64, /A link code has 12 words, and these are 11/],
    [words.with(3, "qight").join(" "), "bad_code", 64, /Word 4, "qight", is in no link code/],
    [offer.link.replace(mark, mark.slice(1)), "bad_code", 64, /The link is damaged/],
    [offer.link.replace("#link=", "#invite="), "bad_code", 64, /without its end/],
    ["", "bad_code", 64, /no link code on standard input/],
  ];
  for (const [text, code, exit, message] of rows) {
    const error = await refused(old, text);
    assert.deepEqual([error.code, error.exit], [code, exit], text);
    assert.match(error.message, message);
    assert.ok(!error.message.includes(mark.slice(4, 18)));
  }
  assert.equal((await refused(old, words[0])).code, "bad_code");
  assert.equal((await listed(old)).length, 2);
});

row("without a yes nothing changes, and the code is still good", async () => {
  const old = await world.member("unasked", relay);
  const waiting = machine("unasked-new").start(["device", "link", "--no-passphrase"]);
  const code = (await waiting.line())!;
  const outcome = await old.run(["device", "link", "-", "--json"], { stdin: code });
  assert.deepEqual([outcome.code, errorOf(outcome).code], [64, "usage"]);
  assert.equal((await listed(old)).length, 1);
  await old.ok(["device", "link", "-", "-y"], { stdin: code });
  assert.equal(await waiting.ended, 0);
});

row("the sixth device is refused before anything is looked at", async () => {
  const old = await world.member("full", relay);
  for (const number of [2, 3, 4, 5]) await link(old, machine(`full-${number}`), { old: ["--no-history"] });
  assert.equal((await listed(old)).length, 5);
  const error = await refused(old, "abandon amount liar amount expire adjust cage candy arch gather drum buyer");
  assert.deepEqual([error.exit, error.code], [65, "too_many_devices"]);
  // Nor by the account's key alone.
  const seed = await old.ok(["key", "export"]);
  const sixth = machine("full-6");
  await sixth.ok(["key", "import", "--no-publish"], { stdin: seed });
  assert.equal(errorOf(await sixth.run(["fetch", "--json"])).code, "too_many_devices");
  // One less, and there is room again.
  await old.ok(["device", "revoke", "device 5", "-y"]);
  await link(old, machine("full-7"), { old: ["--no-history"] });
});

row("a device is meant by its name in any case, its fingerprint, or how one of them begins", async () => {
  const old = await world.member("names", relay);
  await link(old, machine("names-new"), { fresh: ["--name", "phone"] });
  const [first, second] = await listed(old);
  await old.ok(["device", "rename", "device", "Laptop"]);
  for (const word of ["Laptop", "LAPTOP", "lap", first.id, first.id.slice(0, 20), first.id.slice(7, 17)]) {
    assert.equal(await old.ok(["device", "rename", word, "Laptop"]), `Laptop  ${first.id}`);
  }
  const renamed = JSON.parse(await old.ok(["device", "rename", "phone", "ada's phone", "--json"]));
  assert.deepEqual([renamed.id, renamed.name, renamed.current], [second.id, "ada's phone", false]);
  const rows: [args: string[], code: string, exit: number][] = [
    [["rename", "nobody", "x"], "no_such_device", 67],
    [["rename", "SHA256:", "x"], "no_such_device", 67],
    [["revoke", "", "-y"], "no_such_device", 67],
    [["rename", "Laptop", "ADA's phone"], "bad_name", 64],
    [["rename", "Laptop", ""], "bad_name", 64],
    [["rename", "Laptop", "a".repeat(33)], "bad_name", 64],
    [["rename", "Laptop", "SHA256:x"], "bad_name", 64],
    [["rename", "Laptop", "two\nlines"], "bad_name", 64],
    [["revoke", "Laptop", "-y"], "usage", 64],
  ];
  for (const [args, code, exit] of rows) {
    const outcome = await old.run(["device", ...args, "--json"]);
    assert.deepEqual([errorOf(outcome).code, outcome.code], [code, exit], args.join(" "));
  }
  assert.equal(errorOf(await old.run(["device", "revoke", "SHA256:x", "-y", "--json"])).code, "no_such_device");
  assert.deepEqual((await listed(old)).map(({ name }) => name), ["Laptop", "ada's phone"]);
});

row(
  "who revokes is asked; the device is out at once, contacts see one line, and only a link brings it back",
  async () => {
    const old = await world.member("keeper", relay);
    const lost = machine("lost");
    const carl = await world.member("carl", relay);
    await carl.ok(["contact", "add", "keeper", old.id]);
    await link(old, lost, { fresh: ["--name", "lost"] });
    await carl.ok(["send", "keeper", "hello"]);
    for (const at of [old, lost]) await at.ok(["fetch"]);
    const seed = await lost.ok(["key", "export"]);
    const unasked = await old.run(["device", "revoke", "lost", "--json"]);
    assert.deepEqual([unasked.code, errorOf(unasked).code], [64, "usage"]);
    assert.match(unasked.stderr, /its mail there is dropped/);
    const following = lost.start(["fetch", "--follow", "--json"]);
    await carl.ok(["send", "keeper", "while it reads"]);
    assert.equal(JSON.parse((await following.line())!).text, "while it reads");
    const [, { id }] = await listed(old);
    assert.equal(await old.ok(["device", "revoke", "lost", "-y"]), id);
    assert.equal(await following.ended, 77);
    assert.equal(JSON.parse(following.stderr().trim().split("\n").at(-1)!).error.code, "not_listed");
    for (
      const args of [["fetch"], ["send", carl.id, "I am ada"], ["device", "list"], ["device", "revoke", "device", "-y"]]
    ) {
      const outcome = await lost.run([...args, "--json"]);
      assert.deepEqual([outcome.code, errorOf(outcome).code], [77, "not_listed"], args.join(" "));
    }
    // The seed is no way in any more, not for a new device either.
    const other = machine("lost-other");
    await other.ok(["key", "import", "--no-publish"], { stdin: seed });
    assert.equal(errorOf(await other.run(["fetch", "--json"])).code, "not_listed");
    assert.deepEqual((await listed(old)).map(({ name }) => name), ["device"]);
    const told = (await carl.ok(["fetch", "--json", "--events"])).split("\n").map((line) => JSON.parse(line));
    const gone = told.filter(({ type }) => type === "device_gone");
    assert.deepEqual(gone.map((event) => [event.id, event.device, event.name]), [[old.id, id, "lost"]]);
    // Contacts are told in words, once.
    await link(old, lost, { fresh: ["-y"], old: ["--no-history"] });
    const again = await carl.run(["fetch"]);
    assert.equal(again.stderr, `keeper has a new device: ${id} device 2\n`);
    assert.equal((await carl.run(["fetch"])).stderr, "");
    await carl.ok(["send", "keeper", "back again"]);
    for (const at of [old, lost]) assert.match(await at.ok(["fetch"]), / back again$/);
  },
);

row("a second relay for the rows that follow", async () => {
  relay = await world.relay({ name: "second" });
});

row(
  "where there are passwords a link signs the new device in, and the password does not let a revoked one back",
  async () => {
    const named = await world.relay({ name: "named", env: { QIGHT_CFG__AUTH__MODE: "account" } });
    const [old, phone] = [machine("named-old", named), machine("named-phone", named)];
    const password = ["--password-file", old.file("password", "correct horse battery\n")];
    await old.ok(["account", "register", "ada", "--no-passphrase", ...password]);
    await link(old, phone, { fresh: ["--name", "phone"] });
    const shown = JSON.parse(await phone.ok(["account", "show", "--json"]));
    assert.deepEqual([shown.name, shown.devices, shown.signed_in], ["ada", 2, 2]);
    await old.ok(["send", shown.id, "to my phone"]);
    assert.match(await phone.ok(["fetch"]), / to my phone$/);
    await old.ok(["device", "revoke", "phone", "-y"]);
    for (const args of [["fetch"], ["account", "login", "ada", ...password]]) {
      const outcome = await phone.run([...args, "--json"]);
      assert.deepEqual([outcome.code, errorOf(outcome).code], [77, "not_listed"], args.join(" "));
    }
    await link(old, phone, { fresh: ["-y"], old: ["--no-history"] });
    assert.equal(JSON.parse(await phone.ok(["account", "show", "--json"])).signed_in, 2);
  },
);

row("own devices are told of each other: what one revokes or lets in, the others see", async () => {
  const old = await world.member("triad", relay);
  const [second, third] = [machine("triad-2"), machine("triad-3")];
  await link(old, second, { fresh: ["--name", "two"] });
  await second.ok(["fetch"]);
  await link(old, third, { fresh: ["--name", "three"] });
  assert.match((await second.run(["fetch"])).stderr, /^your account has a new device: SHA256:\S+ three$/m);
  assert.doesNotMatch((await old.run(["fetch"])).stderr, /your account has/);
  await third.ok(["device", "revoke", "two", "-y"]);
  assert.match((await old.run(["fetch"])).stderr, /^your account has removed a device: SHA256:\S+ two$/m);
});

row("the account that a machine had is asked about when there is something of it, and kept as retired", async () => {
  const old = await world.member("target", relay);
  const other = await world.member("former", relay);
  const dora = await world.member("dora", relay);
  await other.ok(["contact", "add", "dora", dora.id]);
  const unasked = await other.run(["device", "link", "--json"]);
  assert.deepEqual([unasked.code, errorOf(unasked).code], [64, "usage"]);
  assert.match(unasked.stderr, new RegExp(`has the account ${other.id}:\n {2}1 contact, which stay`));
  assert.equal(unasked.stdout, "");
  await dora.ok(["send", other.id, "--plaintext", "still on its way"]);
  const { result } = await link(old, other, { fresh: ["-y"] });
  assert.equal(result.account, old.id);
  assert.equal(await other.ok(["whoami"]), old.id);
  assert.match(await other.ok(["fetch"]), / still on its way$/);
  const path = `${other.env.XDG_DATA_HOME}/qight/identity.key`;
  for (const change of [[], ["key", "passwd", "--no-passphrase"]]) {
    if (change.length > 0) await other.ok(change);
    assert.equal((await openKeyFile(path, null)).secrets.retired?.length, 1, change.join(" "));
  }
  // A key that was made for the link is nobody's: nothing is retired.
  const fresh = machine("target-new");
  await link(old, fresh);
  const made = await openKeyFile(`${fresh.env.XDG_DATA_HOME}/qight/identity.key`, null);
  assert.equal(made.secrets.retired, undefined);
  assert.equal((await dora.run(["send", other.id, "too late", "--json"])).code, 67);
});

row("who waits is told when the relay was started anew: the code is over", async () => {
  const second = await world.relay({ name: "restarted" });
  const waiting = machine("stranded", second).start(["device", "link", "--no-passphrase", "--json"]);
  await waiting.line();
  await second.stop();
  await world.relay({ name: "restarted", port: second.port });
  assert.equal(await waiting.ended, 124, waiting.stderr());
  assert.match(waiting.stderr(), /The code is over/);
});

Deno.test({
  name: hasScript
    ? "on a terminal link asks for the code, then for a yes"
    : "code and yes on a terminal (no script(1))",
  ignore: !hasScript,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const old = await world.member("seated", relay);
    const waiting = machine("seated-new").start(["device", "link", "--no-passphrase", "--json"]);
    const { code, device } = JSON.parse((await waiting.line())!);
    const asked = /TAB completes words\): /;
    const no = await onTerminal(old, ["device", "link", "-"], [[asked, `${code}\r`], [/Type yes: /, "no\r"]]);
    assert.equal(no.code, 77, no.screen);
    const yes = await onTerminal(old, ["device", "link", "-"], [[asked, `${code}\r`], [/Type yes: /, "yes\r"]]);
    assert.equal(yes.code, 0, yes.screen);
    assert.ok(yes.screen.includes(`new device   ${device}`), yes.screen);
    assert.equal(await waiting.ended, 0);
  },
});

row(
  "who revokes the device that made the recovery codes hears that they are worth nothing, of another one nothing",
  async () => {
    const old = await world.member("owner", relay);
    const [one, two] = [machine("codes made here"), machine("made none")];
    await link(old, one, { fresh: ["--name", "one"] });
    await link(old, two, { fresh: ["--name", "two"] });
    await one.ok(["account", "codes"]);
    const quiet = await old.run(["device", "revoke", "two", "-y"]);
    assert.doesNotMatch(quiet.stderr, /recovery codes/);
    const told = await old.run(["device", "revoke", "one", "-y"]);
    assert.match(told.stderr, /It had made the recovery codes, which are worth nothing any more.*qight account codes/);
  },
);

/** qight account: names and passwords, as a user meets them, and those who try without. @module */
import assert from "node:assert/strict";
import { errorOf, row } from "./harness.ts";
import { assertFails, namedWorld, shown } from "./named_people.ts";
import { hasScript, onTerminal } from "./on_terminal.ts";

const { world, named, machine, registered } = await namedWorld();
const CODE = /^qrc1[a-z0-9]{32}$/;

row("account alone shows its commands", async () => {
  const text = await machine("helped").ok(["help", "account"]);
  for (const name of ["register", "login", "logout", "show", "passwd", "recover", "codes", "delete"]) {
    assert.match(text, new RegExp(`^ +${name}\\b`, "m"));
  }
  assert.equal(errorOf(await machine("helped").run(["account", "--json"])).code, "usage");
});

row("register on a clean machine: a key, a name, eight codes once on stdout, one a line", async () => {
  const user = machine("fresh");
  const file = user.file("password", "a long password\n");
  const { code, stdout, stderr } = await user.run(
    ["account", "register", "Fresh.One", "--no-passphrase", "--password-file", file],
  );
  assert.equal(code, 0, stderr);
  const codes = stdout.trimEnd().split("\n");
  assert.equal(codes.length, 8);
  for (const each of codes) assert.match(each, CODE);
  assert.match(stderr, /made a key: qid1/);
  assert.match(stderr, /shown once/);
  const about = await shown(user);
  assert.deepEqual([about.devices, about.signed_in, about.recovery_codes], [1, 1, 8]);
  assert.match(
    await user.ok(["account", "show"]),
    /^name +fresh\.one\nid +qid1\S+\ndevices +1, 1 signed in\ncodes +8 left$/i,
  );
});

row("key gen at a relay with names says what is next, and warns of nothing", async () => {
  const { code, stderr } = await machine("gen").run(["key", "gen", "--no-passphrase"]);
  assert.deepEqual([code, stderr], [
    0,
    "this relay wants a name: take one with qight account register NAME, or qight device link if you have one\n",
  ]);
});

row("--codes-file keeps the codes to a new file, mode 0600, which is never overwritten", async () => {
  const user = machine("filed");
  const [password, codes] = [user.file("password", "a long password"), user.path("codes.txt")];
  const register = (name: string) =>
    user.run([
      "account",
      "register",
      name,
      "--no-passphrase",
      "--password-file",
      password,
      "--codes-file",
      codes,
      "--json",
    ]);
  const first = await register("filed");
  assert.equal(first.code, 0, first.stderr);
  assert.deepEqual(Object.keys(JSON.parse(first.stdout)), ["name", "id", "codes_file"]);
  assert.equal(Deno.statSync(codes).mode! & 0o777, 0o600);
  const before = Deno.readTextFileSync(codes);
  assert.equal(before.trimEnd().split("\n").length, 8);
  assertFails(await register("filed2"), 73, "would_overwrite");
  assertFails(await user.run(["account", "codes", "--codes-file", codes, "--json"]), 73, "would_overwrite");
  assert.equal(Deno.readTextFileSync(codes), before);
});

row(
  "a name is taken once, in any case and by look-alikes; what cannot be a name is said before anything is asked",
  async () => {
    const marvin = await registered("marvin");
    const again = await marvin.run(["account", "register", "marvin", "--password-file", marvin.password, "--json"]);
    assert.match(assertFails(again, 65, "name_taken").message, /: qight account login marvin signs this device in$/);
    const other = machine("other");
    const file = other.file("password", "a long password");
    const register = (name: string) =>
      other.run(["account", "register", name, "--no-passphrase", "--password-file", file, "--json"]);
    assert.match(
      assertFails(await other.run(["account", "login", "marvin", "--password-file", file, "--json"]), 66, "no_key")
        .hint,
      /qight device link.*qight account recover marvin/,
    );
    for (const name of ["marvin", "MARVIN", "rnarvin"]) assertFails(await register(name), 65, "name_taken");
    for (const name of ["admin", "a", "a b", "x-", "qid1abc"]) assertFails(await register(name), 64, "bad_name");
  },
);

row("a password under eight characters is refused, plainly; a file that others can read warns", async () => {
  const user = machine("short");
  const short = user.file("short", "seven77");
  const error = assertFails(
    await user.run(["account", "register", "shorty", "--no-passphrase", "--password-file", short, "--json"]),
    64,
    "usage",
  );
  assert.match(error.message, /at least 8 characters/);
  const loose = user.file("loose", "long enough", 0o644);
  Deno.chmodSync(loose, 0o644);
  const { code, stderr } = await user.run(
    ["account", "register", "shorty", "--no-passphrase", "--password-file", loose],
  );
  assert.equal(code, 0, stderr);
  assert.match(stderr, /warning: \S+loose can be read by others; chmod 600 it/);
});

row(
  "without a terminal and without a file there is no password: 64, and nobody may put it on the command line",
  async () => {
    const user = machine("silent");
    assertFails(
      await user.run(["account", "register", "silent", "--no-passphrase", "--json"]),
      64,
      "passphrase_needed",
    );
    const error = assertFails(
      await user.run(["account", "login", "silent", "--password", "x", "--json"]),
      64,
      "secret_in_argv",
    );
    assert.match(error.hint, /--password-file/);
  },
);

row("logout and login: without a session nothing is let in, the right password lets in again", async () => {
  const user = await registered("logger");
  assert.match(await user.ok(["account", "logout"]), /^signed out {2}qid1/);
  assertFails(await user.run(["fetch", "--json"]), 77, "login_needed");
  assertFails(await user.run(["send", user.id, "x", "--json"]), 77, "login_needed");
  const wrong = user.file("wrong", "battery staple");
  assertFails(await user.run(["account", "login", "logger", "--password-file", wrong, "--json"]), 77, "wrong_password");
  assertFails(await user.run(["account", "login", "nobody", "--password-file", wrong, "--json"]), 77, "wrong_password");
  assert.match(await user.ok(["account", "login", "LOGGER", "--password-file", user.password]), /^signed in as LOGGER/);
  assert.equal(await user.ok(["fetch"]), "");
});

row("a password alone lets no other device in: not_listed, though it is right", async () => {
  const user = await registered("owner");
  const thief = machine("thief");
  await thief.run(["key", "gen", "--no-passphrase", "--no-publish"]);
  assertFails(
    await thief.run(["account", "login", "owner", "--password-file", user.password, "--json"]),
    77,
    "not_listed",
  );
  assert.deepEqual((await shown(user)).devices, 1);
});

row("passwd: the present password is asked, the old one ends, the new one counts", async () => {
  const user = await registered("changer");
  const [wrong, next] = [user.file("wrong", "not the password"), user.file("next", "the next password")];
  const passwd = (present: string) =>
    user.run(["account", "passwd", "--password-file", present, "--new-password-file", next, "--json"]);
  assertFails(await passwd(wrong), 77, "wrong_password");
  const done = await passwd(user.password);
  assert.equal(done.code, 0, done.stderr);
  assert.equal(JSON.parse(done.stdout).name, "changer");
  assert.equal(await user.ok(["fetch"]), "", "this device is still signed in");
  await user.ok(["account", "logout"]);
  assertFails(
    await user.run(["account", "login", "changer", "--password-file", user.password, "--json"]),
    77,
    "wrong_password",
  );
  await user.ok(["account", "login", "changer", "--password-file", next]);
});

row("send NAME finds who is called so, keeps them as a contact, and says so on one line", async () => {
  const [anna, ben] = await Promise.all([registered("anna"), registered("benny")]);
  const { code, stderr } = await anna.run(["send", "benny", "hello by name"]);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, `benny is ${ben.id}, says the relay: a contact now, not verified\n`);
  assert.equal(JSON.parse(await ben.ok(["fetch", "--json"])).text, "hello by name");
  const again = await anna.run(["send", "Benny", "and again"]);
  assert.deepEqual([again.code, again.stderr], [0, ""]);
  const contact = JSON.parse(await ben.ok(["contact", "add", "anna", "--json"]));
  assert.deepEqual([contact.name, contact.id, contact.verified], ["anna", anna.id, false]);
  assertFails(await anna.run(["send", "nobodyknows", "x", "--json"]), 67, "no_such_contact");
  assertFails(await anna.run(["contact", "add", "nobodyknows", "--json"]), 67, "no_such_recipient");
});

row("a name that the relay gives to somebody else later changes no pin: key_changed", async () => {
  const [carl, dora] = await Promise.all([registered("carl"), registered("dora")]);
  await carl.ok(["contact", "add", "erik", dora.id]);
  await registered("erik");
  assertFails(await carl.run(["contact", "add", "erik", "--json"]), 77, "key_changed");
  assertFails(await carl.run(["send", "erik", "x", "--json"]), 77, "key_changed");
});

row("delete: the name or the id is asked for, -y does without; then nobody is there any more", async () => {
  const [gone, friend] = await Promise.all([registered("goner"), registered("friend")]);
  await friend.ok(["contact", "add", "goner", gone.id]);
  assertFails(await gone.run(["account", "delete", "--json"]), 64, "usage");
  assert.equal((await gone.run(["account", "delete", "-y"])).code, 0);
  assertFails(await gone.run(["fetch", "--json"]), 77, "account_ended");
  const login = await gone.run(["account", "login", "goner", "--password-file", gone.password, "--json"]);
  assertFails(login, 77, "account_ended");
  const next = machine("goner2");
  const file = next.file("password", "a long password");
  const again = await next.run(["account", "register", "goner", "--no-passphrase", "--password-file", file, "--json"]);
  assertFails(again, 65, "name_taken");
  const code = next.file("code", gone.codes[0]);
  assertFails(
    await next.run(["account", "recover", "goner", "--code-file", code, "--password-file", file, "-y", "--json"]),
    65,
    "code_unknown",
  );
  assert.notEqual((await friend.run(["send", "goner", "hello?"])).code, 0);
});

row("suspended: the operator closes an account, and it hears so", async () => {
  const user = await registered("closed");
  await world.operator.ok(["relay", "account", "suspend", "closed", "--data-dir", named.dataDir]);
  assertFails(await user.run(["fetch", "--json"]), 77, "suspended");
  await world.operator.ok(["relay", "account", "reopen", "closed", "--data-dir", named.dataDir]);
  await user.ok(["account", "login", "closed", "--password-file", user.password]);
  assert.equal(await user.ok(["fetch"]), "");
});

Deno.test({
  name: `on a terminal: the password is asked twice, differing ones are refused, a deletion wants the name${
    hasScript ? "" : " (ignored: no script(1))"
  }`,
  ignore: !hasScript,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const user = machine("typist");
    const register = ["account", "register", "typist", "--no-passphrase"];
    const differ = await onTerminal(user, register, [
      [/at least 8 characters: /, "long password\r"],
      [/The same again: /, "other password\r"],
    ]);
    assert.equal(differ.code, 77);
    const same = await onTerminal(user, register, [
      [/at least 8 characters: /, "short\r"], // regression: that ended the command, after a key was made
      [/too short[^]*at least 8 characters: /, "long password\r"],
      [/The same again: /, "long password\r"],
    ]);
    assert.equal(same.code, 0, same.screen);
    assert.ok(!same.screen.includes("long password"), "nobody sees it");
    assert.equal(same.screen.match(/qrc1[a-z0-9]{32}/g)?.length, 8);
    const other = await onTerminal(user, ["account", "delete"], [[/To delete it, type typist: /, "yes\r"]]);
    assert.equal(other.code, 77);
    const gone = await onTerminal(user, ["account", "delete"], [[/To delete it, type typist: /, "typist\r"]]);
    assert.equal(gone.code, 0, gone.screen);
  },
});

/** qight key: what is made, kept, moved, and refused. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { errorOf, type Person, row, World } from "./harness.ts";

const world = new World();
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

const keyPath = (person: Person) => join(person.home, "data/qight/identity.key");

row("expectation 15: key gen writes 0600 in a folder 0700, and names the file in --json", async () => {
  const ada = world.person("ada");
  const made = JSON.parse(await ada.ok(["key", "gen", "--no-passphrase", "--json"]));
  assert.match(made.id, /^qid1/);
  assert.match(made.device, /^SHA256:[A-Za-z0-9+/]{43}$/);
  assert.equal(made.identity, keyPath(ada));
  assert.equal(Deno.statSync(keyPath(ada)).mode! & 0o777, 0o600);
  assert.equal(Deno.statSync(join(ada.home, "data/qight")).mode! & 0o777, 0o700);
});

row("expectation 15: a second key gen exits 73 and the file is unchanged; --force replaces it", async () => {
  const user = world.person("twice");
  const first = await user.ok(["key", "gen", "--no-passphrase"]);
  const before = Deno.readTextFileSync(keyPath(user));
  const again = await user.run(["key", "gen", "--no-passphrase", "--json"]);
  assert.equal(again.code, 73);
  assert.equal(errorOf(again).code, "would_overwrite");
  assert.equal(Deno.readTextFileSync(keyPath(user)), before);
  const replaced = await user.run(["key", "gen", "--no-passphrase", "--force"]);
  assert.notEqual(replaced.stdout.trim(), first);
  const [, kept] = /the old key is kept as (\S+)/.exec(replaced.stderr)!;
  assert.equal(await user.ok(["whoami", "--identity", kept]), first);
});

row("expectation 17: key gen without a terminal and without a passphrase file is 64", async () => {
  const outcome = await world.person("notty").run(["key", "gen", "--json"]);
  assert.equal(outcome.code, 64);
  assert.equal(errorOf(outcome).code, "passphrase_needed");
});

row("expectation 17: an empty passphrase in a file is refused", async () => {
  const user = world.person("empty");
  const file = user.file("pass", "\n");
  const outcome = await user.run(["key", "gen", "--passphrase-file", file, "--json"]);
  assert.equal(outcome.code, 64);
  assert.equal(errorOf(outcome).code, "passphrase_needed");
});

row("a passphrase opens the key from a file, from stdin, from a systemd credential; a wrong one is 77", async () => {
  const user = world.person("locked");
  const right = user.file("right", "correct horse\n");
  const wrong = user.file("wrong", "battery staple\n");
  await user.ok(["key", "gen", "--passphrase-file", right]);
  assert.ok(!Deno.readTextFileSync(keyPath(user)).includes("correct"));
  const signed = await user.ok(["key", "sign", right, "--passphrase-file", right]);
  assert.equal(await user.ok(["key", "sign", right, "--passphrase-file", "-"], { stdin: "correct horse" }), signed);
  const credentials = user.path("credentials");
  Deno.mkdirSync(credentials);
  Deno.copyFileSync(right, join(credentials, "passphrase"));
  const env = { CREDENTIALS_DIRECTORY: credentials };
  assert.equal(await user.ok(["key", "sign", right], { env }), signed);
  const refused = await user.run(["key", "sign", right, "--json"], { env: { QIGHT_PASSPHRASE_FILE: wrong } });
  assert.equal(refused.code, 77);
  assert.equal(errorOf(refused).code, "wrong_passphrase");
});

row("key passwd changes the passphrase and can remove it", async () => {
  const user = world.person("passwd");
  const [old, next] = [user.file("old", "one"), user.file("next", "two")];
  const id = await user.ok(["key", "gen", "--passphrase-file", old]);
  assert.equal(await user.ok(["key", "passwd", "--passphrase-file", old, "--new-passphrase-file", next]), id);
  assert.equal((await user.run(["key", "sign", old, "--passphrase-file", old])).code, 77);
  await user.ok(["key", "passwd", "--passphrase-file", next, "--no-passphrase"]);
  await user.ok(["key", "sign", old]);
});

row("key list marks the chosen key, key show and whoami name it, none asks for a passphrase", async () => {
  const user = world.person("several");
  const pass = user.file("pass", "secret");
  const first = await user.ok(["key", "gen", "--passphrase-file", pass]);
  const other = join(user.home, "data/qight/work.key");
  const second = await user.ok(["key", "gen", "--no-passphrase", "--identity", other]);
  const rows = (await user.ok(["key", "list", "--json"])).split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(rows.map(({ id, chosen }) => [id, chosen]), [[first, true], [second, false]]);
  assert.equal(await user.ok(["whoami"]), first);
  assert.equal(await user.ok(["whoami"], { env: { QIGHT_IDENTITY: other } }), second);
  assert.match(await user.ok(["key", "show"]), new RegExp(`^id +${first}\ndevice +SHA256:`));
});

row("without a key, commands that need one exit 66", async () => {
  const nobody = world.person("nobody", { QIGHT_RELAY: "qight://127.0.0.1:1" });
  for (const args of [["whoami"], ["key", "show"], ["key", "export"], ["fetch"], ["key", "sign", "/dev/null"]]) {
    const outcome = await nobody.run([...args, "--json"]);
    assert.equal(outcome.code, 66, args.join(" "));
    assert.equal(errorOf(outcome).code, "no_key");
  }
});

row("a damaged key file is 65, and so is one of another kind", async () => {
  const user = world.person("damaged");
  await user.ok(["key", "gen", "--no-passphrase"]);
  const text = Deno.readTextFileSync(keyPath(user));
  for (const damaged of [text.slice(0, text.length / 2), "hello\n", ""]) {
    user.file("damaged.key", damaged);
    const outcome = await user.run(["key", "export", "--json", "--identity", user.path("damaged.key")]);
    assert.equal(outcome.code, 65, JSON.stringify(damaged.slice(0, 20)));
    assert.equal(errorOf(outcome).code, "bad_key_file");
  }
});

row("export and import move an account: a new device without --with-device, the same one with it", async () => {
  const from = world.person("from");
  const gen = JSON.parse(await from.ok(["key", "gen", "--no-passphrase", "--json"]));
  for (const withDevice of [false, true]) {
    const exported = await from.ok(["key", "export", ...(withDevice ? ["--with-device"] : [])]);
    const to = world.person(`to-${withDevice}`);
    const imported = JSON.parse(await to.ok(["key", "import", "--json"], { stdin: `${exported}\n` }));
    assert.equal(imported.id, gen.id);
    assert.equal(imported.device === gen.device, withDevice);
    assert.equal((await to.run(["key", "import"], { stdin: exported })).code, 73);
  }
});

row("export of a locked key is locked with the same passphrase", async () => {
  const user = world.person("lockedexport");
  const pass = user.file("pass", "secret");
  const id = await user.ok(["key", "gen", "--passphrase-file", pass]);
  const file = user.file("exported.key", await user.ok(["key", "export", "--passphrase-file", pass]));
  const to = world.person("lockedimport");
  assert.equal((await to.run(["key", "import", file])).code, 64);
  assert.equal(await to.ok(["key", "import", file, "--passphrase-file", pass]), id);
});

row("regression: a passphrase file locks the export of a key that has no passphrase", async () => {
  const user = world.person("openexport");
  await user.ok(["key", "gen", "--no-passphrase"]);
  const pass = user.file("pass", "correct horse\n");
  const exported = await user.run(["key", "export", "--passphrase-file", pass]);
  assert.ok(!exported.stderr.includes("not protected"), exported.stderr);
  const outcome = await world.person("openimport").run(["key", "import", "--json"], { stdin: exported.stdout });
  assert.equal(errorOf(outcome).code, "passphrase_needed");
});

row("expectation 15: export warns when stdout is a file that others can read", async () => {
  const user = world.person("readable");
  await user.ok(["key", "gen", "--no-passphrase"]);
  const warned = new Deno.Command("sh", {
    args: [
      "-c",
      'umask 022; "$@" > out.key',
      "sh",
      Deno.execPath(),
      ...(await import("./harness.ts")).cliArguments(),
      "key",
      "export",
    ],
    env: user.env,
    clearEnv: true,
    cwd: user.home,
  }).outputSync();
  assert.equal(warned.code, 0);
  assert.match(new TextDecoder().decode(warned.stderr), /others can read/);
});

row("expectation 15: a key file that others can read is warned about", async () => {
  const user = world.person("open");
  await user.ok(["key", "gen", "--no-passphrase"]);
  Deno.chmodSync(keyPath(user), 0o644);
  assert.match((await user.run(["key", "export"])).stderr, /can be read by others/);
});

row("sign and verify agree; another file, another signature or another person is 65", async () => {
  const user = world.person("signer");
  const id = await user.ok(["key", "gen", "--no-passphrase"]);
  const [file, changed] = [user.file("a", "release 1"), user.file("b", "release 2")];
  const signature = await user.ok(["key", "sign", file]);
  const sigFile = user.file("sig", `${signature}\n`);
  assert.match(await user.ok(["key", "verify", id, signature, file]), /^good signature/);
  assert.match(await user.ok(["key", "verify", id, `@${sigFile}`, "-"], { stdin: "release 1" }), /^good signature/);
  for (
    const [given, path] of [[signature, changed], ["AAAA", file], ["%%", file], [
      signature.replace(/^./, (first) => first === "B" ? "C" : "B"),
      file,
    ]]
  ) {
    const outcome = await user.run(["key", "verify", id, given, path, "--json"]);
    assert.equal(outcome.code, 65, given);
    assert.equal(errorOf(outcome).code, "bad_signature");
  }
});

row("key delete needs a yes, and leaves no file of the key", async () => {
  const user = world.person("delete");
  await user.ok(["key", "gen", "--no-passphrase"]);
  assert.equal((await user.run(["key", "delete"])).code, 64);
  await user.ok(["whoami"]);
  await user.ok(["key", "delete", "-y"]);
  assert.equal((await user.run(["whoami"])).code, 66);
  assert.deepEqual([...Deno.readDirSync(join(user.home, "data/qight"))].filter(({ isFile }) => isFile), []);
});

row("expectation 28: a data folder that cannot be made is 73 and named", async () => {
  const user = world.person("blocked");
  const blocker = user.file("blocker", "");
  const outcome = await user.run(["key", "gen", "--no-passphrase", "--data-dir", join(blocker, "x"), "--json"]);
  assert.equal(outcome.code, 73);
  assert.equal(errorOf(outcome).code, "cannot_create");
  assert.ok(errorOf(outcome).message.includes(blocker));
});

/** `qight selftest` and `qight uninstall` from source: what they say, what they leave, what they refuse. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { checkNames } from "../../cli/selftest/machine.ts";
import { errorOf, type Outcome, type Person, row, World } from "./harness.ts";

const world = new World();
let user: Person;
Deno.test.beforeAll(() => void (user = world.person("user")));
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

function assertFails(outcome: Outcome, exit: number, code: string, said: RegExp): void {
  assert.equal(outcome.code, exit, outcome.stderr);
  assert.equal(errorOf(outcome).code, code);
  assert.match(errorOf(outcome).message, said);
}

row("selftest: a line for each part, exit 0, and nothing stays behind", async () => {
  const tmp = user.path("tmp");
  await Deno.mkdir(tmp);
  const lines = (await user.ok(["selftest"], { env: { TMPDIR: tmp } })).split("\n");
  for (const name of ["sqlite", "worker", "quic", "websocket", "seal", "group", "localhost", "restart"]) {
    assert.ok(lines.some((line) => new RegExp(`^(ok|warn) +${name} `).test(line)), `${name} in ${lines.join("\n")}`);
  }
  assert.deepEqual([...Deno.readDirSync(tmp)], []);
});

row("selftest: a part that does not work is named, the others are looked at all the same, exit 70", async () => {
  // A WebCrypto without its generator of keys: X-Wing cannot work, all else can.
  const broken = user.file(
    "broken.ts",
    "const digest = crypto.subtle.deriveBits.bind(crypto.subtle);\n" +
      'crypto.subtle.deriveBits = (a, ...rest) => a.name === "X25519" ? Promise.reject(new Error("broken")) : digest(a, ...rest);\n',
  );
  const outcome = await user.run(["selftest", "--json"], { preload: broken });
  assertFails(outcome, 70, "invariant", /^This build does not work here: .*seal/);
  const { ok, checks } = JSON.parse(outcome.stdout);
  assert.equal(ok, false);
  const states = Object.fromEntries(checks.map(({ name, state }: Record<string, string>) => [name, state]));
  assert.equal(states.seal, "fail");
  assert.equal(states.sqlite, "ok");
  assert.equal(states.restart, "ok");
});

row("selftest: without a folder for temporary files it says so (73)", async () => {
  const outcome = await user.run(["selftest", "--json"], { env: { TMPDIR: user.path("nowhere") } });
  assertFails(outcome, 73, "cannot_create", /No temporary folder can be made/);
});

Deno.test("selftest: localhost that nobody can look up is the machine's doing only where /etc/hosts is missing", async () => {
  const check = await checkNames();
  assert.ok(["ok", "warn"].includes(check.state));
});

row("uninstall: neither --dry-run nor -y, or both, is 64 and removes nothing", async () => {
  await user.ok(["key", "gen", "--no-passphrase"]);
  for (const args of [[], ["--data"], ["--dry-run", "-y"]]) {
    assertFails(await user.run(["uninstall", ...args, "--json"]), 64, "usage", /must be said|opposite things/);
  }
  await Deno.stat(join(user.home, "data/qight/identity.key"));
});

row("uninstall --data: keys, messages and settings go, and only when they are asked for", async () => {
  const person = world.person("leaving");
  await person.ok(["key", "gen", "--no-passphrase"]);
  await Deno.mkdir(person.path("config/qight"), { recursive: true });
  person.file("config/qight/config.toml", "");
  await person.ok(["uninstall", "-y"]);
  await Deno.stat(person.path("data/qight/identity.key"));
  const { folders } = JSON.parse(await person.ok(["uninstall", "-y", "--data", "--json"]));
  assert.deepEqual(folders.map(({ what }: { what: string }) => what), ["data", "config"]);
  assert.equal(folders[0].path, person.path("data/qight"));
  assert.ok(folders[0].bytes > 0);
  for (const path of ["data/qight", "config/qight", "state/qight"]) {
    await assert.rejects(Deno.stat(person.path(path)), Deno.errors.NotFound);
  }
});

row("uninstall: a folder of one's own choice is not guessed to be qight's", async () => {
  const chosen = user.path("chosen");
  await Deno.mkdir(chosen);
  for (const args of [["--data-dir", chosen, "--data"], ["--data-dir", chosen, "--relay-data"]]) {
    assertFails(
      await user.run(["uninstall", "-y", "--json", ...args]),
      64,
      "usage",
      /of your own choice is not removed/,
    );
  }
  await Deno.stat(chosen);
});

row("uninstall: a link in the place of a folder is not followed, and nothing else goes", async () => {
  const person = world.person("linked");
  await person.ok(["key", "gen", "--no-passphrase"]);
  await Deno.mkdir(person.path("state"), { recursive: true });
  await Deno.mkdir(person.path("precious"));
  await Deno.symlink(person.path("precious"), person.path("state/qight"));
  const outcome = await person.run(["uninstall", "-y", "--data", "--json"]);
  assertFails(outcome, 73, "cannot_create", /state\/qight is not removed: it is no folder/);
  await Deno.stat(person.path("data/qight/identity.key"));
  await Deno.stat(person.path("precious"));
});

row("uninstall --relay-data: not while the relay runs, and then whole", async () => {
  const operator = world.person("host", { STATE_DIRECTORY: join(world.folder, "relay-here") });
  const relay = operator.start(["relay", "--listen", "127.0.0.1:0"], { env: { QIGHT_CFG__HTTP__LISTEN: "" } });
  assert.match((await relay.line())!, /^address/);
  const running = await operator.run(["uninstall", "-y", "--relay-data", "--json"]);
  assertFails(running, 73, "already_running", /A relay uses the data folder/);
  relay.signal("SIGTERM");
  assert.equal(await relay.ended, 0);
  await operator.ok(["uninstall", "-y", "--relay-data"]);
  await assert.rejects(Deno.stat(join(world.folder, "relay-here")), Deno.errors.NotFound);
});

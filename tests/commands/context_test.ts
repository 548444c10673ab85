/** Contexts: named sets of settings in config.toml, changed by commands that leave the rest of the file alone. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { errorOf, type Person, row, World } from "./harness.ts";

const world = new World();
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

const HOME = "qight://home.example:4433";
const WORK = "qight://work.example:4433";
const configOf = (person: Person) => person.path("config/qight/config.toml");
const text = (person: Person) => Deno.readTextFileSync(configOf(person));

/** A person with a config.toml of that text. */
function having(name: string, toml: string): Person {
  const person = world.person(name);
  Deno.mkdirSync(join(configOf(person), ".."), { recursive: true });
  Deno.writeTextFileSync(configOf(person), toml);
  return person;
}

async function inForce(person: Person, setting: string, args: string[] = [], env: Record<string, string> = {}) {
  return JSON.parse(await person.ok(["config", "show", "--json", ...args], { env }))[setting];
}

row(
  "expectation 23: contexts are added, listed, used, - is the one before, --context chooses for one command",
  async () => {
    const ada = world.person("ada");
    assert.equal(await ada.ok(["context", "add", "home", "--relay", HOME]), `* home  ${HOME}`);
    assert.equal(await inForce(ada, "relay"), HOME, "the first one is in use at once");
    assert.equal(await ada.ok(["context", "add", "work", "--relay", WORK, "--timeout", "5s"]), `  work  ${WORK}`);
    assert.equal(await inForce(ada, "relay"), HOME, "a second one is not");
    assert.equal(await inForce(ada, "relay", ["--context", "work"]), WORK);
    assert.equal(await inForce(ada, "timeout", [], { QIGHT_CONTEXT: "work" }), "5s");

    assert.equal(await ada.ok(["context", "use", "work"]), `* work  ${WORK}`);
    assert.equal(await ada.ok(["ctx", "list"]), `  home  ${HOME}\n* work  ${WORK}`);
    assert.equal(await ada.ok(["context", "use", "-"]), `* home  ${HOME}`);
    assert.equal(await inForce(ada, "relay"), HOME);
    await ada.ok(["context", "use", "-"]);
    assert.equal(await inForce(ada, "relay"), WORK, "- swaps back and forth");
    await ada.ok(["context", "use", "work"]);
    assert.equal(await ada.ok(["context", "use", "-"]), `* home  ${HOME}`, "using the same one again forgets nothing");

    const rows = (await ada.ok(["context", "list", "--json"])).split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(rows.map(({ name, relay, timeout, in_use }) => ({ name, relay, timeout, in_use })), [
      { name: "home", relay: HOME, timeout: null, in_use: true },
      { name: "work", relay: WORK, timeout: "5s", in_use: false },
    ]);
    assert.equal(await ada.ok(["context", "remove", "work"]), "work");
    assert.equal(await ada.ok(["context", "list"]), `* home  ${HOME}`);
    assert.equal(Deno.statSync(configOf(ada)).mode! & 0o777, 0o600);
  },
);

row("regression: ~/ in quotes is the home folder on the command line too", async () => {
  const ada = world.person("tilde");
  await ada.ok(["context", "add", "home", "--relay", HOME, "--identity", "~/work.key"]);
  assert.match(text(ada), new RegExp(`identity = "${ada.path("work.key")}"`));
  assert.equal(await inForce(ada, "identity"), ada.path("work.key"));
});

row(
  "regression: a relay kept from the offer is in use although there are other contexts, unless one of them is",
  async () => {
    const { keepRelay } = await import("../../cli/relay_offer.ts");
    const { settle } = await import("../../cli/settings.ts");
    const keptBy = async (person: Person) => {
      const { env } = person;
      await keepRelay(await settle({ verbose: 0 }, (name) => env[name], "read"), "kitchen", WORK);
      return await inForce(person, "context");
    };
    assert.equal(await keptBy(having("none-in-use", `[context.home]\nrelay = "${HOME}"\n`)), "kitchen");
    assert.equal(
      await keptBy(having("one-in-use", `default_context = "home"\n[context.home]\nrelay = "${HOME}"\n`)),
      "home",
    );
  },
);

row("a context keeps key, time, passphrase and token files; relative ones are written whole", async () => {
  const ada = world.person("files");
  const folder = ada.path("somewhere");
  Deno.mkdirSync(folder);
  const given = ["--identity", "work.key", "--passphrase-file", "/p", "--token-file", "-", "--timeout", "1m30s"];
  await ada.ok(["context", "add", "work", "--relay", WORK, ...given], { cwd: folder });
  const { identity, passphrase_file, token_file, timeout, in_use, files } = JSON.parse(
    await ada.ok(["context", "show", "--json"]),
  );
  assert.deepEqual({ identity, passphrase_file, token_file, timeout, in_use, files }, {
    identity: join(folder, "work.key"),
    passphrase_file: "/p",
    token_file: "-",
    timeout: "1m30s",
    in_use: true,
    files: [configOf(ada)],
  });
  assert.match(await ada.ok(["context", "show", "work"]), /^identity +\S+\/somewhere\/work\.key$/m);
  await ada.ok(["key", "gen", "--no-passphrase", "--no-publish"]);
  assert.ok(Deno.statSync(join(folder, "work.key")).isFile, "the context's key file is the one that is used");
});

const WRITTEN = `# My relays. Do not touch!

default_context = 'home'   # at my desk

# The one in the cellar
[context.home]
relay = "${HOME}" # by the stairs
   timeout = "20s"

[output]   # for scripts
time = "utc"
`;

row("comments, order and spaces of config.toml stay when contexts are added, used and removed", async () => {
  const ada = having("comments", WRITTEN);
  await ada.ok(["context", "add", "work", "--relay", WORK]);
  assert.equal(text(ada), `${WRITTEN}\n[context.work]\nrelay = "${WORK}"\n`);
  await ada.ok(["context", "use", "work"]);
  assert.equal(
    text(ada),
    `${WRITTEN.replace("'home' ", '"work" ')}\n[context.work]\nrelay = "${WORK}"\n`,
  );
  await ada.ok(["context", "use", "-"]);
  await ada.ok(["context", "remove", "work"]);
  assert.equal(text(ada), WRITTEN.replace("'home'", '"home"'));
});

row("add of a name that exists is 73; --force changes what is given and leaves the rest", async () => {
  const ada = having("force", WRITTEN);
  const refused = await ada.run(["context", "add", "home", "--relay", WORK, "--json"]);
  assert.deepEqual([refused.code, errorOf(refused).code], [73, "would_overwrite"]);
  assert.equal(text(ada), WRITTEN);
  await ada.ok(["context", "add", "home", "--force", "--relay", WORK]);
  assert.equal(text(ada), WRITTEN.replace(HOME, WORK));
});

row("a config.toml that is written too unusually is refused, told how, and left as it is", async () => {
  const unusual = `context = { home = { relay = "${HOME}" } }\n`;
  const ada = having("unusual", unusual);
  const outcome = await ada.run(["context", "add", "work", "--relay", WORK, "--json"]);
  assert.deepEqual([outcome.code, errorOf(outcome).code], [78, "config"]);
  assert.ok(errorOf(outcome).hint.includes(`set context.work.relay = "${WORK}"`), errorOf(outcome).hint);
  assert.equal(text(ada), unusual);
  await ada.ok(["context", "use", "home"]);
  assert.equal(text(ada), `${unusual}default_context = "home"\n`, "what can be changed safely is");
});

row("a config.toml that is a link into a folder of dotfiles stays a link", async () => {
  const ada = world.person("dotfiles");
  const real = ada.file("dotfiles.toml", WRITTEN);
  Deno.mkdirSync(join(configOf(ada), ".."), { recursive: true });
  Deno.symlinkSync(real, configOf(ada));
  await ada.ok(["context", "add", "work", "--relay", WORK]);
  assert.ok(Deno.lstatSync(configOf(ada)).isSymlink);
  assert.match(Deno.readTextFileSync(real), /\[context\.work\]/);
});

row("contexts that are added at the same moment are all there afterwards", async () => {
  const ada = world.person("crowd");
  const names = ["a", "b", "c", "d", "e"];
  await Promise.all(names.map((name) => ada.ok(["context", "add", name, "--relay", HOME])));
  const listed = (await ada.ok(["context", "list", "--json"])).split("\n").map((line) => JSON.parse(line).name);
  assert.deepEqual(listed, names);
});

row("-c names another config.toml, which add makes; each file has its own context before", async () => {
  const ada = world.person("other");
  const other = ["-c", ada.path("other.toml")];
  await ada.ok(["context", "add", "x", "--relay", HOME, ...other]);
  await ada.ok(["context", "add", "y", "--relay", WORK, ...other]);
  await ada.ok(["context", "use", "y", ...other]);
  await ada.ok(["context", "add", "z", "--relay", HOME]);
  const none = await ada.run(["context", "use", "-", "--json"]);
  assert.deepEqual([none.code, errorOf(none).code], [78, "config"]);
  assert.match(errorOf(none).message, /no other context in use before/);
  assert.match(await ada.ok(["context", "use", "-", ...other]), /^\* x /);
});

row("the context before is kept in XDG_STATE_HOME, mode 0600, and may be lost", async () => {
  const ada = having("state", `${WRITTEN}[context.work]\nrelay = "${WORK}"\n`);
  await ada.ok(["context", "use", "work"]);
  const state = ada.path("state/qight/previous_context.json");
  assert.equal(Deno.statSync(state).mode! & 0o777, 0o600);
  for (const damaged of ["", "{", "[]", "null", '{"x":1}']) {
    Deno.writeTextFileSync(state, damaged);
    const none = await ada.run(["context", "use", "-", "--json"]);
    assert.deepEqual([none.code, errorOf(none).code], [78, "config"], damaged);
  }
  await ada.ok(["context", "use", "home"]);
  assert.match(await ada.ok(["context", "use", "-"]), /^\* work /);
});

row("regression: --context on the line wins over QIGHT_RELAY, QIGHT_CONTEXT does not", async () => {
  const person = world.person("flagged");
  const other = HOME.replace(/:\d+$/, ":1");
  await person.ok(["context", "add", "a", "--relay", HOME]);
  const shown = async (args: string[], env: Record<string, string>) =>
    JSON.parse(await person.ok(["config", "show", "--json", ...args], { env: { QIGHT_RELAY: other, ...env } })).relay;
  assert.equal(await shown(["--context", "a"], {}), HOME);
  assert.equal(await shown([], { QIGHT_CONTEXT: "a" }), other);
  assert.equal(await shown(["--context", "a", "--relay", other], {}), other);
});

row("QIGHT_RELAY is not written down: add says so with 64 and what to write", async () => {
  const outcome = await world.person("env").run(["context", "add", "a", "--json"], { env: { QIGHT_RELAY: HOME } });
  assert.deepEqual([outcome.code, errorOf(outcome).code], [64, "usage"]);
  assert.match(errorOf(outcome).message, /needs --relay ADDR on this line; QIGHT_RELAY is not written down/);
});

row("use says when a variable wins over what it wrote", async () => {
  const ada = having("overruled", `${WRITTEN}[context.work]\nrelay = "${WORK}"\n`);
  const { stdout, stderr } = await ada.run(["context", "use", "work"], {
    env: { QIGHT_CONTEXT: "home", QIGHT_RELAY: HOME },
  });
  assert.equal(stdout, `  work  ${WORK}\n`);
  assert.match(stderr, /QIGHT_CONTEXT is set and wins: "home" stays in use/);
  assert.match(stderr, /QIGHT_RELAY is set and wins/);
});

row("removing the context in use leaves none in use and says so; the commands that mend this work", async () => {
  const ada = having("removed", WRITTEN);
  const { stderr } = await ada.run(["context", "remove", "home"]);
  assert.match(stderr, /No context is in use now/);
  assert.ok(!text(ada).includes("default_context"));
  const none = await ada.run(["context", "show", "--json"]);
  assert.deepEqual([none.code, errorOf(none).code], [78, "config"]);

  const bob = having("dangling", 'default_context = "gone"\n[context.left]\nrelay = "qight://left.example"\n');
  const outcome = await bob.run(["whoami", "--json"]);
  assert.deepEqual([outcome.code, errorOf(outcome).code], [78, "config"]);
  assert.match(errorOf(outcome).message, /no context "gone" in .*config\.toml \(named by \S+config\.toml:1\)/);
  assert.equal(await bob.ok(["context", "list"]), "  left  qight://left.example");
  await bob.ok(["context", "use", "left"]);
  assert.equal(await inForce(bob, "relay"), "qight://left.example");
});

row("a context for all users of the machine can be used and overlaid, not removed", async () => {
  const shared = join(world.folder, "shared/etc");
  const system = join(shared, "qight/config.toml");
  Deno.mkdirSync(join(system, ".."), { recursive: true });
  Deno.writeTextFileSync(system, `[context.office]\nrelay = "${WORK}"\ntimeout = "9s"\n`);
  const ada = world.person("shared", { XDG_CONFIG_DIRS: shared });
  assert.equal(await ada.ok(["context", "use", "office"]), `* office  ${WORK}`);
  const refused = await ada.run(["context", "remove", "office", "--json"]);
  assert.deepEqual([refused.code, errorOf(refused).code], [77, "not_allowed"]);
  assert.ok(errorOf(refused).message.includes(system));
  await ada.ok(["context", "add", "office", "--relay", HOME]);
  const { relay, timeout, files } = JSON.parse(await ada.ok(["context", "show", "--json"]));
  assert.deepEqual([relay, timeout, files], [HOME, "9s", [configOf(ada), system]], "key by key, the own file first");
});

const refused: [args: string[], exit: number, code: string][] = [
  [["add", "a", "--relay", "relay.example"], 64, "bad_address"],
  [["add", "a", "--relay", HOME, "--timeout", "10"], 64, "bad_duration"],
  [["add", "a b", "--relay", HOME], 64, "bad_name"],
  [["add", "\u202ea", "--relay", HOME], 64, "bad_name"],
  [["add", "__proto__", "--relay", HOME], 64, "bad_name"],
  [["add", "-", "--relay", HOME], 64, "bad_name"],
  [["add"], 64, "usage"],
  [["use", "nowhere"], 78, "config"],
  [["use", "constructor"], 78, "config"],
  [["show", "nowhere"], 78, "config"],
  [["remove", "nowhere"], 78, "config"],
];
for (const [args, exit, code] of refused) {
  row(`context ${args.join(" ").replace("\u202e", "RLO ")} is ${exit} ${code} and makes no file`, async () => {
    const nobody = world.person("nobody");
    const outcome = await nobody.run(["context", ...args, "--json"]);
    assert.deepEqual([outcome.code, errorOf(outcome).code], [exit, code]);
    assert.throws(() => text(nobody), Deno.errors.NotFound);
  });
}

row("a near name of a context is said, and a context that does not exist is 78 for every other command", async () => {
  const ada = having("near", WRITTEN);
  const outcome = await ada.run(["whoami", "--context", "hoem", "--json"]);
  assert.deepEqual([outcome.code, errorOf(outcome).code], [78, "config"]);
  assert.match(errorOf(outcome).message, /no context "hoem" in .* \(named by --context\)/);
  assert.match(errorOf(outcome).hint, /Did you mean home\?/);
  for (const name of ["constructor", "toString"]) {
    assert.equal((await ada.run(["context", "show", name])).code, 78, "what every object has is no context");
  }
});

row("context list opens no key and no store, so completion may ask it at each TAB", async () => {
  const ada = having("quick", WRITTEN);
  Deno.mkdirSync(ada.path("data/qight"), { recursive: true });
  ada.file("data/qight/identity.key", "not a key\n");
  assert.equal(await ada.ok(["context", "list"]), `* home  ${HOME}`);
  assert.deepEqual([...Deno.readDirSync(ada.path("data/qight"))].map(({ name }) => name), ["identity.key"]);
});

/** Settings: which layer wins, where each value comes from, files that are wrong or have the wrong name. @module */
import assert from "node:assert/strict";
import { userInfo } from "node:os";
import { join } from "node:path";
import { cliArguments, errorOf, type Person, row, World } from "./harness.ts";

const world = new World();
const user = world.person("user");
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

type Shown = Record<string, { value: unknown; origin: string; source: string | null }>;

async function origins(person: Person, args: string[] = [], env: Record<string, string> = {}): Promise<Shown> {
  return JSON.parse(await person.ok(["config", "show", "--origin", "--json", ...args], { env }));
}

/** A person with a file of their own and one for all users of the machine. */
function withFiles(name: string, own: string, system: string) {
  const person = world.person(name, { XDG_CONFIG_DIRS: join(world.folder, name, "etc/xdg") });
  const paths = { own: person.path("config/qight/config.toml"), system: person.path("etc/xdg/qight/config.toml") };
  for (const [path, text] of [[paths.own, own], [paths.system, system]]) {
    Deno.mkdirSync(join(path, ".."), { recursive: true });
    if (text !== "") Deno.writeTextFileSync(path, text);
  }
  return Object.assign(person, paths);
}

row(
  "expectation 24: flags beat the environment, that the user's file, that the system's, that the default",
  async () => {
    const at = (name: string) => `qight://${name}.example:4433`;
    const own = `default_context = "a"\n[context.a]\nrelay = "${at("file")}"\n`;
    const system = `[context.a]\ntimeout = "7s"\nrelay = "${at("system")}"\n[output]\ntime = "utc"\n`;
    const ada = withFiles("layers", own, system);
    const env = { QIGHT_RELAY: at("variable") };
    const relay = async (...given: [string[]?, Record<string, string>?]) => (await origins(ada, ...given)).relay;
    assert.deepEqual(await relay(["--relay", at("flag")], env), {
      value: at("flag"),
      origin: "flag",
      source: "--relay",
    });
    assert.deepEqual(await relay([], env), { value: at("variable"), origin: "environment", source: "QIGHT_RELAY" });
    assert.deepEqual(await relay(), { value: at("file"), origin: "file", source: `${ada.own}:3` });
    const all = await origins(ada);
    assert.deepEqual(all.timeout, { value: "7s", origin: "system", source: `${ada.system}:2` });
    assert.deepEqual(all["output.time"], { value: "utc", origin: "system", source: `${ada.system}:5` });
    assert.deepEqual(all.json, { value: true, origin: "flag", source: "--json" });
    assert.deepEqual(all["repl.history"], { value: true, origin: "default", source: null });
    assert.deepEqual(all.context, { value: "a", origin: "file", source: `${ada.own}:1` });
    for (const [name, { origin, source }] of Object.entries(all)) {
      assert.ok(origin === "default" ? source === null : source !== null, `${name}: ${origin} ${source}`);
    }
    const text = await ada.ok(["config", "show", "--origin", "--relay", at("flag")], { env: { QIGHT_TIMEOUT: "9s" } });
    assert.match(text, /^relay +\S+ {2}\(--relay\)$/m);
    assert.match(text, /^timeout +9s {2}\(QIGHT_TIMEOUT\)$/m);
    assert.match(text, /^context +a {2}\(\S+\/config\.toml:1\)$/m);
    assert.match(text, /^output\.time +utc {2}\(\S+\/config\.toml:5, for all users\)$/m);
    assert.match(text, /^files\.max +50MiB {2}\(built-in\)$/m);
  },
);

const variables: [name: string, value: string, setting: string, shown?: unknown][] = [
  ["QIGHT_IDENTITY", "/k/other.key", "identity"],
  ["QIGHT_DATA_DIR", "/d", "data_dir"],
  ["QIGHT_PASSPHRASE_FILE", "/p", "passphrase_file"],
  ["QIGHT_TOKEN_FILE", "/t", "token_file"],
  ["QIGHT_LOG_FORMAT", "json", "log_format"],
  ["NO_COLOR", "1", "output.color", false],
  ["FORCE_COLOR", "1", "output.color", true],
];
row("each variable is named as the source of what it sets", async () => {
  await Promise.all(variables.map(async ([name, value, setting, shown = value]) => {
    const found = (await origins(user, [], { [name]: value }))[setting];
    assert.deepEqual(found, { value: shown, origin: "environment", source: name });
  }));
});

row("every key of config.toml is understood and shown with its line", async () => {
  const path = user.file(
    "every.toml",
    '[output]\njson = true\ncolor = false\ntime = "utc"\n[repl]\nnotify = true\ntimestamps = false\nhistory = false\n' +
      '[files]\nsave_dir = "got"\nauto_accept = true\nmax = "1MiB"\n[context.x]\ntimeout = "1m30s"\n' +
      'identity = "~/x.key"\npassphrase_file = "/p"\ntoken_file = "-"\n[history]\nkeep = false\n' +
      "[groups]\nask = true\n[receipts]\nsend = false\n",
  );
  const all = await origins(user, ["-c", path, "--context", "x"]);
  const expected: [string, unknown, number][] = [
    ["json", true, 2],
    ["output.color", false, 3],
    ["output.time", "utc", 4],
    ["repl.notify", true, 6],
    ["repl.timestamps", false, 7],
    ["repl.history", false, 8],
    ["files.save_dir", user.path("got"), 10],
    ["files.auto_accept", true, 11],
    ["files.max", "1MiB", 12],
    ["timeout", "1m30s", 14],
    ["identity", user.path("x.key"), 15],
    ["passphrase_file", "/p", 16],
    ["token_file", "-", 17],
    ["history.keep", false, 19],
    ["groups.ask", true, 21],
    ["receipts.send", false, 23],
  ];
  // --json itself is a flag here, and wins.
  for (const [key, value, line] of expected.slice(1)) {
    assert.deepEqual(all[key], { value, origin: "file", source: `${path}:${line}` }, key);
  }
  assert.deepEqual(all.config, { value: path, origin: "flag", source: "--config" });
  assert.match(
    await user.ok(["whoami", "-c", path, "--context", "x"]).catch(String),
    /\{"error"/,
    "json = true counts",
  );
});

row(
  "expectation 25: the folders are XDG's: XDG_DATA_HOME=/x moves every data file, XDG_CONFIG_HOME config.toml",
  async () => {
    const moved = user.path("moved");
    await user.ok(["key", "gen", "--no-passphrase"], { env: { XDG_DATA_HOME: moved } });
    const found = [...Deno.readDirSync(`${moved}/qight`)].map(({ name }) => name).sort();
    assert.deepEqual(found, ["identity.key", "identity.key.pub"]);
    const nowhere = join(user.home, "data");
    assert.throws(() => Deno.statSync(nowhere), Deno.errors.NotFound, "nothing stays in the old place");
    assert.equal(await user.ok(["config", "path"], { env: { XDG_CONFIG_HOME: "/x" } }), "/x/qight/config.toml");
    const { identity, data_dir } = await origins(user, [], { XDG_DATA_HOME: "/x" });
    assert.deepEqual([identity.value, data_dir.value], ["/x/qight/identity.key", "/x/qight"]);
    const relative = await origins(user, [], { XDG_DATA_HOME: "x" });
    assert.equal(relative.data_dir.value, join(user.home, ".local/share/qight"), "a relative folder is ignored");
  },
);

row("expectation 30: config check of a good file and of a missing one exits 0", async () => {
  const good = user.file("good.toml", '[context.home]\nrelay = "qight://host.example"\n[output]\ntime = "utc"\n');
  assert.match(await user.ok(["config", "check", "-c", good]), /is valid$/);
  assert.match(await user.ok(["config", "check"]), /does not exist/);
});

const wrongConfigs: [text: string, message: RegExp][] = [
  ["rellay = 1\n", /:1:1: unknown key rellay/],
  ['[context.a]\nrelai = "x"\n', /:2:1: unknown key context\.a\.relai, did you mean relay\?/],
  ["[mesh]\nenabled = true\n", /:1:2: unknown key mesh/],
  ["[replay]\n", /:1:2: unknown key replay, did you mean repl\?/],
  ["default_context = 3\n", /:1:1: default_context must be a string/],
  ['[output]\ntime = "gmt"\n', /:2:1: output\.time must be one of local, utc/],
  ['[repl]\n\nnotify = "loud"\n', /:3:1: repl\.notify must be a boolean/],
  ['[files]\nmax = "50MB"\n', /:2:1: files\.max: "50MB" is not a size/],
  ['[context.a]\ntimeout = "10"\n', /:2:1: context\.a\.timeout: "10" is not a duration/],
  ['[context.a]\n  relay = "relay.example"\n', /:2:3: context\.a\.relay: /],
  ['default_context = "gone"\n', /no context "gone".*config\.toml|no context "gone"/],
  ["context = 3\n", /:1:1: context must be a table/],
  ["default_context = \n", /:1:\d+: /],
];
for (const [text, message] of wrongConfigs) {
  row(`config.toml ${JSON.stringify(text)} is 78 with line and column`, async () => {
    const path = user.file("wrong.toml", text);
    const outcome = await user.run(["config", "check", "--json", "-c", path]);
    assert.equal(outcome.code, 78);
    assert.equal(errorOf(outcome).code, "config");
    assert.match(errorOf(outcome).message, message);
    assert.ok(errorOf(outcome).message.includes(path), "the path is named");
  });
}

row(
  "expectation 27: an unknown key is 78 with line, column and the near name, in config.toml and relay.toml",
  async () => {
    const client = user.file("near.toml", '[output]\n  tme = "utc"\n');
    const wrong = await user.run(["whoami", "--json", "-c", client]);
    assert.deepEqual([wrong.code, errorOf(wrong).code], [78, "config"]);
    assert.match(errorOf(wrong).message, /near\.toml:2:3: unknown key output\.tme, did you mean time\?/);
    const relay = user.file("lisen.toml", 'lisen = ["127.0.0.1:0"]\n');
    const refused = await user.run(["relay", "--json", "-c", relay, "--data-dir", user.path("none")]);
    assert.deepEqual([refused.code, errorOf(refused).code], [78, "config"]);
    assert.match(errorOf(refused).message, /lisen\.toml:1:1: unknown key lisen; did you mean listen\?/);
  },
);

for (
  const name of ["config.yaml", "config.yml", "config.json", "Config.toml", "config.tml", "qight.toml", "confg.toml"]
) {
  row(`expectation 27: ${name} where config.toml belongs is 78 and names the right file, not ignored`, async () => {
    const ada = withFiles(`wrong-${name}`, "", "");
    const path = join(ada.own, "..", name);
    Deno.writeTextFileSync(path, "x");
    const outcome = await ada.run(["whoami", "--json"]);
    assert.deepEqual([outcome.code, errorOf(outcome).code], [78, "config"]);
    assert.ok(errorOf(outcome).message.includes(path), errorOf(outcome).message);
    assert.ok(errorOf(outcome).hint.includes(ada.own), errorOf(outcome).hint);
    Deno.writeTextFileSync(ada.own, "");
    assert.equal((await ada.run(["config", "check"])).code, 78, "beside a right file only config check minds");
    assert.equal(errorOf(await ada.run(["whoami", "--json"])).code, "no_key");
  });
}

row("copies put aside and other people's files beside config.toml are left alone", async () => {
  const ada = withFiles("copies", "", "");
  for (const name of ["config.toml~", "config.toml.bak", ".config.toml.swp", "relay.toml", "README"]) {
    Deno.writeTextFileSync(join(ada.own, "..", name), "x");
  }
  assert.match(await ada.ok(["config", "check"]), /does not exist/);
});

row("expectation 27: relay.yaml where relay.toml belongs is 78 and names the right file", async () => {
  const dir = user.path("relay-data");
  Deno.mkdirSync(dir, { mode: 0o700 });
  Deno.writeTextFileSync(join(dir, "relay.yaml"), "x");
  const outcome = await user.run(["relay", "status", "--json", "--data-dir", dir]);
  assert.deepEqual([outcome.code, errorOf(outcome).code], [78, "config"]);
  assert.match(errorOf(outcome).message, /relay\.yaml is not read: the file is called relay\.toml/);
});

row("a config file that was asked for and is missing is 66", async () => {
  assert.equal((await user.run(["whoami", "-c", "/nonexistent/config.toml"])).code, 66);
  assert.equal((await user.run(["whoami"], { env: { QIGHT_CONFIG: "/nonexistent/config.toml" } })).code, 66);
});

row("a system file that is wrong is 78, and a folder of $XDG_CONFIG_DIRS that is none is skipped", async () => {
  const ada = withFiles("system", "", "time = 1\n");
  const outcome = await ada.run(["whoami", "--json"]);
  assert.deepEqual([outcome.code, errorOf(outcome).code], [78, "config"]);
  assert.ok(errorOf(outcome).message.startsWith(`${ada.system}:1:1: unknown key time`));
  const env = { XDG_CONFIG_DIRS: `${ada.system}:/nonexistent` };
  assert.match(await ada.ok(["config", "check"], { env }), /does not exist/);
});

row("systemd credentials stand for passphrase and token file, after the flags and variables for them", async () => {
  const folder = user.path("credentials");
  Deno.mkdirSync(folder);
  for (const name of ["passphrase", "token"]) Deno.writeTextFileSync(join(folder, name), "x\n");
  const env = { CREDENTIALS_DIRECTORY: folder };
  const all = await origins(user, [], env);
  const source = { origin: "environment", source: "CREDENTIALS_DIRECTORY" };
  assert.deepEqual(all.passphrase_file, { value: join(folder, "passphrase"), ...source });
  assert.deepEqual(all.token_file, { value: join(folder, "token"), ...source });
  assert.equal((await origins(user, [], { ...env, QIGHT_TOKEN_FILE: "/t" })).token_file.value, "/t");
});

for (const [name, file] of [["QIGHT_TOKEN", "QIGHT_TOKEN_FILE"], ["QIGHT_PASSWORD", "QIGHT_PASSPHRASE_FILE"]]) {
  row(`expectation 13: ${name} is refused with a hint that names ${file}`, async () => {
    const outcome = await user.run(["config", "show", "--json"], { env: { [name]: "hush" } });
    assert.deepEqual([outcome.code, errorOf(outcome).code], [64, "secret_in_argv"]);
    assert.match(errorOf(outcome).hint, new RegExp(file));
    assert.ok(!(outcome.stdout + outcome.stderr).includes("hush"));
  });
}

row("expectation 14: a relay finds root.key in $CREDENTIALS_DIRECTORY by itself", async () => {
  const { address, dataDir, stop } = await world.relay({ name: "with-key" });
  assert.equal(await stop(), 0);
  const folder = user.path("relay-credentials");
  Deno.mkdirSync(folder);
  Deno.copyFileSync(join(dataDir, "root.key"), join(folder, "root.key"));
  Deno.chmodSync(join(folder, "root.key"), 0o400);
  const again = await world.relay({ name: "elsewhere", env: { CREDENTIALS_DIRECTORY: folder } });
  assert.equal(rootOf(again.address), rootOf(address));
  assert.throws(() => Deno.statSync(join(again.dataDir, "root.key")), Deno.errors.NotFound);
});

function rootOf(address: string): string {
  return address.slice(0, address.indexOf("@"));
}

row("regression: without HOME and XDG variables home is where the system's list of users says", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...cliArguments(), "config", "path"],
    env: { PATH: Deno.env.get("PATH")! },
    clearEnv: true,
  }).output();
  assert.equal(code, 0);
  assert.equal(new TextDecoder().decode(stdout).trim(), join(userInfo().homedir, ".config/qight/config.toml"));
});

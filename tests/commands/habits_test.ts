/** Habits of the command line that hold for every command: secrets, paths in errors, next steps, verbosity. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { placesOf } from "../../cli/completion/places.ts";
import { globalOptions } from "../../cli/tree/global.ts";
import { tree } from "../../cli/tree/tree.ts";
import { type ErrorCode, errorTable } from "../../proto/errors.ts";
import { exitCodes } from "../../proto/exit_codes.ts";
import { defaults } from "../../relay/config/schema.ts";
import { type Outcome, row, type RunningRelay, World } from "./harness.ts";

const world = new World();
const project = fileURLToPath(new URL("../../", import.meta.url));
let relay: RunningRelay;
let ada: Awaited<ReturnType<World["member"]>>;
Deno.test.beforeAll(async () => {
  relay = await world.relay();
  ada = await world.member("ada", relay);
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

row("expectation 7: every exit code of the errors is in the documented table, in their order, once", async () => {
  const documented = exitCodes.map(([code]) => code);
  assert.deepEqual(documented, [...new Set(documented)].sort((a, b) => a - b));
  for (const { exit } of Object.values(errorTable)) assert.ok(documented.includes(exit), `${exit}`);
  const page = await Deno.readTextFile(new URL("../../docs/errors.md", import.meta.url));
  for (const code of documented) assert.ok(page.includes(`| ${code} | `), `${code}`);
});

row("expectation 12: no option of any command takes a secret itself, only a file that holds it", () => {
  const secret = /pass|secret|token|password|pin\b|seed|private/;
  for (const { path, flags } of placesOf(tree)) {
    for (const { names, value } of flags) {
      if (value === undefined || !names.some((name) => secret.test(name))) continue;
      assert.ok(names.at(-1)!.endsWith("-file"), `qight ${path} ${names.join(" ")}`);
    }
  }
  assert.ok(globalOptions.some(([flags]) => flags.startsWith("--passphrase-file ")));
  return Promise.resolve();
});

row(
  "expectation 16: key gen prints one public id line and nothing else; each kind of key has a prefix of its own",
  async () => {
    const user = world.person("prefixes");
    const made = await user.run(["key", "gen", "--no-passphrase"]);
    assert.match(made.stdout, /^qid1[02-9ac-hj-np-z]{58}\n$/);
    assert.match(made.stderr, /^no relay is chosen, so none knows this key yet; .*\n$/);
    const shown = JSON.parse(await user.ok(["key", "show", "--json"]));
    assert.match(shown.device, /^SHA256:[A-Za-z0-9+/]{43}$/);
    // An export is text that says what it is, so that nobody pastes it for an id.
    const exported = await user.ok(["key", "export"]);
    assert.match(exported, /^qight key file v1\n/);
    assert.ok(!exported.includes("qid1"));
  },
);

row("expectation 19: the address of a relay stays good when its certificate is made anew", async () => {
  const first = await world.relay({ name: "renewed" });
  const before = await Deno.readTextFile(join(first.dataDir, "leaf.pem"));
  assert.equal(await first.stop(), 0);
  for (const { name } of [...Deno.readDirSync(first.dataDir)]) {
    if (name.startsWith("leaf")) Deno.removeSync(join(first.dataDir, name));
  }
  const second = await world.relay({ name: "renewed", port: first.port });
  assert.notEqual(await Deno.readTextFile(join(second.dataDir, "leaf.pem")), before);
  assert.equal(await ada.ok(["health", "--relay", first.address]), "healthy");
  assert.equal(await second.stop(), 0);
});

const nowhere = "/nonexistent/place";
const unreadable: readonly (readonly [args: readonly string[], exit: number])[] = [
  [["send", "TO", "-f", `${nowhere}/report.pdf`], 66],
  [["key", "import", "--force", `${nowhere}/account.key`], 66],
  [["key", "sign", `${nowhere}/file`], 66],
  [["whoami", "-c", `${nowhere}/config.toml`], 66],
  [["key", "export", "--identity", `${nowhere}/my.key`], 66],
  [["send", "TO", "x", "--token-file", `${nowhere}/token`], 66],
  [["relay", "restore", `${nowhere}/relay.backup`, "--data-dir", "new"], 66],
  [["relay", "-c", `${nowhere}/relay.toml`], 66],
  [["key", "gen", "--no-passphrase", "--identity", "blocker/x.key"], 73],
  [["relay", "--listen", "127.0.0.1:0", "--data-dir", "blocker/relay"], 73],
  [["relay", "init", "--data-dir", "blocker/relay"], 73],
];
for (const [args, exit] of unreadable) {
  row(`expectation 28: qight ${args.join(" ")} is ${exit} and names the path`, async () => {
    ada.file("blocker", "");
    const outcome = await ada.run(args.map((word) => word === "TO" ? ada.id : word));
    assert.equal(outcome.code, exit, outcome.stderr);
    const path = args.find((word) => word.startsWith(nowhere) || word.startsWith("blocker"))!;
    // A folder that is none is named itself: nothing can be below it.
    assert.ok(outcome.stderr.includes(path.replace(/^blocker\/.*/, "blocker")), outcome.stderr);
    assertHelps(outcome);
  });
}

row("expectation 28: a folder for files that cannot be made is 73 and named, and the message stays", async () => {
  const file = ada.file("attached.txt", "attached");
  await ada.ok(["send", ada.id, "-f", file]);
  ada.file("blocker", "");
  const outcome = await ada.run(["fetch", "--save-dir", "blocker/files"]);
  assert.equal(outcome.code, 73);
  assert.match(outcome.stderr, /blocker\/files/);
  await ada.ok(["fetch", "--save-dir", ada.path("files")]);
  assert.equal(Deno.readTextFileSync(ada.path("files/attached.txt")), "attached");
});

row("expectation 32: what a relay opens by itself is on loopback: mail, health and metrics", async () => {
  assert.deepEqual(defaults.listen, ["127.0.0.1:4433"]);
  const process = world.operator.start(["relay", "--data-dir", world.operator.path("default"), "--json"], {
    env: { QIGHT_CFG__LISTEN: "127.0.0.1:0" },
  });
  if (await process.line() === null) {
    // Another relay of this machine has the port of health and metrics: the refusal names the address that was wanted.
    assert.equal(await process.ended, 78);
    assert.match(process.stderr(), /http\.listen: 127\.0\.0\.1:9464/);
    return;
  }
  const listening = await sockets(process.pid);
  assert.ok(listening.length >= 3, `${listening}`);
  for (const address of listening) assert.match(address, /^(127\.0\.0\.1|\[?::1\]?):\d+$/);
  assert.ok(listening.includes("127.0.0.1:9464"), `${listening}`);
  process.signal("SIGTERM");
  assert.equal(await process.ended, 0);
});

row("expectation 33: qight health is 0 while a relay serves and 69 when it does not", async () => {
  const own = await world.relay({ name: "checked" });
  const local = ["health", "--data-dir", own.dataDir];
  const remote = ["health", "--relay", own.address, "--timeout", "5s"];
  const nobody = world.person("nobody");
  assert.equal(await nobody.ok(local), "healthy");
  assert.equal(await nobody.ok(remote), "healthy");
  assert.equal(await own.stop(), 0);
  assert.equal((await nobody.run(local)).code, 69);
  assert.equal((await nobody.run(remote)).code, 69);
});

row("expectation 34: the pages and a relay for the world name the port for UDP", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/operations.md", import.meta.url));
  assert.match(page, /-p 4433:4433\/udp/);
  assert.match(page, /sysctl -w net\.core\.rmem_default=/);
  const args = ["relay", "--listen", "0.0.0.0:0", "--allow-open", "--data-dir", world.operator.path("published")];
  const process = world.operator.start(args, { env: { QIGHT_CFG__HTTP__LISTEN: "" } });
  const port = /:(\d+) /.exec((await process.line())!)![1];
  await process.seen(new RegExp(`-p ${port}:${port}/udp`));
  process.signal("SIGTERM");
  assert.equal(await process.ended, 0);
});

const failing: readonly (readonly [args: readonly string[], code: ErrorCode])[] = [
  [["sned"], "usage"],
  [["ping", "--relay", "nonsense"], "bad_address"],
  [["ping", "--timeout", "10"], "bad_duration"],
  [["send", "nobody-yet", "x"], "no_such_contact"],
  [["send", "ab".repeat(32), "x"], "no_such_recipient"],
  [["send", "TO"], "empty_message"],
  [["key", "gen", "--identity", "fresh.key"], "passphrase_needed"],
  [["fetch", "--fail-empty"], "nothing_to_fetch"],
  [["whoami", "--context", "nowhere"], "config"],
  [["ping", "--relay", "qight://127.0.0.1:1", "--timeout", "2s"], "unreachable"],
  [["relay", "status", "--data-dir", "none"], "unreachable"],
];
for (const [args, code] of failing) {
  row(
    `expectation 49: qight ${args.join(" ")} says what, why and the next step, without a path of the source`,
    async () => {
      const outcome = await ada.run(args.map((word) => word === "TO" ? ada.id : word));
      assert.equal(outcome.code, errorTable[code].exit, outcome.stderr);
      assertHelps(outcome);
    },
  );
}

row("expectation 50: -V is the version, -q is quiet, -v is more, -y is yes", async () => {
  const user = await world.member("verbose", relay);
  assert.equal(await user.ok(["send", user.id, "x", "-V"]), await user.ok(["version"]));
  const [plain, once, twice, quiet] = await Promise.all(
    [[], ["-v"], ["-vv"], ["-q"]].map((args) => user.run(["send", user.id, "x", "--ttl", "60d", ...args])),
  );
  for (const { code, stderr } of [plain, once, twice, quiet]) assert.equal(code, 0, stderr);
  assert.ok(plain.stderr.length > 0, "a remark on the --ttl");
  assert.equal(quiet.stderr, "");
  assert.ok(once.stderr.length >= plain.stderr.length && twice.stderr.length >= once.stderr.length);
  assert.equal((await user.run(["key", "delete"])).code, 64, "off a terminal nobody is asked");
  await user.ok(["key", "delete", "-y"]);
  assert.equal((await user.run(["whoami"])).code, 66);
});

/** One sentence, then a hint; no stack and nothing of where the program lies. */
function assertHelps({ stdout, stderr }: Outcome): void {
  assert.equal(stdout, "");
  const [sentence, ...hints] = stderr.trimEnd().split("\n").filter((line) => !line.startsWith("warning:"));
  assert.match(sentence, /^qight: \S.{8,}/);
  assert.ok(hints.length > 0 && hints.every((line) => /^ {2}\S.{8,}/.test(line)), stderr);
  assert.ok(!stderr.includes(project) && !/file:\/\/|\n +at |\.ts:\d+/.test(stderr), stderr);
}

/** Addresses where a process listens, TCP and UDP, as ss(8) shows them; read from /proc. */
async function sockets(pid: number): Promise<string[]> {
  const inodes = new Set<string>();
  for (const { name } of Deno.readDirSync(`/proc/${pid}/fd`)) {
    const target = await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => "");
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode) inodes.add(inode);
  }
  const found: string[] = [];
  for (const [table, state] of [["tcp", "0A"], ["tcp6", "0A"], ["udp", "07"], ["udp6", "07"]]) {
    for (const line of Deno.readTextFileSync(`/proc/${pid}/net/${table}`).trim().split("\n").slice(1)) {
      const [, local, , status, , , , , , inode] = line.trim().split(/\s+/);
      if (status === state && inodes.has(inode)) found.push(readable(local));
    }
  }
  return found;
}

/** proc(5): the address in hex, each 32 bits in the order of the machine (little-endian here), and the port. */
function readable(local: string): string {
  const [address, port] = local.split(":");
  const bytes = address.match(/.{8}/g)!.flatMap((word) => word.match(/../g)!.reverse()).map((byte) =>
    parseInt(byte, 16)
  );
  const zero = bytes.slice(0, -1).every((byte) => byte === 0);
  const host = bytes.length === 4 ? bytes.join(".") : zero ? `::${bytes.at(-1)}` : bytes.join(",");
  return `${host}:${parseInt(port, 16)}`;
}

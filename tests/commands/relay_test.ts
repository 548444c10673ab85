/** qight relay: start, stop, and everything the operator asks of it. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { errorOf, row, type RunningRelay, World } from "./harness.ts";

const world = new World();
const { operator } = world;
let relay: RunningRelay;
Deno.test.beforeAll(async () => {
  relay = await world.relay();
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

const admin = (...args: string[]) => operator.run(["relay", ...args, "--data-dir", relay.dataDir]);
const adminJson = async (...args: string[]) => JSON.parse((await admin(...args, "--json")).stdout);

row("the relay writes a private folder and logs to stderr only", async () => {
  assert.equal(Deno.statSync(relay.dataDir).mode! & 0o777, 0o700);
  for (const name of ["root.key", "relay.db", "leaf.pem"]) {
    assert.equal(Deno.statSync(join(relay.dataDir, name)).mode! & 0o077, 0, name);
  }
  await relay.process.seen(/relay started/);
});

row("relay status and clients answer over the admin socket", async () => {
  const status = await adminJson("status");
  assert.equal(status.durable, true);
  assert.equal(status.auth, "open");
  const watcher = await world.member("watcher", relay);
  const following = watcher.start(["fetch", "--follow", "--json"]);
  await watcher.ok(["send", watcher.id, "x"]);
  await following.line();
  const clients = (await admin("clients", "--json")).stdout.trim().split("\n").map((line) => JSON.parse(line));
  assert.ok(clients.some(({ transport }) => transport === "quic" || transport === "websocket"));
  following.signal("SIGTERM");
  assert.equal(await following.ended, 143);
});

row(
  "expectation 33: health, ping and check-key answer; health without --relay asks the relay of the data folder",
  async () => {
    const user = await world.member("healthy", relay);
    assert.equal(await user.ok(["health"]), "healthy");
    assert.equal((await operator.run(["health", "--data-dir", relay.dataDir])).code, 0);
    const ping = JSON.parse(await user.ok(["ping", "--json"]));
    assert.equal(ping.relay, relay.address);
    assert.ok(ping.ms > 0 && Math.abs(ping.clock_skew_ms) < 5000);
    const other = await world.member("compared", relay);
    const [mine, theirs] = await Promise.all([
      user.ok(["check-key", other.id, "--json"]),
      other.ok(["check-key", user.id, "--json"]),
    ]);
    assert.match(JSON.parse(mine).safety_number, /^\d{60}$/);
    assert.equal(JSON.parse(mine).safety_number, JSON.parse(theirs).safety_number);
    assert.match(JSON.parse(mine).devices[0].device, /^SHA256:/);
  },
);

row("key rotate publishes a new sealing key; mail sealed to the old one still opens", async () => {
  const [from, to] = await Promise.all([world.member("rot1", relay), world.member("rot2", relay)]);
  await from.ok(["send", to.id, "old key"]);
  const before = JSON.parse(await to.ok(["key", "rotate", "--json"])).key_id;
  const after = JSON.parse(await to.ok(["key", "rotate", "--json"])).key_id;
  assert.notEqual(before, after);
  await from.ok(["send", to.id, "new key"]);
  assert.match(await to.ok(["fetch"]), /old key\n.*new key$/);
});

row(
  "a device that moved to another machine opens the mail that waited; an account's second device gets its own copy",
  async () => {
    const [from, to] = await Promise.all([world.member("mov1", relay), world.member("mov2", relay)]);
    await from.ok(["send", to.id, "waited"]);
    const moved = world.person("mov3", { QIGHT_RELAY: relay.address });
    await moved.ok(["key", "import"], { stdin: await to.ok(["key", "export", "--with-device"]) });
    assert.match(await moved.ok(["fetch"]), /waited$/);
    const second = world.person("mov4", { QIGHT_RELAY: relay.address });
    await second.ok(["key", "import"], { stdin: await to.ok(["key", "export"]) });
    const { seq } = JSON.parse(await from.ok(["send", to.id, "--json", "to both"]));
    assert.deepEqual(Object.keys(seq).map((device) => device.slice(0, 7)), ["SHA256:", "SHA256:"]);
    assert.match(await moved.ok(["fetch"]), /to both$/);
    assert.match(await second.ok(["fetch"]), /to both$/);
  },
);

row("key verify finds the device of somebody else at the relay", async () => {
  const [signer, reader] = await Promise.all([world.member("sig1", relay), world.member("sig2", relay)]);
  const file = signer.file("release", "bytes");
  const signature = await signer.ok(["key", "sign", file]);
  assert.match(await reader.ok(["key", "verify", signer.id, signature, file]), /^good signature/);
  const wrong = await reader.run(["key", "verify", reader.id, signature, file, "--json"]);
  assert.equal(wrong.code, 65);
});

row("regression: a relay in a deep folder starts and is found under a deep XDG_RUNTIME_DIR too", async () => {
  const env = { XDG_RUNTIME_DIR: operator.path(`run${"/deep".repeat(20)}`) };
  const deep = await world.relay({ name: `relay${"/deep".repeat(20)}`, env });
  const status = await operator.ok(["relay", "status", "--json", "--data-dir", deep.dataDir], { env });
  assert.equal(JSON.parse(status).draining, false);
  assert.equal(await deep.stop(), 0);
});

row("a second relay on the same folder is 73 already_running", async () => {
  const second = await operator.run(["relay", "--listen", "127.0.0.1:0", "--data-dir", relay.dataDir, "--json"]);
  assert.equal(second.code, 73);
  assert.equal(errorOf(second).code, "already_running");
});

row("a taken port is 78 and names the address", async () => {
  const args = ["relay", "--listen", `127.0.0.1:${relay.port}`, "--data-dir", operator.path("other"), "--json"];
  const outcome = await operator.run(args, { env: { QIGHT_CFG__HTTP__LISTEN: "" } });
  assert.equal(outcome.code, 78);
  assert.equal(errorOf(outcome).code, "port_taken");
  assert.ok(errorOf(outcome).message.includes(String(relay.port)) || /listen/.test(errorOf(outcome).message));
});

row("an open relay for the world needs --allow-open", async () => {
  const args = ["relay", "--listen", "0.0.0.0:0", "--data-dir", operator.path("world"), "--json"];
  const outcome = await operator.run(args);
  assert.equal(outcome.code, 78);
  assert.equal(errorOf(outcome).code, "insecure_config");
  assert.match(errorOf(outcome).hint, /--allow-open/);
  const open = operator.start([...args.slice(0, -1), "--allow-open"], { env: { QIGHT_CFG__HTTP__LISTEN: "" } });
  assert.match((await open.line())!, /^address {2}qight:/);
  await open.seen(/this relay is open/);
  open.signal("SIGTERM");
  assert.equal(await open.ended, 0);
});

row("an unknown key in relay.toml is 78 with line, column and the near name", async () => {
  const toml = operator.file("wrong.toml", 'lisen = ["127.0.0.1:0"]\n');
  const outcome = await operator.run(["relay", "-c", toml, "--json"]);
  assert.equal(outcome.code, 78);
  assert.match(errorOf(outcome).message, /wrong\.toml:1:1.*did you mean listen/);
});

row("a root key that others can read is 78 insecure_config", async () => {
  const dir = operator.path("exposed");
  await operator.ok(["relay", "init", "--data-dir", dir]);
  Deno.chmodSync(join(dir, "root.key"), 0o644);
  const outcome = await operator.run(["relay", "--listen", "127.0.0.1:0", "--data-dir", dir, "--json"]);
  assert.equal(outcome.code, 78);
  assert.equal(errorOf(outcome).code, "insecure_config");
});

row("relay init writes relay.toml once, prints the address the relay then has, and makes a QR code", async () => {
  const dir = operator.path("initialised");
  const made = await operator.ok(["relay", "init", "--name", "mail.example.org", "--qr", "--data-dir", dir]);
  assert.match(made, /^address {2}qight:\/\/[\w-]{43}@mail\.example\.org:4433 {10}\(share this line\)\n[█▀▄ \n]+$/);
  assert.equal((await operator.run(["relay", "init", "--data-dir", dir])).code, 73);
  await operator.ok(["relay", "init", "--force", "--data-dir", dir]);
  const [, root] = /qight:\/\/([\w-]{43})@/.exec(made)!;
  const again = await operator.ok(["relay", "init", "--force", "--data-dir", dir, "--json"]);
  assert.ok(JSON.parse(again).address.includes(root), "--force never replaces the root key");
});

row("expectation 30: SIGHUP reloads and keeps sessions; a broken file keeps the old configuration", async () => {
  const dir = operator.path("reloaded");
  await operator.ok(["relay", "init", "--data-dir", dir]);
  const toml = join(dir, "relay.toml");
  const own = await world.relay({ name: "operator/reloaded" });
  const user = await world.member("reload", own);
  const following = user.start(["fetch", "--follow", "--json"]);
  await user.ok(["send", user.id, "before"]);
  await following.line();
  Deno.writeTextFileSync(toml, "lisen = 1\n");
  own.process.signal("SIGHUP");
  await own.process.seen(/was not reloaded/);
  Deno.writeTextFileSync(toml, "[limits]\nsend_per_minute = 700\n");
  own.process.signal("SIGHUP");
  await own.process.seen(/configuration reloaded/);
  await user.ok(["send", user.id, "after"]);
  assert.equal(JSON.parse((await following.line())!).text, "after");
  following.signal("SIGINT");
  await following.ended;
  assert.equal(await own.stop(), 0);
});

row("relay drain stops the relay with exit 0; SIGINT ends it with 130", async () => {
  const drained = await world.relay({ name: "drained" });
  assert.equal((await operator.run(["relay", "drain", "--data-dir", drained.dataDir])).code, 0);
  assert.equal(await drained.process.ended, 0);
  const interrupted = await world.relay({ name: "drained" });
  interrupted.process.signal("SIGINT");
  assert.equal(await interrupted.process.ended, 130);
});

row("admin commands without a relay there are 69", async () => {
  const outcome = await operator.run(["relay", "status", "--data-dir", operator.path("nobody"), "--json"]);
  assert.equal(outcome.code, 69);
  assert.equal(errorOf(outcome).code, "unreachable");
});

row("a backup restores messages and root key; a damaged one changes nothing", async () => {
  const first = await world.relay({ name: "saved" });
  const [from, to] = await Promise.all([world.member("bak1", first), world.member("bak2", first)]);
  await from.ok(["send", to.id, "in the backup"]);
  const pass = operator.file("backup-pass", "backup secret");
  const [plain, sealed] = [operator.path("plain.backup"), operator.path("sealed.backup")];
  await operator.ok(["relay", "backup", plain, "--plain", "--data-dir", first.dataDir]);
  await operator.ok(["relay", "backup", sealed, "--passphrase-file", pass, "--data-dir", first.dataDir]);
  assert.equal(Deno.statSync(plain).mode! & 0o777, 0o600);
  assert.equal((await operator.run(["relay", "backup", plain, "--plain", "--data-dir", first.dataDir])).code, 73);
  await first.stop();
  const bytes = Deno.readFileSync(sealed);
  bytes[bytes.length >> 1] ^= 1;
  const damaged = operator.file("damaged.backup", bytes);
  const target = join(world.folder, "restored");
  const bad = await operator.run([
    "relay",
    "restore",
    damaged,
    "--passphrase-file",
    pass,
    "--data-dir",
    target,
    "--json",
  ]);
  assert.equal(bad.code, 65);
  assert.equal(errorOf(bad).code, "bad_backup");
  const locked = await operator.run(["relay", "restore", sealed, "--data-dir", target, "--json"]);
  assert.equal(errorOf(locked).code, "passphrase_needed");
  await operator.ok(["relay", "restore", sealed, "--passphrase-file", pass, "--data-dir", target]);
  assert.equal((await operator.run(["relay", "restore", plain, "--data-dir", target])).code, 73);
  const second = await world.relay({ name: "restored", port: first.port });
  assert.equal(second.address, first.address);
  assert.match(await to.ok(["fetch"]), /in the backup/);
  await second.stop();
});

row("token mode: the first token is printed, others are made and revoked, without one nothing goes", async () => {
  const env = { QIGHT_CFG__AUTH__MODE: "token" };
  const guarded = await world.relay({ name: "guarded", env });
  const token = /^token +(\S+)/.exec((await guarded.process.line())!)![1];
  const file = operator.file("token", `${token}\n`);
  const user = await world.member("tokened", guarded, { QIGHT_TOKEN_FILE: file });
  await user.ok(["send", user.id, "with a token"]);
  assert.match(await user.ok(["fetch"]), /with a token/);
  const without = await user.run(["send", user.id, "x", "--json"], { env: { QIGHT_TOKEN_FILE: "" } });
  assert.equal(without.code, 77);
  assert.equal(errorOf(without).code, "bad_token");
  const ask = (...args: string[]) => operator.ok(["relay", "token", ...args, "--data-dir", guarded.dataDir]);
  const added = JSON.parse(await ask("add", "--name", "laptop", "--ttl", "1h", "--json"));
  const second = operator.file("token2", added.token);
  assert.equal((await user.run(["fetch", "--token-file", second])).code, 0);
  assert.match(await ask("list"), new RegExp(`^${added.id} .*laptop$`, "m"));
  assert.ok(!(await ask("list", "--json")).includes(added.token));
  await ask("revoke", added.id);
  assert.equal((await user.run(["fetch", "--token-file", second])).code, 77);
  await guarded.stop();
});

row("regression: on a relay with an allow list, check-key and key verify prove the own device", async () => {
  const closed = await world.relay({ name: "closed", env: { QIGHT_CFG__AUTH__MODE: "allowlist" } });
  const [user, friend, stranger] = ["clo1", "clo2", "clo3"].map((name) =>
    world.person(name, { QIGHT_RELAY: closed.address })
  );
  const id = (await user.ok(["key", "gen", "--no-passphrase"])).split("\n")[0];
  const secret = ["--passphrase-file", friend.file("secret", "friend's passphrase")];
  const friendId = (await friend.ok(["key", "gen", ...secret])).split("\n")[0];
  for (const each of [id, friendId]) await operator.ok(["relay", "allow", "add", each, "--data-dir", closed.dataDir]);
  const early = await user.run(["check-key", friendId, "--json"]);
  assert.equal(errorOf(early).code, "no_such_recipient", "admitted by the bundle, before anything was published");
  await user.ok(["send", id, "publishes"]);
  assert.match(await user.ok(["check-key", id]), /^device {3}SHA256:/m);
  assert.match(await friend.ok(["check-key", id, ...secret]), /^safety {3}/m);
  const file = friend.file("release", "bytes");
  const signature = await user.ok(["key", "sign", file]);
  assert.match(await friend.ok(["key", "verify", id, signature, file, ...secret]), /^good signature/);

  const locked = await friend.run(["check-key", id, "--json"]);
  assert.deepEqual([locked.code, errorOf(locked).code], [77, "not_allowed"]);
  assert.match(errorOf(locked).hint, /--passphrase-file/);
  const unknown = await stranger.run(["check-key", id, "--json"]);
  assert.deepEqual([unknown.code, errorOf(unknown).code], [77, "not_allowed"]);
  for (const args of [["ping"], ["health"]]) await stranger.ok(args);
  assert.equal(await friend.ok(["whoami"]), friendId);
  await closed.stop();
});

row("allowlist mode: only accounts on the list come in", async () => {
  const listed = await world.relay({ name: "listed", env: { QIGHT_CFG__AUTH__MODE: "allowlist" } });
  const user = world.person("listeduser", { QIGHT_RELAY: listed.address });
  const gen = await user.run(["key", "gen", "--no-passphrase"]);
  assert.equal(gen.code, 0, "the key is kept although the relay refuses");
  assert.match(gen.stderr, /^warning: the relay does not know this key yet/);
  const id = gen.stdout.trim();
  const refused = await user.run(["send", id, "x", "--json"]);
  assert.equal(refused.code, 77);
  assert.equal(errorOf(refused).code, "not_allowed");
  const ask = (...args: string[]) => operator.ok(["relay", "allow", ...args, "--data-dir", listed.dataDir]);
  assert.equal(await ask("add", id), id);
  assert.equal(await ask("list"), id);
  await user.ok(["send", id, "let in"]);
  assert.equal(await ask("remove", id), id);
  assert.equal((await user.run(["fetch"])).code, 77);
  await listed.stop();
});

row(
  "regression: a relay that ends by an unforeseen error says so, and starts again with all it had accepted",
  async () => {
    const preload = operator.file(
      "fault.js",
      'const strike = () => { throw new Error("struck"); };\nDeno.addSignalListener("SIGUSR2", () => setTimeout(strike));\n',
    );
    const struck = await world.relay({ name: "struck", preload });
    const user = await world.member("struckuser", struck);
    await user.ok(["send", user.id, "accepted before"]);
    struck.process.signal("SIGUSR2");
    assert.equal(await struck.process.ended, 1);
    assert.match(struck.process.stderr(), /unforeseen error, the relay ends.*struck/);
    const again = await world.relay({ name: "struck", port: struck.port });
    assert.match(await user.ok(["fetch"]), /accepted before$/);
    await again.stop();
  },
);

/** qight doctor: each state that can be provoked, with real processes and a real relay. @module */
import assert from "node:assert/strict";
import type net from "node:net";
import { join } from "node:path";
import type { Check } from "../../cli/doctor/check.ts";
import { judgeExpiry } from "../../cli/doctor/certificate.ts";
import { checkClock } from "../../cli/doctor/clock.ts";
import { judgeSpace } from "../../cli/doctor/disk.ts";
import { checkUdpBuffer } from "../../cli/doctor/udp_buffer.ts";
import { tcpForwarder } from "../helpers/tcp_forwarder.ts";
import { errorOf, type Person, row, type RunningRelay, type RunOptions, World } from "./harness.ts";

const world = new World();
let relay: RunningRelay;
let ada: Awaited<ReturnType<World["member"]>>;
Deno.test.beforeAll(async () => {
  relay = await world.relay();
  ada = await world.member("ada", relay);
  await ada.ok(["send", ada.id, "a store to open"]);
});
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

/** Runs the doctor; `exit` and `code` of its error when it ended with one. */
async function examined(who: Person, args: string[] = [], options: RunOptions = {}) {
  const outcome = await who.run(["doctor", "--json", ...args], options);
  assert.doesNotMatch(outcome.stderr, /\bat .*\.ts:\d/, "no stack");
  const { ok, checks } = JSON.parse(outcome.stdout) as { ok: boolean; checks: Check[] };
  for (const check of checks) assert.deepEqual(Object.keys(check), ["name", "state", "message", "hint"]);
  const states = Object.fromEntries(checks.map(({ name, state }) => [name, state]));
  const of = (name: string) => checks.find((check) => check.name === name)!;
  return { exit: outcome.code, ok, states, of, code: outcome.code === 0 ? null : errorOf(outcome).code };
}

/** A copy of ada's home, to be damaged. */
async function patient(name: string): Promise<Person> {
  const person = world.person(name, { QIGHT_RELAY: relay.address });
  const copied = await new Deno.Command("cp", { args: ["-a", `${ada.home}/.`, person.home] }).output();
  assert.ok(copied.success);
  return person;
}

row("all is well: every line is ok but the machine's own, exit 0", async () => {
  const { exit, ok, states, of } = await examined(ada);
  assert.equal(exit, 0);
  assert.equal(ok, true);
  // Whoever runs these tests may have a relay too.
  const { udp_buffer: _buffer, relay_folder: _folder, relay_disk: _disk, relay_toml: _toml, ...ours } = states;
  assert.deepEqual(ours, {
    deno: "ok",
    config: "ok",
    key: "ok",
    folder: "ok",
    store: "ok",
    disk: "ok",
    quic: "ok",
    websocket: "ok",
    token: "ok",
    certificate: "ok",
    clock: "ok",
  });
  assert.match(of("quic").message, /^[\d.]+ ms {2}qight \d/);
  assert.match(of("store").message, /\.db opens$/);
  const text = await ada.ok(["doctor"]);
  assert.match(text, /^ok {4}quic {9}[\d.]+ ms/m);
});

row("without key and without relay it says what is missing, makes nothing, and exits 0", async () => {
  const nobody = world.person("nobody");
  const { exit, states, of } = await examined(nobody);
  assert.deepEqual([exit, states.key, states.quic, states.clock], [0, "warn", "warn", "warn"]);
  assert.match(of("key").hint, /qight key gen/);
  assert.match(of("quic").hint, /--relay ADDR or set QIGHT_RELAY/);
  assert.deepEqual([...Deno.readDirSync(nobody.home)], []);
});

row("an old Deno is a line of its own (78), and the others are looked at all the same", async () => {
  const older = `Object.defineProperty(Deno, "version", { value: { ...Deno.version, deno: "2.9.4" } });`;
  const { exit, code, states, of } = await examined(ada, [], { preload: ada.file("older.js", older) });
  assert.deepEqual([exit, code, states.deno, states.quic], [78, "too_old_runtime", "fail", "ok"]);
  assert.match(of("deno").message, /^Deno 2\.9\.4 is older than/);
});

row("a wrong config.toml is 78 with its line; the relay of the environment is still looked at", async () => {
  const person = await patient("misconfigured");
  const path = join(person.home, "config.toml");
  Deno.writeTextFileSync(path, "\nrelai = 3\n");
  const { exit, code, states, of } = await examined(person, ["-c", path]);
  assert.deepEqual([exit, code, states.config, states.quic], [78, "config", "fail", "ok"]);
  assert.match(of("config").message, /config\.toml:2:1: unknown key relai/);
});

row("a relay.toml of this machine that is not right is 78", async () => {
  const person = await patient("operator-to-be");
  const folder = join(person.home, "data", "qight-relay");
  Deno.mkdirSync(folder, { recursive: true });
  Deno.writeTextFileSync(join(folder, "relay.toml"), 'lisen = ["127.0.0.1:4433"]\n');
  const { exit, states, of } = await examined(person, [], { env: { QIGHT_DATA_DIR: folder } });
  assert.deepEqual([exit, states.relay_toml], [78, "fail"]);
  assert.match(of("relay_toml").message, /relay\.toml:1:1.*did you mean listen/);
});

row("expectation 15: a key file that others can read is 78 and says chmod", async () => {
  const person = await patient("careless");
  const key = join(person.home, "data", "qight", "identity.key");
  Deno.chmodSync(key, 0o644);
  const { exit, code, states, of } = await examined(person);
  assert.deepEqual([exit, code, states.key], [78, "insecure_config", "fail"]);
  assert.match(of("key").message, /can be read by other users \(0644\)$/);
  assert.ok(of("key").hint.startsWith(`Run: chmod 600 ${key}`));
});

for (
  const { mode, state, exit } of [{ mode: 0o777, state: "fail", exit: 78 }, { mode: 0o755, state: "warn", exit: 0 }]
) {
  row(`a data folder of mode ${mode.toString(8)} is ${state}, exit ${exit}`, async () => {
    const person = await patient(`folder-${mode.toString(8)}`);
    Deno.chmodSync(join(person.home, "data", "qight"), mode);
    const found = await examined(person);
    assert.deepEqual([found.exit, found.states.folder], [exit, state]);
    assert.match(found.of("folder").hint, /^Run: chmod 700 /);
  });
}

row("a damaged key file is 65, a damaged store 74", async () => {
  const person = await patient("damaged");
  const folder = join(person.home, "data", "qight");
  const [store] = [...Deno.readDirSync(join(folder, "stores"))].filter(({ name }) => name.endsWith(".db"));
  Deno.writeFileSync(join(folder, "stores", store.name), crypto.getRandomValues(new Uint8Array(8192)));
  const first = await examined(person);
  assert.deepEqual([first.exit, first.code, first.states.store], [74, "store_damaged", "fail"]);
  Deno.writeTextFileSync(join(folder, "identity.key"), "nothing of the kind\n");
  const second = await examined(person);
  assert.deepEqual([second.exit, second.code, second.states.store], [65, "bad_key_file", "fail"]);
});

row("a key with a passphrase is not asked for: the store is a warning", async () => {
  const person = world.person("locked", { QIGHT_RELAY: relay.address });
  await person.ok(["key", "gen", "--passphrase-file", person.file("pass", "correct horse\n")]);
  const { exit, states, of } = await examined(person);
  assert.deepEqual([exit, states.key, states.store], [0, "ok", "warn"]);
  assert.match(of("store").hint, /--passphrase-file/);
});

row("a relay's root key that others can read is 78, whatever else is well", async () => {
  const person = await patient("operator-of-old");
  const folder = join(person.home, "old-relay");
  Deno.mkdirSync(folder, { mode: 0o700 });
  Deno.writeFileSync(join(folder, "root.key"), new Uint8Array(32), { mode: 0o644 });
  Deno.chmodSync(join(folder, "root.key"), 0o644);
  const { exit, states, of } = await examined(person, [], { env: { QIGHT_CFG__DATA_DIR: folder } });
  assert.deepEqual([exit, states.relay_folder, states.relay_disk], [78, "fail", "ok"]);
  assert.match(of("relay_folder").message, /root\.key can be read by other users/);
});

row("nobody at the address is 69 on both lines", async () => {
  const { exit, code, states } = await examined(ada, ["--relay", "qight://127.0.0.1:1", "--timeout", "1s"]);
  assert.deepEqual([exit, code], [69, "unreachable"]);
  assert.deepEqual([states.quic, states.websocket, states.certificate, states.clock], ["fail", "fail", "warn", "warn"]);
});

row("regression: a relay that is off is said to be in seconds, not after the whole --timeout", async () => {
  const began = performance.now();
  const { exit, states } = await examined(ada, ["--relay", "qight://127.0.0.1:1", "--timeout", "40s"]);
  assert.deepEqual([exit, states.quic, states.websocket], [69, "fail", "fail"]);
  // QUIC by itself notices after its idle time, 12 s.
  assert.ok(performance.now() - began < 10_000, "TCP has refused long before");
});

row("another relay at the address is 76", async () => {
  const stranger = relay.address.replace(/\/\/.{43}@/, `//${"A".repeat(43)}@`);
  const { exit, code, states } = await examined(ada, ["--relay", stranger]);
  assert.deepEqual([exit, code, states.quic, states.websocket], [76, "wrong_relay", "fail", "fail"]);
  assert.equal(states.certificate, "fail");
});

row("a network that blocks UDP is a warning while WebSocket gets through", async () => {
  const sockets = new Set<net.Socket>();
  const server = tcpForwarder({ hostname: "127.0.0.1", port: relay.port }, sockets);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  const behind = relay.address.replace(/:\d+$/, `:${port}`);
  const { exit, states, of } = await examined(ada, ["--relay", behind, "--timeout", "3s"]);
  server.close();
  for (const socket of sockets) socket.destroy();
  assert.deepEqual([exit, states.quic, states.websocket, states.clock], [0, "warn", "ok", "ok"]);
  assert.match(of("quic").hint, /for UDP too/);
});

row("a relay without WebSocket is a warning while QUIC gets through", async () => {
  const quicOnly = await world.relay({ name: "quic-only", env: { QIGHT_CFG__WEBSOCKET__LISTEN: "" } });
  const { exit, states } = await examined(ada, ["--relay", quicOnly.address]);
  assert.deepEqual([exit, states.quic, states.websocket, states.certificate], [0, "ok", "warn", "warn"]);
  await quicOnly.stop();
});

row("a relay that wants a token is 77 and says where tokens come from", async () => {
  const closed = await world.relay({ name: "closed", env: { QIGHT_CFG__AUTH__MODE: "token" } });
  const { exit, code, of } = await examined(ada, ["--relay", closed.address]);
  assert.deepEqual([exit, code, of("quic").state, of("token").state], [77, "bad_token", "ok", "fail"]);
  assert.match(of("token").hint, /--token-file FILE/);
  const token = (await world.operator.ok(["relay", "token", "add", "--data-dir", closed.dataDir])).split(/\s+/)[0];
  const admitted = await examined(ada, ["--relay", closed.address, "--token-file", ada.file("token", token)]);
  assert.deepEqual([admitted.exit, admitted.of("token").message], [0, "The relay takes the token"]);
  await closed.stop();
});

for (
  const { ahead, state, exit } of [
    { ahead: 3 * 3600_000, state: "fail", exit: 65 },
    { ahead: -3 * 60_000, state: "warn", exit: 0 },
  ]
) {
  row(`a clock that is ${ahead / 60_000} minutes off is ${state}, exit ${exit}`, async () => {
    const preload = ada.file(`clock${ahead}.js`, `const now = Date.now; Date.now = () => now() + ${ahead};`);
    const found = await examined(ada, [], { preload });
    assert.deepEqual([found.exit, found.states.clock], [exit, state]);
    assert.match(found.of("clock").message, ahead > 0 ? /^3 h|^180 min/ : /^3 min behind/);
    assert.match(found.of("clock").hint, /timedatectl/);
  });
}

// unshare(1) needs the privilege that mount(8) needs.
const smallDisk = Deno.build.os === "linux" && Deno.uid() === 0 &&
  new Deno.Command("sh", { args: ["-c", "unshare -m true"], stderr: "null" }).outputSync().success;
Deno.test({
  name: smallDisk ? "a full disk is 74 (tmpfs)" : "a full disk is 74 (ignored: nobody here may mount a tmpfs)",
  ignore: !smallDisk,
  fn: async () => {
    const person = await patient("cramped");
    const folder = join(person.home, "small");
    Deno.mkdirSync(folder, { mode: 0o700 });
    const mount = new Deno.Command("mount", { args: ["-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", folder] });
    assert.ok((await mount.output()).success);
    try {
      const found = await examined(person, ["--data-dir", folder]);
      assert.deepEqual([found.exit, found.code, found.states.disk], [74, "io", "fail"]);
      assert.match(found.of("disk").message, /^\d+ KiB free at /);
    } finally {
      await new Deno.Command("umount", { args: [folder] }).output();
    }
  },
});

Deno.test("what bytes, dates and clocks mean, at their limits", () => {
  const MIB = 1024 ** 2;
  assert.equal(judgeSpace("disk", "/x", 16 * MIB - 1).state, "fail");
  assert.equal(judgeSpace("disk", "/x", 16 * MIB).state, "warn");
  assert.equal(judgeSpace("disk", "/x", 256 * MIB).state, "ok");
  assert.match(judgeSpace("disk", "/x", 0).hint, /--data-dir/);

  const day = 86_400_000;
  assert.equal(judgeExpiry(20 * day, 0, true).state, "ok");
  assert.equal(judgeExpiry(day / 2, 0, true).state, "ok", "leaf_days = 1 is renewed at half its life");
  assert.equal(judgeExpiry(day / 5, 0, true).state, "warn");
  assert.match(judgeExpiry(3 * day, 0, false).message, /3 days left$/);
  assert.equal(judgeExpiry(8 * day, 0, false).state, "ok");

  assert.equal(checkClock(600_000).state, "warn");
  assert.equal(checkClock(600_001).state, "fail");
  assert.equal(checkClock(-600_001).code, "from_the_future");
  assert.equal(checkClock(60_000).state, "ok");
});

Deno.test("expectation 34: too small a UDP receive buffer is named with the sysctl line", () => {
  const small = checkUdpBuffer(212_992);
  assert.equal(small.state, "warn");
  assert.match(small.hint, /sysctl -w net\.core\.rmem_default=7500000$/);
  assert.equal(checkUdpBuffer(7_500_000).state, "ok");
  assert.equal(checkUdpBuffer(null).state, "ok");
});

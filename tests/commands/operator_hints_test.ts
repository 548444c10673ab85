/** What an operator is told when a relay does not start, or an admin command does not do. @module */
import assert from "node:assert/strict";
import { receiveBufferWarning } from "../../relay/udp_buffer.ts";
import { errorOf, row, World } from "./harness.ts";

const world = new World();
const { operator } = world;
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

row("a second relay on one machine: the taken http.listen is named, and how to do without", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const args = ["relay", "--listen", "127.0.0.1:0", "--data-dir", operator.path("second"), "--json"];
  const env = { QIGHT_CFG__HTTP__LISTEN: `127.0.0.1:${taken.addr.port}` };
  const outcome = await operator.run(args, { env });
  assert.equal(outcome.code, 78);
  assert.equal(errorOf(outcome).code, "port_taken");
  assert.match(errorOf(outcome).message, /^http\.listen: /);
  assert.match(errorOf(outcome).hint, /QIGHT_CFG__HTTP__LISTEN.*""/);
});

row(
  "each problem of a relay.toml stands on a line of its own, and the hint says where the keys are explained",
  async () => {
    const toml = operator.file("wrong.toml", 'lisen = 1\n[limits]\nsend_per_minute = "x"\n');
    const { code, stderr } = await operator.run(["relay", "-c", toml]);
    assert.equal(code, 78);
    const lines = stderr.split("\n");
    assert.match(lines[0], /^qight: .*wrong\.toml:1:1: unknown key lisen; did you mean listen\?$/);
    assert.match(lines[1], /^ {7}.*wrong\.toml:3:1: limits\.send_per_minute: must be a whole number$/);
    assert.match(lines[2], /^ {2}docs\/operations\.md/);
  },
);

row("what a flag or a variable of the command line got wrong is named as it was written", async () => {
  const rows: [args: string[], env: Record<string, string>, name: RegExp][] = [
    [["--listen", "nonsense"], {}, /^--listen: "nonsense" is not an address/],
    [[], { QIGHT_LOG: "loud" }, /^QIGHT_LOG: must be one of "debug"/],
    [[], { QIGHT_CFG__LIMITS__SEND_BURST: "x" }, /^QIGHT_CFG__LIMITS__SEND_BURST: /],
  ];
  for (const [args, env, name] of rows) {
    const outcome = await operator.run(["relay", "--json", ...args], { env });
    assert.equal(outcome.code, 78);
    assert.match(errorOf(outcome).message, name);
  }
});

row("config check of a relay.toml does not send back to config check", async () => {
  const toml = operator.file("relay.toml", 'advertise = ""\n');
  const outcome = await operator.run(["config", "check", "--json", "-c", toml]);
  assert.equal(outcome.code, 78);
  assert.match(errorOf(outcome).hint, /checked by qight relay/);
});

row("an unknown context names those that there are and the near one, or how to add the first", async () => {
  const config = operator.file("config.toml", '[context.home]\nrelay = "qight://h.example"\n[context.work]\n');
  const some = await operator.run(["whoami", "--json", "--context", "wrok", "-c", config]);
  assert.deepEqual([some.code, errorOf(some).hint], [78, "Did you mean work? There are: home, work."]);
  const none = await operator.run(["whoami", "--json", "--context", "home"]);
  assert.match(errorOf(none).hint, /^Make it with qight context add home --relay ADDR/);
});

row("admin commands that find nothing say what lists it", async () => {
  const relay = await world.relay();
  const ask = (...args: string[]) => operator.run(["relay", ...args, "--json", "--data-dir", relay.dataDir]);
  const token = await ask("token", "revoke", "web-3");
  assert.deepEqual([token.code, errorOf(token).hint], [64, "qight relay token list shows them."]);
  const allow = await ask("allow", "remove", "ab".repeat(32));
  assert.deepEqual([allow.code, errorOf(allow).hint], [67, "qight relay allow list shows who is."]);
  assert.equal(await relay.stop(), 0);
});

row(
  "expectation 34: a relay that other machines can reach warns of a small UDP buffer once, one on loopback does not",
  async () => {
    const env = { QIGHT_CFG__HTTP__LISTEN: "" };
    for (const [host, warns] of [["0.0.0.0", receiveBufferWarning() !== null], ["127.0.0.1", false]] as const) {
      const args = ["relay", "--listen", `${host}:0`, "--allow-open", "--data-dir", operator.path(`udp-${host}`)];
      const relay = operator.start(args, { env });
      await relay.line();
      await (warns ? relay.seen(/UDP receive buffer/) : relay.seen(/relay started/));
      relay.signal("SIGTERM");
      assert.equal(await relay.ended, 0);
      assert.equal(relay.stderr().split("net.core.rmem_default").length - 1, warns ? 1 : 0, host);
    }
  },
);

row("an unreadable signature says what a signature is", async () => {
  const user = world.person("user");
  const id = await user.ok(["key", "gen", "--no-passphrase"]);
  const error = errorOf(await user.run(["key", "verify", id, "AAAA", "-", "--json"], { stdin: "x" }));
  assert.deepEqual([error.code, error.hint], [
    "bad_signature",
    "Give what qight key sign printed, or @FILE that holds it.",
  ]);
  assert.equal(errorOf(await user.run(["send", id, "-f", "-", "--json"])).hint, "See qight help send.");
});

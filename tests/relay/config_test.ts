/** The relay's configuration: values, places of errors, and the sample file. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  checkOpenToTheWorld,
  defaultRelayConfig,
  readRelayConfig,
  relayDataDir,
  relayTomlCandidates,
  sampleToml,
} from "../../relay/config.ts";
import { parseHostPort } from "../../relay/config/addresses.ts";
import { formatDuration, parseDuration } from "../../relay/config/durations.ts";
import { keyPositions } from "../../relay/config/key_positions.ts";
import { formatSize, parseSize } from "../../relay/config/sizes.ts";
import { QightError } from "../../proto/errors.ts";

const flags = { data_dir: "/srv/relay" };
const read = (tomlText: string, env: Record<string, string> = {}) =>
  readRelayConfig({ tomlText, tomlPath: "/etc/qight/relay.toml", env, flags, root: false });

function refusal(action: () => unknown): QightError {
  try {
    action();
  } catch (thrown) {
    assert.ok(thrown instanceof QightError, String(thrown));
    return thrown;
  }
  assert.fail("nothing was refused");
}

Deno.test("durations are read as people write them and a bare number is refused", () => {
  const rows: [string, number | null][] = [
    ["30s", 30_000],
    ["15m", 900_000],
    ["1h", 3_600_000],
    ["7d", 604_800_000],
    ["2w", 1_209_600_000],
    ["1h30m", 5_400_000],
    ["1w2d3h4m5s", 788_645_000],
    ["0s", 0],
    ["10", null],
    ["", null],
    ["1.5h", null],
    ["30m1h", null],
    ["1h1h", null],
    ["-1s", null],
    ["5 s", null],
    ["1S", null],
    ["999999999w999999999w", null],
  ];
  for (const [text, ms] of rows) {
    if (ms === null) assert.equal(refusal(() => parseDuration(text)).code, "bad_duration", text);
    else assert.equal(parseDuration(text), ms, text);
  }
});

Deno.test("sizes are read as people write them and a bare number is refused", () => {
  const rows: [string, number | null][] = [
    ["0B", 0],
    ["512B", 512],
    ["256KiB", 262_144],
    ["64MiB", 67_108_864],
    ["10GiB", 10_737_418_240],
    ["256", null],
    ["256KB", null],
    ["1.5MiB", null],
    ["999999999999GiB", null],
    ["", null],
  ];
  for (const [text, bytes] of rows) {
    if (bytes === null) assert.equal(refusal(() => parseSize(text)).code, "config", text);
    else assert.equal(parseSize(text), bytes, text);
  }
});

Deno.test("what is written as a duration or size is read back the same", () => {
  fc.assert(
    fc.property(fc.nat({ max: 10 ** 9 }), (seconds) => {
      assert.equal(parseDuration(formatDuration(seconds * 1000)), seconds * 1000);
      assert.equal(parseSize(formatSize(seconds)), seconds);
    }),
    { seed: 20261121 },
  );
});

Deno.test("addresses are host:port, with brackets around IPv6", () => {
  const rows: [string, string | null, number?][] = [
    ["127.0.0.1:4433", "127.0.0.1", 4433],
    ["[::]:4433", "::", 4433],
    ["relay.example:0", "relay.example", 0],
    ["127.0.0.1", null],
    ["::1:4433", null],
    ["127.0.0.1:70000", null],
    [":4433", null],
    ["http://x:1", null],
  ];
  for (const [text, hostname, port] of rows) {
    if (hostname === null) assert.equal(refusal(() => parseHostPort(text)).code, "config", text);
    else assert.deepEqual(parseHostPort(text), { hostname, port }, text);
  }
});

Deno.test("without a file every key has the default of docs/operations.md", () => {
  const config = defaultRelayConfig("/srv/relay");
  assert.deepEqual(config.listen, ["127.0.0.1:4433"]);
  assert.equal(config.dataDir, "/srv/relay");
  assert.deepEqual(config.storage, {
    backend: "sqlite",
    path: "relay.db",
    defaultTtlMs: 7 * 86_400_000,
    maxTtlMs: 30 * 86_400_000,
    maxMessage: 262_144,
    maxMls: 4_194_304,
    maxQueue: 10_000,
    maxQueueBytes: 67_108_864,
    maxTotal: 10_737_418_240,
  });
  assert.deepEqual(config.limits, {
    sendPerMinute: 600,
    sendBurst: 1000,
    connectionsPerIp: 200,
    newAccountsPerIpPerDay: 50,
    loginsPerIpPerHour: 30,
    openReportsPerAccount: 100,
    streamsPerConnection: 64,
    pendingHandshakes: 3400,
    idleTimeoutMs: 60_000,
    requestTimeoutMs: 30_000,
    drainTimeoutMs: 30_000,
  });
  assert.deepEqual(config.websocket, { listen: null, trustedProxies: [] });
  assert.deepEqual(config.http, { listen: "127.0.0.1:9464" });
  assert.deepEqual(config.log, { level: "info", format: "text", addresses: "masked" });
});

Deno.test("the sample file means the same as no file", () => {
  const { config, origins } = readRelayConfig({ tomlText: sampleToml(), env: {}, flags, root: false });
  assert.deepEqual(config, defaultRelayConfig("/srv/relay"));
  const silent = Object.keys(origins).filter((key) => origins[key] === "default");
  assert.deepEqual(silent, ["websocket.listen"], "every other key stands in the sample");
});

Deno.test("an unknown or wrong key is refused with file, line, column, key and the near name", () => {
  const at = "/etc/qight/relay.toml";
  const rows: [string, string][] = [
    ['lisen = ["127.0.0.1:1"]', `${at}:1:1: unknown key lisen; did you mean listen?`],
    ["\n[storage]\n  max_quue = 3", `${at}:3:3: unknown key storage.max_quue; did you mean max_queue?`],
    ["[storage]\nsend_burst = 3", `${at}:2:1: unknown key storage.send_burst; did you mean limits.send_burst?`],
    ["[limts]", `${at}:1:2: unknown key limts; did you mean limits?`],
    ["[federation]\nenabled = true", `${at}:1:2: unknown key federation`],
    ["xyzzyxyzzy = 1", `${at}:1:1: unknown key xyzzyxyzzy`],
    ["limits.send_burst = -1", `${at}:1:1: limits.send_burst: must be at least 0`],
    ["storage = { max_total = 3 }", `${at}:1:13: storage.max_total: must be text in quotes`],
    ['listen = "x"', `${at}:1:1: listen: must be a list such as ["127.0.0.1:4433"]`],
    ['[log]\nlevel = "loud"', `${at}:2:1: log.level: must be one of "debug", "info", "warn", "error"`],
    ['[tls]\ncert = "a.pem"', `${at}:2:1: tls.cert: is given without tls.key`],
    ['[storage]\ndefault_ttl = "31d"', `${at}:2:1: storage.default_ttl: is longer than storage.max_ttl`],
    ['[storage]\nmax_ttl = "91d"', `${at}:2:1: storage.max_ttl: 91d is too large`],
    ["a = [", `${at}:1:5: unfinished array`],
  ];
  for (const [toml, text] of rows) {
    const error = refusal(() => read(toml));
    assert.equal(error.code, "config", toml);
    assert.equal(error.exit, 78);
    assert.ok(error.message.startsWith(text), `${toml}\n${error.message}`);
  }
});

Deno.test("all problems of a file are named at once, in the order of the file", () => {
  const { message } = refusal(() => read('[storage]\nmax_quue = 1\n[limits]\nsend_burst = "x"\n[log]\nformat = "xml"'));
  assert.deepEqual(message.split("\n").map((line) => line.split(":")[1]), ["2", "4", "6"]);
});

Deno.test("an unfinished duration says how to write one", () => {
  const { message } = refusal(() => read('[limits]\nidle_timeout = "10"'));
  assert.match(message, /:2:1: limits\.idle_timeout: "10" is not a duration: Write 30s/);
});

Deno.test("flags beat the environment, the environment beats the file, the file beats the default", () => {
  const tomlText = 'listen = ["127.0.0.1:1"]\n[log]\nlevel = "error"\n[limits]\nsend_burst = 7\n';
  const { config, origins } = readRelayConfig({
    tomlText,
    tomlPath: "r.toml",
    env: { QIGHT_CFG__LISTEN: "127.0.0.1:2, [::1]:2", QIGHT_CFG__LOG__LEVEL: "warn" },
    flags: { listen: ["127.0.0.1:3"], data_dir: "/d" },
    root: false,
  });
  assert.deepEqual(config.listen, ["127.0.0.1:3"]);
  assert.equal(config.log.level, "warn");
  assert.equal(config.limits.sendBurst, 7);
  assert.equal(origins.listen, "flag");
  assert.equal(origins["log.level"], "QIGHT_CFG__LOG__LEVEL");
  assert.equal(origins["limits.send_burst"], "r.toml:5:1");
  assert.equal(origins["storage.path"], "default");
});

Deno.test("variables are read bare, lists with commas, and set but empty is a value", () => {
  const { config } = read('[websocket]\nlisten = ["127.0.0.1:5"]', {
    QIGHT_CFG__LISTEN: "127.0.0.1:2,[::1]:2",
    QIGHT_CFG__LIMITS__SEND_BURST: "12",
    QIGHT_CFG__STORAGE__MAX_TTL: "20d",
    QIGHT_CFG__HTTP__LISTEN: "",
    QIGHT_CFG__WEBSOCKET__LISTEN: "",
    QIGHT_DATA_DIR: "",
  });
  assert.deepEqual(config.listen, ["127.0.0.1:2", "[::1]:2"]);
  assert.equal(config.limits.sendBurst, 12);
  assert.equal(config.storage.maxTtlMs, 20 * 86_400_000);
  assert.equal(config.http.listen, "");
  assert.deepEqual(config.websocket.listen, []);
});

Deno.test("a wrong variable is refused by its own name", () => {
  const rows: [string, string, RegExp][] = [
    ["QIGHT_CFG__LIMITS__SEND_BRST", "1", /did you mean QIGHT_CFG__LIMITS__SEND_BURST\?/],
    ["QIGHT_CFG__LIMITS__SEND_BURST", "many", /^QIGHT_CFG__LIMITS__SEND_BURST: .*whole number/],
    ["QIGHT_CFG__LISTEN", "", /^QIGHT_CFG__LISTEN: listen: must not be empty/],
  ];
  for (const [name, value, text] of rows) assert.match(refusal(() => read("", { [name]: value })).message, text);
});

Deno.test("a relative path in relay.toml is beside relay.toml", () => {
  const { config } = read('[tls]\ncert = "c.pem"\nkey = "/k.pem"\n[auth]\ntokens_file = "tokens"');
  assert.equal(config.tls.cert, "/etc/qight/c.pem");
  assert.equal(config.tls.key, "/k.pem");
  assert.equal(config.auth.tokensFile, "/etc/qight/tokens");
});

Deno.test("keys are found in every form that TOML allows", () => {
  const text = [
    "listen = [ # [not.a.table]",
    "  \"a=b\", 'c',",
    "]",
    'advertise = """',
    "[storage]",
    'path = "no" """',
    '[ "tls" ]',
    "  leaf_days = 3 # x = 1",
    'storage = { path = "x", max_queue = [1, {a = 2}] }',
    "limits . send_burst = 1",
  ].join("\n");
  const positions = Object.fromEntries([...keyPositions(text)].map(([key, at]) => [key, `${at.line}:${at.column}`]));
  assert.equal(positions.listen, "1:1");
  assert.equal(positions.advertise, "4:1");
  assert.equal(positions.tls, "7:3");
  assert.equal(positions["tls.leaf_days"], "8:3");
  assert.equal(positions["tls.storage.path"], "9:13");
  assert.equal(positions["tls.storage.max_queue"], "9:25");
  assert.equal(positions["tls.limits.send_burst"], "10:1");
  assert.equal(positions["storage.path"], undefined, "what stands in a string is no key");
});

Deno.test("any text is a configuration or a config error, never a crash", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(fc.string(), fc.constantFrom("[", "]", "=", '"', "'", '"""', "{", "}", ".", "\n", "tls", "listen")),
      ),
      (parts) => {
        const text = parts.join("");
        keyPositions(text);
        try {
          read(text);
        } catch (thrown) {
          assert.ok(thrown instanceof QightError && thrown.code === "config", String(thrown));
        }
      },
    ),
    { seed: 20261121, numRuns: 2000 },
  );
});

Deno.test("the data folder is chosen by flag, state directory, root or XDG", () => {
  const rows: [Parameters<typeof relayDataDir>[0], string][] = [
    [{ chosen: "/a", env: { STATE_DIRECTORY: "/b" }, root: true }, "/a"],
    [{ env: { STATE_DIRECTORY: "/b:/c", HOME: "/h" }, root: true }, "/b"],
    [{ env: { HOME: "/h" }, root: true }, "/var/lib/qight"],
    [{ env: { XDG_DATA_HOME: "/x", HOME: "/h" }, root: false }, "/x/qight-relay"],
    [{ env: { HOME: "/h" }, root: false }, "/h/.local/share/qight-relay"],
  ];
  for (const [from, dir] of rows) assert.equal(relayDataDir(from), dir);
});

Deno.test("relay.toml is where -c says, else in the data folder, else in /etc unless a folder was named", () => {
  const env = { HOME: "/h" };
  const paths = (from: { config?: string; dataDir?: string }) =>
    relayTomlCandidates({ ...from, env, root: false }).map(({ path }) => path);
  assert.deepEqual(relayTomlCandidates({ config: "x.toml", env, root: false }), [{ path: "x.toml", required: true }]);
  assert.deepEqual(paths({ dataDir: "/d" }), ["/d/relay.toml"]);
  assert.deepEqual(paths({}), ["/h/.local/share/qight-relay/relay.toml", "/etc/qight/relay.toml"]);
});

Deno.test("an open relay beyond loopback is refused unless that is said explicitly", () => {
  const rows: [string[], "open" | "token", boolean, boolean][] = [
    [["127.0.0.1:1", "[::1]:1", "localhost:1", "127.9.9.9:1"], "open", false, true],
    [["[::]:4433"], "open", false, false],
    [["127.0.0.1:1", "0.0.0.0:1"], "open", false, false],
    [["127.evil.example:1"], "open", false, false],
    [["[::]:4433"], "open", true, true],
    [["[::]:4433"], "token", false, true],
  ];
  for (const [listen, mode, allowed, fine] of rows) {
    const config = { listen, websocket: { listen: null }, auth: { mode } };
    if (fine) checkOpenToTheWorld(config, allowed);
    else assert.equal(refusal(() => checkOpenToTheWorld(config, allowed)).code, "insecure_config", listen.join());
  }
  const websocketOnly = { listen: ["127.0.0.1:1"], websocket: { listen: ["0.0.0.0:1"] }, auth: { mode: "open" } };
  assert.equal(refusal(() => checkOpenToTheWorld(websocketOnly, false)).code, "insecure_config");
});

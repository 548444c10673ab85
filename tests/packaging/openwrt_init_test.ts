/** What procd is told for a /etc/config/qight, by the real script under busybox sh and stand-ins of OpenWrt's functions. @module */
import assert from "node:assert/strict";
import { readRelayConfig } from "../../relay/config.ts";
import { defaults } from "../../relay/config/schema.ts";
import { initScript } from "../../scripts/build/openwrt.ts";
import { say } from "./programs.ts";
import { missingFor, missingNamespaces, ThrowawayRoot } from "./throwaway_root.ts";

const file = (name: string) => new URL(name, import.meta.url);
const packaged = (name: string) => Deno.readTextFile(file(`../../packaging/openwrt/${name}`));
const missing = missingFor(["busybox"], { root: true }) || missingNamespaces();

/** What the script told procd. */
interface Told {
  readonly lines: readonly string[];
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** First word after `set`, to the others. */
  readonly params: ReadonlyMap<string, readonly string[]>;
}

async function told(config: string, options: { passwd?: string; call?: string } = {}): Promise<Told> {
  await using root = await new ThrowawayRoot().withShell();
  for (const folder of ["etc/config", "lib", "tmp"]) await Deno.mkdir(root.at(folder), { recursive: true });
  await Deno.writeTextFile(root.at("etc/config/qight"), config);
  await Deno.writeTextFile(root.at("etc/passwd"), options.passwd ?? "root:x:0:0::/root:/bin/sh\n");
  await Deno.writeTextFile(root.at("etc/group"), "qight:x:999:\n");
  await Deno.copyFile(file("openwrt_functions.sh"), root.at("lib/functions.sh"));
  await Deno.writeTextFile(root.at("etc/qight.init"), await initScript());
  const script = `. /lib/functions.sh; . /etc/qight.init; ${options.call ?? "start"}; code=$?
ls -ln /etc/qight /var/run >&2; exit $code`;
  const { code, stdout, stderr } = await root.command(["/bin/sh", "-c", script], { env: { PATH: "/bin" } }).output();
  const decoder = new TextDecoder();
  const lines = decoder.decode(stdout).split("\n").filter((line) => line !== "");
  assert.equal(code, 0, decoder.decode(stderr));
  const words = lines.map((line) => line.split("\t"));
  const about = (what: string) => words.filter(([verb, name]) => /^(set|append)$/.test(verb) && name === what);
  const pairs = about("env").flatMap(([, , ...each]) => each).map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  return {
    lines: [...lines, decoder.decode(stderr)],
    command: about("command").flatMap(([, , ...each]) => each),
    env: Object.fromEntries(pairs),
    params: new Map(words.filter(([verb]) => verb === "set").map(([, name, ...rest]) => [name, rest])),
  };
}

const enabled = async (more = "") => (await packaged("qight.config")).replace("'0'", "'1'") + more;

function test(name: string, fn: () => Promise<void>) {
  Deno.test({ name: name + missing, ignore: missing !== "", fn });
}

Deno.test(`expectation 38: the init script is one for sh and for busybox sh${missingFor(["busybox"])}`, async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, await initScript());
  for (const shell of [["sh"], ...(missingFor(["busybox"]) === "" ? [["busybox", "sh"]] : [])]) {
    assert.deepEqual(await say(shell[0], ...shell.slice(1), "-n", path), { code: 0, text: "" });
  }
  await Deno.remove(path);
  const text = await initScript();
  assert.match(text, /^USE_PROCD=1$/m);
  assert.doesNotMatch(text, /@KEYS@/);
});

test("a freshly installed package starts nothing", async () => {
  const { lines, command } = await told(await packaged("qight.config"));
  assert.deepEqual(command, []);
  assert.deepEqual(lines.filter((line) => /^(open|set|append)/.test(line)), []);
});

test("expectation 38: enabled, the relay runs with the configuration's values as flags and variables, and a token", async () => {
  const { command, env, params } = await told(await enabled());
  assert.deepEqual(command, ["/usr/bin/qight", "relay", "--data-dir", "/etc/qight/relay", "--listen", "[::]:4433"]);
  assert.equal(env.QIGHT_CFG__AUTH__MODE, "token");
  assert.equal(env.DENO_DIR, "/var/run/qight/deno");
  assert.deepEqual(params.get("respawn"), ["3600", "5", "5"]);
  assert.deepEqual(params.get("term_timeout"), ["15"]);
  assert.deepEqual([params.get("stdout"), params.get("stderr"), params.get("no_new_privs")], [["1"], ["1"], ["1"]]);
  assert.equal(params.has("user"), false);
  const { config } = readRelayConfig({ env, flags: { listen: ["[::]:4433"], data_dir: "/x" }, root: false });
  assert.equal(config.auth.mode, "token");
  assert.ok(config.limits.drainTimeoutMs < 15_000, "procd kills after term_timeout");
});

test("every key of relay.toml can be set in UCI", async () => {
  const special: Record<string, string> = { "mdns.enabled": "1", data_dir: "/mnt/usb/relay" };
  const value = (key: string) => special[key] ?? (key.includes("listen") ? "192.0.2.1:1" : `value of ${key}`);
  const keys = Object.keys(defaults);
  const sections = new Map<string, string[]>();
  for (const key of keys) {
    const [section, option] = key.includes(".") ? key.split(".") : ["relay", key];
    const lines = sections.get(section) ?? sections.set(section, []).get(section)!;
    const isList = Array.isArray(defaults[key]);
    if (isList) lines.push(`\tlist ${option} '192.0.2.1:1'`, `\tlist ${option} '[2001:db8::1]:2'`);
    else lines.push(`\toption ${option} '${value(key)}'`);
  }
  sections.get("relay")!.push("\toption enabled '1'");
  const text = [...sections].map(([name, lines]) => `config ${name} '${name}'\n${lines.join("\n")}\n`).join("\n");
  const { command, env } = await told(text);
  assert.deepEqual(command, [
    ...["/usr/bin/qight", "relay", "--data-dir", "/mnt/usb/relay"],
    ...["--listen", "192.0.2.1:1", "--listen", "[2001:db8::1]:2", "--mdns"],
  ]);
  for (const key of keys.filter((key) => !["listen", "data_dir", "mdns.enabled"].includes(key))) {
    const name = `QIGHT_CFG__${key.toUpperCase().replace(".", "__")}`;
    assert.equal(env[name], Array.isArray(defaults[key]) ? "192.0.2.1:1,[2001:db8::1]:2" : value(key), key);
  }
});

test("health and metrics, and WebSocket, are turned off by the word none", async () => {
  const config = "config relay 'relay'\n\toption enabled '1'\nconfig http 'http'\n\toption listen 'none'\n" +
    "config websocket 'websocket'\n\toption listen 'none'\n";
  const { env } = await told(config);
  assert.deepEqual([env.QIGHT_CFG__HTTP__LISTEN, env.QIGHT_CFG__WEBSOCKET__LISTEN], ["", ""]);
});

test("where the package's user exists, the relay runs as that user and owns its folders, which nobody else enters", async () => {
  const { params, lines } = await told(await enabled(), { passwd: "qight:x:999:999::/var/run/qight:/bin/false\n" });
  assert.deepEqual([params.get("user"), params.get("group")], [["qight"], ["qight"]]);
  assert.match(lines.at(-1)!, /drwx------ +2 999 +999 .* relay$/m);
  assert.match(lines.at(-1)!, /drwx------ +2 999 +999 .* qight$/m);
});

test("values with spaces, quotes and commands in them stay values", async () => {
  const { env, command } = await told(
    "config relay 'relay'\n\toption enabled '1'\n\toption listen '[::]:4433'\nconfig mdns 'mdns'\n" +
      "\toption name 'my \"relay\" $(id) `id`'\n",
  );
  assert.equal(env.QIGHT_CFG__MDNS__NAME, 'my "relay" $(id) `id`');
  assert.deepEqual(command.slice(-2), ["--listen", "[::]:4433"]);
});

test("a changed configuration is a trigger, and reloading tells procd everything anew", async () => {
  const { lines } = await told(await enabled(), { call: "service_triggers; reload_service" });
  assert.ok(lines.includes("trigger\tqight"));
  assert.ok(lines.some((line) => line.startsWith("set\tcommand\t/usr/bin/qight")));
});

Deno.test("the firewall rule opens the port of the configuration for UDP and for TCP", async () => {
  const rule = await packaged("qight.firewall");
  assert.match(rule, /option dest_port '4433'/);
  assert.deepEqual([...rule.matchAll(/^\tlist proto '(\w+)'$/gm)].map(([, proto]) => proto), ["udp", "tcp"]);
  assert.match(await packaged("qight.config"), /list listen '\[::\]:4433'/);
  assert.match(await packaged("qight.keep"), /^\/etc\/qight\/relay\/root\.key$/m);
});

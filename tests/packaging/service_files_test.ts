/** The systemd unit, the launchd plist, and what they promise: form, hardening, and that the relay can work inside it. @module */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { errorTable } from "../../proto/errors.ts";
import { defaultRelayConfig } from "../../relay/config.ts";
import { World } from "../commands/harness.ts";
import { isInstalled, say } from "./programs.ts";

const packaged = (path: string) => fileURLToPath(new URL(`../../packaging/${path}`, import.meta.url));
const unitPath = packaged("systemd/qight.service");
const unit = await Deno.readTextFile(unitPath);
const setting = (name: string) => [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value]) => value);
const MOST_EXPOSURE = 1.5;

const systemd = isInstalled("systemd-analyze") ? "" : " (ignored: needs systemd-analyze)";

Deno.test({
  name: `expectation 37: systemd finds nothing wrong with the unit${systemd}`,
  ignore: systemd !== "",
  async fn() {
    // The program and its manual are not installed here; everything else must be as systemd knows it.
    const folder = await Deno.makeTempDir();
    try {
      const text = unit.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true").replace(/^Documentation=.*\n/m, "");
      await Deno.writeTextFile(`${folder}/qight.service`, text);
      const { code, text: said } = await say("systemd-analyze", "verify", `${folder}/qight.service`);
      const about = said.split("\n").filter((line) => line.includes("qight.service"));
      assert.deepEqual([code, about], [0, []]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: `expectation 37: the unit's exposure is at most ${MOST_EXPOSURE} by systemd's own count${systemd}`,
  ignore: systemd !== "",
  async fn() {
    const { text } = await say("systemd-analyze", "security", "--offline=true", "--no-pager", unitPath);
    const [, score] = /exposure level for qight\.service: (\d+\.\d)/.exec(text) ?? assert.fail(text);
    assert.ok(Number(score) <= MOST_EXPOSURE, `exposure ${score}`);
  },
});

Deno.test("expectation 37: the unit says when the relay is ready, watches it, keeps its data, and lets V8 compile", () => {
  const expected: Record<string, string> = {
    Type: "notify",
    DynamicUser: "yes",
    StateDirectory: "qight",
    StateDirectoryMode: "0700",
    ExecReload: "/bin/kill -HUP $MAINPID",
    Restart: "on-failure",
    NoNewPrivileges: "yes",
  };
  for (const [name, value] of Object.entries(expected)) assert.deepEqual(setting(name), [value], name);
  assert.deepEqual(setting("MemoryDenyWriteExecute"), []);
  assert.ok(Number(setting("WatchdogSec")[0]) > 0);
  assert.match(unit, /^#LoadCredential=root\.key:/m);
  assert.doesNotMatch(unit, /^\[Install\][^[]*Also=/m);
});

Deno.test("the unit waits longer than the relay drains, and does not start again what the same start would not mend", () => {
  const { drainTimeoutMs } = defaultRelayConfig("/x").limits;
  assert.ok(Number(setting("TimeoutStopSec")[0]) * 1000 > drainTimeoutMs);
  const prevented = setting("RestartPreventExitStatus")[0].split(" ").map(Number);
  const codes = (["usage", "store_damaged", "config"] as const).map((code) => errorTable[code].exit);
  assert.deepEqual(prevented, codes);
});

const traced = systemd || (isInstalled("strace") ? "" : " (ignored: needs strace)");
Deno.test({
  name:
    `the unit's filter of system calls lets through everything that a relay with mail, metrics and a backup asks for${traced}`,
  ignore: traced !== "",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using world = new World();
    const log = world.operator.path("calls");
    const tracer = world.person("tracer");
    tracer.within = ["strace", "-f", "-qq", "-o", log, "-e", "signal=none"];
    const dataDir = world.operator.path("data");
    const relay = tracer.start(["relay", "--listen", "127.0.0.1:0", "--data-dir", dataDir], {
      env: { QIGHT_CFG__HTTP__LISTEN: "127.0.0.1:0" },
    });
    const [, address] = /^address {2}(\S+)/.exec(await relay.line() ?? "") ?? assert.fail(relay.stderr());
    const ada = await world.member("ada", { address });
    await ada.ok(["send", ada.id, "hello"]);
    await ada.ok(["fetch"]);
    const backup = world.operator.path("backup");
    await world.operator.ok(["relay", "backup", "--plain", backup, "--data-dir", dataDir]);
    await world.operator.ok(["relay", "drain", "--data-dir", dataDir]);
    assert.equal(await relay.ended, 0);

    const [first, second] = setting("SystemCallFilter");
    const allowed = await membersOf(first.split(" "));
    const refused = await membersOf(second.replace(/^~/, "").split(" "));
    const used = new Set(
      [...(await Deno.readTextFile(log)).matchAll(/^\d+ +(?:<\.\.\. )?([a-z_0-9]+)[( ]/gm)].map(([, n]) => n),
    );
    assert.ok(used.size > 30, [...used].join(" "));
    // SQLite gives its files away only where it runs as root (os_unix.c, robustFchown), as here and not in the service.
    used.delete("fchown");
    const stopped = [...used].filter((name) => !allowed.has(name) || refused.has(name));
    assert.deepEqual(stopped, []);
  },
});

Deno.test("the plist is XML that names program, log and restart, and stops no earlier than the relay has drained", async () => {
  const text = await Deno.readTextFile(packaged("launchd/org.qight.relay.plist"));
  const body = text.replace(/<\?xml.*?\?>|<!DOCTYPE.*?>|<!--[\s\S]*?-->/g, "");
  const open: string[] = [];
  for (const [, close, name, alone] of body.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (alone) continue;
    if (close) assert.equal(open.pop(), name);
    else open.push(name);
  }
  assert.deepEqual(open, []);
  assert.match(
    body,
    /<key>ProgramArguments<\/key>\s*<array>\s*<string>\/usr\/local\/bin\/qight<\/string>\s*<string>relay</,
  );
  const [, seconds] = /<key>ExitTimeOut<\/key>\s*<integer>(\d+)</.exec(body)!;
  assert.ok(Number(seconds) * 1000 > defaultRelayConfig("/x").limits.drainTimeoutMs);
  assert.match(body, /<key>SuccessfulExit<\/key>\s*<false\/>/);
});

async function membersOf(sets: readonly string[]): Promise<Set<string>> {
  return new Set((await Promise.all(sets.map(members))).flatMap((each) => [...each]));
}

/** System calls of a set, with those of the sets in it. */
async function members(set: string): Promise<Set<string>> {
  const { code, text } = await say("systemd-analyze", "syscall-filter", set);
  assert.equal(code, 0, text);
  const words = text.split("\n").slice(1).map((line) => line.trim()).filter((word) =>
    word !== "" && !word.startsWith("#")
  );
  const [sets, calls] = [words.filter((word) => word.startsWith("@")), words.filter((word) => !word.startsWith("@"))];
  return new Set([...calls, ...await membersOf(sets)]);
}

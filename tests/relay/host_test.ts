/** What the relay asks of its host: the runtime's version, the UDP buffer, systemd. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { listenQuic } from "../../net/quic.ts";
import type { QightError } from "../../proto/errors.ts";
import { checkRuntime } from "../../relay/runtime.ts";
import { answerWatchdog, notifySystemd, watchdogMs } from "../../relay/systemd.ts";
import { testRoot } from "../net/relay_fixture.ts";
import { readReceiveBufferLimit, receiveBufferWarning, warnOfSmallReceiveBuffer } from "../../relay/udp_buffer.ts";

Deno.test("a Deno older than 2.9.5 is refused with 78, saying why", () => {
  const rows: [string, boolean][] = [
    ["2.9.5", true],
    ["2.9.6", true],
    ["2.10.0", true],
    ["3.0.0", true],
    ["2.9.5+abc1234", true],
    ["2.9.6-rc.1", true],
    ["2.9.5-rc.1", false],
    ["2.9.4", false],
    ["2.8.9", false],
    ["1.46.3", false],
    ["", false],
  ];
  for (const [version, fine] of rows) {
    if (fine) checkRuntime(version);
    else {
      assert.throws(() => checkRuntime(version), (error: QightError) => {
        assert.equal(error.code, "too_old_runtime");
        return error.exit === 78 && error.message.includes(version);
      }, version);
    }
  }
  checkRuntime();
});

Deno.test("a small UDP buffer is warned of once, with the command that helps", () => {
  const said: string[] = [];
  const log = { warn: (event: string) => void said.push(event) };
  for (const limit of [null, 7_500_000, 10_000_000]) warnOfSmallReceiveBuffer(log, limit);
  assert.equal(said.join(), "");
  for (let i = 0; i < 3; i++) warnOfSmallReceiveBuffer(log, 212_992);
  assert.equal(said.length, 1, said.join());
  assert.ok(said[0].includes("212992") && said[0].includes("sysctl -w net.core.rmem_default=7500000"), said[0]);
  assert.equal(receiveBufferWarning(7_499_999) === null, false);
});

Deno.test("the buffer's limit is read from the kernel, and nonsense is no number", async () => {
  const path = await Deno.makeTempFile();
  const rows: [string, number | null][] = [["212992\n", 212_992], ["", null], ["x", null], ["-1", null]];
  for (const [text, limit] of rows) {
    await Deno.writeTextFile(path, text);
    assert.equal(readReceiveBufferLimit(path), limit, text);
  }
  await Deno.remove(path);
  assert.equal(readReceiveBufferLimit("/nowhere"), null);
});

Deno.test({
  name: "regression: the setting that the warning names is the one that a QUIC socket gets its buffer from",
  ignore: !await hasSs(),
  async fn() {
    const listener = await listenQuic({ hostname: "127.0.0.1", port: 0, leaf: await (await testRoot()).leaf() });
    const { port } = listener.address;
    const { stdout } = await new Deno.Command("ss", { args: ["-ulmn", "sport", "=", `:${port}`] }).output();
    const [, buffer] = /,rb(\d+),/.exec(new TextDecoder().decode(stdout)) ?? [];
    assert.equal(Number(buffer), readReceiveBufferLimit());
    await listener.close();
  },
});

async function hasSs(): Promise<boolean> {
  if (readReceiveBufferLimit() === null) return false;
  try {
    return (await new Deno.Command("ss", { args: ["-V"], stdout: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("systemd hears READY and STOPPING on its socket", async () => {
  const dir = await Deno.makeTempDir({ prefix: "qight-test-" });
  const abstract = `qight-test-${crypto.randomUUID()}`;
  const rows: [string, string][] = [[join(dir, "notify"), join(dir, "notify")]];
  if (Deno.build.os === "linux") rows.push([`\0${abstract}`, `@${abstract}`]);
  for (const [path, socket] of rows) {
    const manager = Deno.listenDatagram({ transport: "unixpacket", path });
    for (const state of ["READY=1", "STOPPING=1"] as const) {
      assert.equal(await notifySystemd(state, { NOTIFY_SOCKET: socket }), true, socket);
      const [bytes] = await manager.receive();
      assert.equal(new TextDecoder().decode(bytes), state);
    }
    manager.close();
  }
  await Deno.remove(dir, { recursive: true });
});

Deno.test("the watchdog is fed three times within its limit, and only by the process it is meant for", async () => {
  const rows: [Record<string, string>, number | null][] = [
    [{}, null],
    [{ WATCHDOG_USEC: "30000000" }, 30_000],
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "7" }, 30_000],
    [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "8" }, null],
    [{ WATCHDOG_USEC: "" }, null],
    [{ WATCHDOG_USEC: "soon" }, null],
    [{ WATCHDOG_USEC: "-1" }, null],
  ];
  for (const [env, ms] of rows) assert.equal(watchdogMs(env, 7), ms, JSON.stringify(env));

  const dir = await Deno.makeTempDir({ prefix: "qight-test-" });
  const socket = join(dir, "notify");
  const manager = Deno.listenDatagram({ transport: "unixpacket", path: socket });
  let turn = () => {};
  let ended = false;
  const told: Error[] = [];
  const watchdog = answerWatchdog({
    env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "3000000" },
    pid: 7,
    trouble: (error) => told.push(error),
    every(ms, call) {
      assert.equal(ms, 1_000);
      turn = call;
      return () => ended = true;
    },
  });
  for (let i = 0; i < 3; i++) {
    turn();
    const [bytes] = await manager.receive();
    assert.equal(new TextDecoder().decode(bytes), "WATCHDOG=1");
  }
  assert.deepEqual(told, []);
  watchdog[Symbol.dispose]();
  assert.ok(ended);
  manager.close();
  await Deno.remove(dir, { recursive: true });
});

Deno.test("without a service manager nothing happens, and one that is gone is only reported", async () => {
  assert.equal(await notifySystemd("READY=1", {}), false);
  assert.equal(await notifySystemd("READY=1", { NOTIFY_SOCKET: "" }), false);
  assert.ok(await notifySystemd("READY=1", { NOTIFY_SOCKET: "/nowhere/notify" }) instanceof Error);
  assert.ok(await notifySystemd("READY=1", { NOTIFY_SOCKET: "@nobody-listens-here" }) instanceof Error);
});

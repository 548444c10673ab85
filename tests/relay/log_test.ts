/** What the relay's log shows and what it keeps to itself. @module */
import assert from "node:assert/strict";
import { QightError } from "../../proto/errors.ts";
import type { LogConfig } from "../../relay/config.ts";
import { createLog, maskAddress } from "../../relay/log.ts";

const quiet: LogConfig = { level: "info", format: "text", addresses: "masked" };
const device = new Uint8Array(32).fill(0xab);
const token = "qight_" + "T".repeat(43);
const publicId = "qid1" + "q".repeat(58);

function lines(config: Partial<LogConfig>, write: (log: ReturnType<typeof createLog>) => void): string[] {
  const out: string[] = [];
  write(createLog({ ...quiet, ...config }, (line) => out.push(line), () => 1_800_000_000_000));
  return out;
}

Deno.test("addresses are masked, whole or absent", () => {
  const rows: [string, string, string][] = [
    ["203.0.113.77", "masked", "203.0.113.x"],
    ["203.0.113.77:4433", "masked", "203.0.113.x"],
    ["::ffff:203.0.113.77", "masked", "203.0.113.x"],
    ["2001:db8:1:2:3:4:5:6", "masked", "2001:db8:1::x"],
    ["[2001:db8:1:2::6]:4433", "masked", "2001:db8:1::x"],
    ["fe80::1%eth0", "masked", "fe80:0:0::x"],
    ["::1", "masked", "::1"],
    ["127.0.0.1", "masked", "127.0.0.x"],
    ["alice.example", "masked", "x"],
    ["203.0.113.77:4433", "full", "203.0.113.77:4433"],
    ["203.0.113.77", "none", ""],
  ];
  for (const [ip, mode, shown] of rows) assert.equal(maskAddress(ip, mode as LogConfig["addresses"]), shown, ip);
});

Deno.test("at the default level no id, token, secret or whole address is shown, wherever it stands", () => {
  const fields = {
    device,
    account: publicId,
    token,
    lease: "lease-4711",
    passphrase: "hunter2",
    rootSeed: device,
    peer: "203.0.113.77:999",
    payload: device,
    nested: { recipient: publicId, secret: "hunter2", ip: "203.0.113.77" },
    list: [publicId, device],
    note: `for ${publicId} with ${token} or ${device.toHex()} or ${"A".repeat(43)}`,
    error: new QightError(
      "queue_full",
      `Cannot enqueue for ${publicId} from 203.0.113.77:999 or [2001:db8::77]:999 or 2001:db8::77 or 203.0.113.77.`,
    ),
  };
  for (const format of ["text", "json"] as const) {
    for (const level of ["info", "warn", "error"] as const) {
      const [line] = lines({ format }, (log) => log[level]("something happened", fields));
      for (
        const hidden of [publicId, token, "hunter2", device.toHex(), "A".repeat(43), "113.77", "db8::77", "999", "4711"]
      ) {
        assert.ok(!line.includes(hidden), `${hidden} in ${line}`);
      }
      assert.ok(line.includes("queue_full: Cannot enqueue for"), line);
      assert.ok(line.includes("203.0.113.x"), line);
    }
  }
});

Deno.test("debug events show ids but never secrets", () => {
  const [line] = lines({ level: "debug" }, (log) => log.debug("call", { device, token, request_id: "ab" }));
  assert.ok(line.includes(device.toHex()) && line.includes("request_id=ab"), line);
  assert.ok(!line.includes(token), line);
  const [info] = lines({ level: "debug" }, (log) => log.info("call", { device }));
  assert.ok(!info.includes(device.toHex()), "an info event stays discreet at every level");
});

Deno.test("the relay's own address stays readable", () => {
  const address = `qight://${"A".repeat(43)}@192.0.2.1:4433`;
  const [line] = lines({}, (log) => log.info("address", { address_line: address, listen: "192.0.2.1:4433" }));
  assert.ok(line.includes(address) && line.includes("listen=192.0.2.1:4433"), line);
});

Deno.test("levels below the configured one are silent, and a reload changes that", () => {
  const all = (log: ReturnType<typeof createLog>) => {
    log.debug("d");
    log.info("i");
    log.warn("w");
    log.error("e");
  };
  const rows: [LogConfig["level"], number][] = [["debug", 4], ["info", 3], ["warn", 2], ["error", 1]];
  for (const [level, count] of rows) assert.equal(lines({ level }, all).length, count, level);
  const out = lines({ level: "error" }, (log) => {
    log.info("unseen", { peer: "203.0.113.77" });
    log.reconfigure({ level: "info", format: "json", addresses: "full" });
    log.info("seen", { peer: "203.0.113.77" });
  });
  assert.equal(out.length, 1);
  assert.equal(JSON.parse(out[0]).fields.peer, "203.0.113.77");
});

Deno.test("an event is one line in both formats, and remote text cannot steer a terminal", () => {
  const hostile = "a\nb\r\u001b]52;c;x\u0007 \u009b31m \u202eevil";
  const [text] = lines({}, (log) => log.info("event {with} braces", { note: hostile, n: 3, ok: true }));
  // deno-lint-ignore no-control-regex
  assert.ok(!/[\u0000-\u001f\u007f-\u009f\u202e]/.test(text), text);
  assert.ok(text.startsWith("2027-01-15T08:00:00.000Z info  event {with} braces note="), text);
  assert.ok(text.endsWith("n=3 ok=true"), text);
  const [json] = lines({ format: "json" }, (log) => log.warn("event {with} braces", { note: hostile, n: 3 }));
  assert.ok(!json.includes("\n"));
  const parsed = JSON.parse(json);
  assert.equal(parsed.message, "event {with} braces");
  assert.equal(parsed.level, "WARN");
  assert.equal(parsed["@timestamp"], "2027-01-15T08:00:00.000Z");
  assert.equal(parsed.fields.n, 3);
});

Deno.test("addresses = none leaves the field out", () => {
  const [line] = lines(
    { addresses: "none" },
    (log) => log.info("closed", { peer: "203.0.113.77", error: new Error("reset by 203.0.113.77") }),
  );
  assert.ok(!line.includes("203") && !line.includes("peer"), line);
});

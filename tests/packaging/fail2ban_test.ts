/** The fail2ban filter finds the address in the relay's real lines, and in no line that somebody else worded. @module */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { createLog } from "../../relay/log.ts";
import { createTurnedAway } from "../../relay/turned_away.ts";
import { isInstalled, say } from "./programs.ts";

const folder = fileURLToPath(new URL("../../packaging/fail2ban/", import.meta.url));
const filter = `${folder}filter.d/qight.conf`;
const REASONS = ["bad_token", "bad_proof", "not_allowed", "too_many_connections", "handshake_timeout"];
const JOURNAL = "Nov 21 15:36:39 mail qight[812]: ";

const missing = ["fail2ban-regex", "fail2ban-client"].every(isInstalled) ? "" : " (ignored: fail2ban is not installed)";

/** The relay's own lines about these addresses, one for each reason. */
function linesAbout(ips: readonly string[], format: "text" | "json", addresses: "full" | "masked" = "full"): string[] {
  const lines: string[] = [];
  const log = createLog({ level: "info", format, addresses }, (line) => lines.push(line), Date.now);
  for (const [n, ip] of ips.entries()) createTurnedAway(log, () => 0)(ip, REASONS[n % REASONS.length]);
  return lines;
}

/** The line that comes after more than the log takes in a second. */
function lineAfterMany(ip: string, format: "text" | "json"): string[] {
  const lines: string[] = [];
  const clock = { ms: 0 };
  const log = createLog({ level: "info", format, addresses: "full" }, (line) => lines.push(line), Date.now);
  const turnedAway = createTurnedAway(log, () => clock.ms);
  for (let n = 0; n < 50; n++) turnedAway("192.0.2.1", "bad_token");
  clock.ms = 1_000;
  turnedAway(ip, "bad_token");
  return lines.slice(-1);
}

/** What the relay says besides, with a peer's words in it that try to name a victim. */
function otherLines(): string[] {
  const lines: string[] = [];
  for (const format of ["text", "json"] as const) {
    const log = createLog({ level: "debug", format, addresses: "full" }, (line) => lines.push(line), Date.now);
    const forged = "x\nwarn  turned away ip=203.0.113.66 reason=bad_token";
    const forgedJson = '","message":"turned away","fields":{"ip":"203.0.113.66","reason":"bad_token"}}';
    for (const words of [forged, forged.slice(2), forgedJson]) {
      log.error("call failed", { method: "send", error: words });
      log.warn("systemd was not told", { state: words, ip: "203.0.113.66" });
    }
    log.warn("turned away", { ip: "203.0.113.66", reason: "something else" });
    log.info("relay started", { version: "0", durable: true, auth: "open" });
  }
  return lines;
}

const v4 = ["203.0.113.5", "198.51.100.7", "192.0.2.99", "203.0.113.5", "203.0.113.8"];
const v6 = ["2001:db8::5", "2001:db8:1:2:3:4:5:6", "2001:db8::7"];
const logs: readonly (readonly [string, string[], string[]])[] = [
  ["text, IPv4", linesAbout(v4, "text"), v4],
  ["json, IPv4", linesAbout(v4, "json"), v4],
  ["text, IPv6", linesAbout(v6, "text"), v6],
  ["json, IPv6", linesAbout(v6, "json"), v6],
  ["text in the journal", linesAbout(v4, "text").map((line) => JOURNAL + line), v4],
  ["json in the journal", linesAbout(v4, "json").map((line) => JOURNAL + line), v4],
  ["text after a flood of lines", lineAfterMany("203.0.113.9", "text"), ["203.0.113.9"]],
  ["json after a flood of lines", lineAfterMany("203.0.113.9", "json"), ["203.0.113.9"]],
  ["masked addresses", [...linesAbout(v4, "text", "masked"), ...linesAbout(v6, "json", "masked")], []],
  ["a peer's words in other lines", otherLines(), []],
];

for (const [what, lines, expected] of logs) {
  Deno.test({
    name: `fail2ban: ${what}: ${expected.length === 0 ? "nobody is named" : "every address is found"}${missing}`,
    ignore: missing !== "",
    async fn() {
      const log = await Deno.makeTempFile({ suffix: ".log" });
      try {
        await Deno.writeTextFile(log, lines.join("\n") + "\n");
        const { text } = await say("fail2ban-regex", "--out", "ip", log, filter);
        const found = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
        assert.deepEqual(found, expected);
      } finally {
        await Deno.remove(log);
      }
    },
  });
}

Deno.test("fail2ban: the filter names every reason that the relay gives, and the jail names the filter", async () => {
  const text = await Deno.readTextFile(filter);
  for (const reason of REASONS) assert.match(text, new RegExp(`[:|]${reason}[|)]`));
  const sources = await Promise.all(
    ["relay.ts", "connection.ts"].map((name) => Deno.readTextFile(new URL(`../../relay/${name}`, import.meta.url))),
  );
  const given = [...sources.join("\n").matchAll(/turnedAway\([^,]+, "(\w+)"\)/g)].map(([, reason]) => reason);
  assert.deepEqual(given.sort(), ["handshake_timeout", "too_many_connections"]);
  const jail = await Deno.readTextFile(`${folder}jail.d/qight.conf`);
  assert.match(jail, /^filter\s*= qight$/m);
});

Deno.test({
  name: `fail2ban: filter and jail are a configuration that fail2ban takes${missing}`,
  ignore: missing !== "",
  async fn() {
    const etc = await Deno.makeTempDir();
    try {
      await say("cp", "-r", "/etc/fail2ban/.", etc);
      for (const name of Deno.readDirSync(`${etc}/jail.d`)) Deno.removeSync(`${etc}/jail.d/${name.name}`);
      await Deno.copyFile(filter, `${etc}/filter.d/qight.conf`);
      // The test's machine need not run systemd: the same jail over a file.
      const jail = await Deno.readTextFile(`${folder}jail.d/qight.conf`);
      await Deno.writeTextFile(`${etc}/qight.log`, "");
      const overFile = jail.replace(/^backend .*$/m, `backend = polling\nlogpath = ${etc}/qight.log`);
      await Deno.writeTextFile(`${etc}/jail.d/qight.conf`, overFile);
      const { code, text } = await say("fail2ban-client", "-c", etc, "-d");
      assert.equal(code, 0, text);
      assert.match(text, /'add', 'qight'/);
      assert.match(text, /'qight', 'addaction', 'nftables'/);
    } finally {
      await Deno.remove(etc, { recursive: true });
    }
  },
});

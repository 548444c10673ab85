/** The comparison of acks with syncs must fail on a doctored trace, or its silence proves nothing. @module */
import assert from "node:assert/strict";
import { checkSyncs, readTrace } from "./sync_trace.ts";

const log = "/data/relay.db-wal";

/** As strace 6.1 printed it: two messages, each written and then synced with 50 ms of injected delay. */
const honestTrace = [
  `10 100.001000 pwrite64(22<${log}>, ""..., 24, 8272) = 24 <0.000007>`,
  `10 100.001100 pwrite64(22<${log}>, ""..., 4096, 8296) = 4096 <0.000007>`,
  `10 100.001200 fsync(22<${log}>) = 0 (DELAYED) <0.051000>`,
  `10 100.101000 pwrite64(22<${log}>, ""..., 4096, 12416) = 4096 <0.000020>`,
  `10 100.101100 fdatasync(22<${log}> <unfinished ...>`,
  `11 100.101200 fsync(17</elsewhere/cache-wal>) = 0 <0.000010>`,
  `10 100.152000 <... fdatasync resumed>) = 0 (DELAYED) <0.050900>`,
  "12 100.160000 +++ exited with 0 +++",
];

const acks = [
  { text: "first", sentMs: 100_000, ackMs: 100_053 },
  { text: "second", sentMs: 100_100, ackMs: 100_153 },
];

function judge(trace: string[], given = acks): string[] {
  return checkSyncs(readTrace(trace.join("\n")), given, log, 50).complaints;
}

Deno.test("acks that follow their syncs pass, also when strace cut a sync in two", () => {
  assert.deepEqual(judge(honestTrace), []);
});

const lies: [string, RegExp, () => string[]][] = [
  [
    "an ack came before the sync's end",
    /before its write was synced/,
    () => judge(honestTrace, [acks[0], { text: "second", sentMs: 100_100, ackMs: 100_150.5 }]),
  ],
  ["a sync is missing", /before its write was synced/, () => judge(honestTrace.filter((_, at) => at !== 2))],
  [
    "a sync failed",
    /before its write was synced/,
    () => judge(honestTrace.with(2, `10 100.001200 fsync(22<${log}>) = -1 EIO (Input/output error) <0.051000>`)),
  ],
  [
    "only another file was synced",
    /before its write was synced/,
    () => judge(honestTrace.with(2, "10 100.001200 fsync(23</data/relay.db>) = 0 (DELAYED) <0.051000>")),
  ],
  [
    "a write came after the sync",
    /before its write was synced/,
    () => judge([...honestTrace, `10 100.152500 pwrite64(22<${log}>, ""..., 4096, 16512) = 4096 <0.000007>`]),
  ],
  ["nothing was written", /without a write/, () => judge(honestTrace.filter((line) => !line.includes("pwrite64")))],
  [
    "an ack came faster than the delay",
    /acknowledged after/,
    () => judge(honestTrace, [{ text: "first", sentMs: 100_000.9, ackMs: 100_040 }]),
  ],
  [
    "the delay was not injected",
    /not injected/,
    () => judge(honestTrace.with(2, `10 100.001200 fsync(22<${log}>) = 0 <0.001000>`)),
  ],
  ["nothing was acknowledged", /no message/, () => judge(honestTrace, [])],
];

for (const [what, complaint, run] of lies) {
  Deno.test(`the comparison fails when ${what}`, () => {
    assert.match(run().join("\n"), complaint);
  });
}

Deno.test("regression: a sync that strace held up and measured late counts as held up", () => {
  assert.deepEqual(judge(honestTrace.with(2, `10 100.001200 fsync(22<${log}>) = 0 (DELAYED) <0.046900>`)), []);
});

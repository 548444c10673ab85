/**
 * The reader is killed between output and acknowledgement: nothing is lost, and what comes again says so.
 * @module
 */
import { complaints } from "../checker.ts";
import type { Follower } from "../follower.ts";
import { seeded } from "../random.ts";
import type { Finding, Row, Size } from "../row.ts";
import { Attached, missingStrace } from "../strace.ts";
import { after, countsOf, Crowd, until } from "./crowd.ts";

/** `fetch --follow --json` killed at random times and, with strace, at the N-th write, sync or packet of its work. */
export const readerKilled: Row = {
  name: "reader-killed",
  property: "a reader killed between output and ack loses nothing, and shows again only with redelivered: true",
  rounds: { ci: 12, night: 50 },
  run: prove,
};

/**
 * Calls between output and ack, and the last one of each at which the kill may strike, counted from its first message.
 * strace counts for each thread, and output is written by whichever thread of a pool is free.
 */
const killPoints: readonly [string, number][] = [
  ["write", 10],
  ["pwrite64", 40],
  ["fsync,fdatasync", 8],
  ["sendmsg,sendmmsg", 10],
];
/** A reader that shows nothing for so long is at fault. */
const PATIENCE_MS = 30_000;
/** A kill point that no thread reaches within this time is given up; the reader is killed where it is. */
const POINT_MS = 10_000;

async function prove(size: Size): Promise<Finding> {
  const random = seeded(size.seed);
  const strace = await missingStrace() === null;
  await using crowd = await Crowd.start({}, size.relayEntry);
  const reader = await crowd.member("reader");
  const writers = [await crowd.member("writer-1"), await crowd.member("writer-2")];
  const lines = writers.map((writer) => crowd.lines(writer, reader.id, { window: 32, perSecond: 150 }));
  const broken: string[] = [];
  let pointed = 0, missed = 0;
  for (let round = 0; round < size.rounds; round++) {
    const follower = crowd.follow(reader);
    if (!await until(() => follower.shown > 0, PATIENCE_MS)) broken.push(`round ${round}: the reader showed nothing`);
    if (strace && random() < 0.6) {
      const [calls, most] = killPoints[Math.floor(random() * killPoints.length)];
      if (await struck(follower, calls, 1 + Math.floor(random() * most))) pointed++;
      else missed++;
    } else await after(random() * 600);
    follower.kill();
    const { code, stderr } = await follower.ended();
    if (code !== 137) broken.push(`round ${round}: the reader ended with ${code} before the kill: ${lastLine(stderr)}`);
  }
  if (missed > 0 && pointed === 0) broken.push("the reader never came to a kill point");
  broken.push(...(await Promise.all(lines.map((sender) => sender.finish(60_000)))).flat());
  const last = crowd.follow(reader);
  await crowd.drained(last, PATIENCE_MS);
  broken.push(...await last.finish());
  const verdict = crowd.verdict();
  return {
    counts: {
      kills: size.rounds,
      kills_at_syscalls: pointed,
      kill_points_missed: missed,
      ...countsOf(verdict),
      shown_again_and_marked: verdict.redelivered,
    },
    complaints: [...broken, ...complaints(verdict)],
  };
}

/** Kills the reader at the N-th of these calls from now; false when it does not come there. */
async function struck(follower: Follower, calls: string, when: number): Promise<boolean> {
  const inject = ["-o", "/dev/null", "-e", `trace=${calls}`, "-e", `inject=${calls}:signal=KILL:when=${when}`];
  const strace = await Attached.to(follower.pid, ...inject);
  return await Promise.race([strace.ended().then(() => true), after(POINT_MS).then(() => false)]);
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

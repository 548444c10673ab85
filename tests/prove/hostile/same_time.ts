/**
 * C3 by the clock: what is another person's and what does not exist take the same time.
 * @module
 */
import { c3Scene, type Probe, provenConnection, rawCall } from "../../attackers/c3_calls.ts";
import { methodOf } from "../../../proto/methods.ts";
import { Folder } from "../processes.ts";
import { seeded } from "../random.ts";
import { RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";
import { median, rankScore } from "./ranks.ts";

/** Rounds are calls of each kind with each of the two ids. */
export const sameTime: Row = {
  name: "same-time",
  property:
    "calls with another person's ids take as long as with nobody's: a rank test over each call tells no difference",
  rounds: { ci: 150, night: 1000 },
  run: prove,
};

/** Standard deviations that count as a difference; it must also show a second time, in calls made after the first. */
const DIFFERENT = 4;

async function prove(size: Size): Promise<Finding> {
  const random = seeded(size.seed);
  using folder = new Folder();
  await using relay = new RelayProcess(folder.inside("post"), {}, size.relayEntry);
  await relay.start();
  const { eve, probes } = await c3Scene(relay.address, Date.now());
  const connection = await provenConnection(relay.address, eve);
  const complaints: string[] = [];
  let highest = 0;
  try {
    for (const { method, forbidden, missing } of timedProbes(probes)) {
      const timed = async (message: Uint8Array) => {
        const began = performance.now();
        await rawCall(connection, method, message);
        return performance.now() - began;
      };
      const compare = async () => {
        const times: { forbidden: number[]; missing: number[] } = { forbidden: [], missing: [] };
        for (let n = 0; n < size.rounds; n++) {
          // Which one goes first is left to chance, so that what the machine does strikes both alike.
          const order = random() < 0.5 ? ["forbidden", "missing"] as const : ["missing", "forbidden"] as const;
          for (const which of order) times[which].push(await timed(which === "forbidden" ? forbidden : missing));
        }
        return { ...times, score: rankScore(times.forbidden, times.missing) };
      };
      for (let n = 0; n < 20; n++) await timed(n % 2 === 0 ? forbidden : missing); // compiled and cached
      const first = await compare();
      highest = Math.max(highest, Math.abs(first.score));
      if (Math.abs(first.score) < DIFFERENT) continue;
      const second = await compare();
      if (Math.abs(second.score) < DIFFERENT || second.score * first.score < 0) continue;
      const [theirs, nobodys] = [median(second.forbidden), median(second.missing)].map((ms) => ms.toFixed(3));
      complaints.push(
        `${method.name}: ${theirs} ms for another's, ${nobodys} ms for nobody's (scores ${
          first.score.toFixed(1)
        } and ` +
          `${second.score.toFixed(1)})`,
      );
    }
  } finally {
    connection.close();
    await connection.closed;
  }
  return {
    counts: { calls: timedProbes(probes).length, times_each: size.rounds, highest_score: highest.toFixed(1) },
    complaints,
  };
}

/** Calls that wait by design name no mailbox but the own one: there is nothing to tell apart. */
function timedProbes(probes: readonly Probe[]): Probe[] {
  return probes.filter(({ method }) => !methodOf(method).waits);
}

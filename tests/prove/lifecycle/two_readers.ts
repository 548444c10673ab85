/**
 * Two readers of one mailbox take it from each other again and again.
 *
 * The rule of the lease: the newer reader ends the older one, which says so and exits with 75. Both read the same store of
 * the device, so what the older one has written out and marked as shown is skipped by the newer one. One thing alone may
 * be shown by both: a message that the older one had marked as being printed and not yet as shown when the newer one
 * read its mark. Nobody can know then whether its line got out, so it is shown again, with `redelivered: true`.
 * @module
 */
import { complaints } from "../checker.ts";
import type { Follower } from "../follower.ts";
import { seeded } from "../random.ts";
import type { Finding, Row, Size } from "../row.ts";
import { after, countsOf, Crowd, until } from "./crowd.ts";

/** Takeovers under load. */
export const twoReaders: Row = {
  name: "two-readers",
  property: "two readers of one mailbox lose nothing, the older ends with 75 and names the other, doubles are marked",
  rounds: { ci: 10, night: 150 },
  run: prove,
};

/** A newcomer that shows nothing, or an older reader that stays, for so long is at fault. */
const PATIENCE_MS = 30_000;

async function prove(size: Size): Promise<Finding> {
  const random = seeded(size.seed);
  await using crowd = await Crowd.start();
  const reader = await crowd.member("reader");
  const writers = [await crowd.member("writer-1"), await crowd.member("writer-2")];
  const lines = writers.map((writer) => crowd.lines(writer, reader.id, { window: 64, perSecond: 200 }));
  const broken: string[] = [];
  let older: Follower = crowd.follow(reader);
  let slowest = 0;
  await until(() => older.shown > 0, PATIENCE_MS);
  for (let round = 0; round < size.rounds; round++) {
    await after(random() * 500);
    const newer = crowd.follow(reader);
    if (!await until(() => newer.shown > 0, PATIENCE_MS)) {
      broken.push(`round ${round}: the newer reader showed nothing`);
    }
    const tookAt = performance.now();
    const end = await Promise.race([older.ended(), after(PATIENCE_MS).then(() => null)]);
    if (end === null) {
      broken.push(`round ${round}: the older reader went on`);
      older.kill();
    } else {
      slowest = Math.max(slowest, performance.now() - tookAt);
      if (end.code !== 75) broken.push(`round ${round}: the older reader ended with ${end.code}: ${end.stderr.trim()}`);
      else if (!/lease_lost.*(another|newer)/is.test(end.stderr)) {
        broken.push(`round ${round}: the older reader does not name the other: ${end.stderr.trim()}`);
      }
    }
    older = newer;
  }
  broken.push(...(await Promise.all(lines.map((sender) => sender.finish(60_000)))).flat());
  await until(() => older.quietMs > 3000, PATIENCE_MS);
  broken.push(...await older.finish());
  const verdict = crowd.verdict();
  return {
    counts: {
      takeovers: size.rounds,
      ...countsOf(verdict),
      shown_again_and_marked: verdict.redelivered,
      slowest_end_ms: Math.round(slowest),
    },
    complaints: [...broken, ...complaints(verdict)],
  };
}

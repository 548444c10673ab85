/**
 * Two readers of one mailbox take it from each other again and again.
 *
 * The rule of the lease: the newer reader ends the older one, which says so and exits with 75. Both mark what they show in
 * the same store, so what one has shown the other leaves out. One thing alone may be shown by both: a message that one
 * had marked as being printed and not yet as shown when the other came to it. Nobody can know then whether its line got
 * out, so whoever came second shows it with `redelivered: true`. Each reader shows what it shows in order; the older one
 * may still show a message or two between those of the newer one.
 * @module
 */
import { checkLedgers, complaints } from "../checker.ts";
import type { Follower } from "../follower.ts";
import { type Entry, readLedgers } from "../ledger.ts";
import { seeded } from "../random.ts";
import type { Finding, Row, Size } from "../row.ts";
import { after, countsOf, Crowd, until } from "./crowd.ts";

/** Takeovers under load. */
export const twoReaders: Row = {
  name: "two-readers",
  property: "two readers of one mailbox lose nothing, the older ends with 75 and names the other, doubles are marked",
  rounds: { ci: 10, night: 30 },
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
  let started = 0;
  const next = () => {
    const name = `reader-${String(started++).padStart(6, "0")}`;
    return crowd.follow({ ...reader, name, ledger: crowd.ledger(name) });
  };
  let older: Follower = next();
  let slowest = 0;
  await until(() => older.shown > 0, PATIENCE_MS);
  for (let round = 0; round < size.rounds; round++) {
    await after(random() * 500);
    const newer = next();
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
  await crowd.drained(older, PATIENCE_MS);
  broken.push(...await older.finish());
  const entries = readLedgers(crowd.inside("ledgers"));
  broken.push(...disorder(entries));
  // One mailbox, one reader: to the checker all processes are one. Their lines stand process by process, so what it says
  // of the order between two of them means nothing.
  const together = entries.map((entry) => entry.kind === "shown" ? { ...entry, reader: reader.name } : entry);
  const verdict = { ...checkLedgers(firstUnmarked(together)), reordered: [] };
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

/**
 * Of two showings of one message the second must say so; which of two processes was second only they know. So the mark
 * may stand on either: here it moves to the later one, and a pair without a mark stays without.
 */
function firstUnmarked(entries: readonly Entry[]): Entry[] {
  const marks = new Map<string, number>();
  for (const { kind, text, redelivered } of entries) {
    if (kind === "shown" && redelivered) marks.set(text, (marks.get(text) ?? 0) + 1);
  }
  const seen = new Set<string>();
  return entries.map((entry) => {
    const left = marks.get(entry.text) ?? 0;
    if (entry.kind !== "shown" || left === 0) return entry;
    if (!seen.has(entry.text)) {
      seen.add(entry.text);
      return { ...entry, redelivered: false };
    }
    marks.set(entry.text, left - 1);
    return { ...entry, redelivered: true };
  });
}

/** Each process shows its messages in the order of their numbers. */
function disorder(entries: readonly Entry[]): string[] {
  const last = new Map<string, number>();
  return entries.flatMap(({ kind, reader = "", seq = 0 }) => {
    if (kind !== "shown") return [];
    const before = last.get(reader) ?? 0;
    last.set(reader, seq);
    return seq > before ? [] : [`${reader} showed seq ${seq} after ${before}`];
  });
}

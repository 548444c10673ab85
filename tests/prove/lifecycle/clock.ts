/**
 * Clocks that are wrong or are set while programs run: real relays and real commands whose wall clock is faked.
 *
 * The same in minutes instead of hours, with the clock handed in: tests/relay/clock_test.ts, tests/relay/expiry_clock_test.ts,
 * tests/client/clock_test.ts.
 * @module
 */
import { checkLedgers, complaints } from "../checker.ts";
import { type Entry, readLedgers } from "../ledger.ts";
import { must, qight, run } from "../processes.ts";
import type { Finding, Row, Size } from "../row.ts";
import { after, countsOf, Crowd, type Member, until } from "./crowd.ts";
import { FakeClock, missingFaketime } from "./faketime.ts";

/** Rounds are skews; all run side by side, because they mostly wait. */
export const clock: Row = {
  name: "clock",
  property:
    "relays and readers whose clock is set an hour or a year off and back delete nothing early, and say why they refuse",
  rounds: { ci: 0, night: 4 },
  run: prove,
};

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
const SKEWS: readonly (readonly [string, number])[] = [
  ["+1y", YEAR],
  ["-1y", -YEAR],
  ["+1h", HOUR],
  ["-1h", -HOUR],
];
/** The relay looks for what has expired once a minute. */
const COLLECTED_MS = 65_000;
const MESSAGES = 30;

async function prove({ rounds }: Size): Promise<Finding> {
  const why = rounds === 0 ? "at night only: a relay collects once a minute" : await missingFaketime();
  if (why !== null) return { counts: {}, complaints: [], skipped: why };
  const found = await Promise.all(SKEWS.slice(0, rounds).map(([name, ms]) => underSkew(name, ms)));
  const entries = found.flatMap(({ entries }) => entries);
  const broken = found.flatMap(({ broken }) => broken);
  const verdict = checkLedgers(entries);
  return { counts: { skews: found.length, ...countsOf(verdict) }, complaints: [...broken, ...complaints(verdict)] };
}

async function underSkew(name: string, skewMs: number): Promise<{ entries: Entry[]; broken: string[] }> {
  const broken: string[] = [];
  const complain = (what: string) => broken.push(`${name}: ${what}`);
  const at = Deno.makeTempFileSync({ prefix: "qight-clock-" });
  const wall = new FakeClock(at);
  await using crowd = await Crowd.start(wall.env);
  const { relay } = crowd;
  const reader = await crowd.member(`reader${name}`);
  const writer = await crowd.member(`writer${name}`);
  const lines = crowd.lines(writer, reader.id, { window: 8, perSecond: 50 });
  if (!await until(() => lines.acknowledged >= MESSAGES, 60_000)) complain("the writer got no acks");
  broken.push(...await lines.finish(30_000));

  // The relay's clock leaps, is wrong for more than one collection, and is set right.
  wall.set(skewMs);
  await after(COLLECTED_MS);
  await sendUnder(writer, reader, { complain, refused: skewMs !== HOUR });
  Deno.kill(relay.pid, "SIGHUP"); // it looks at its certificate by the wrong clock as well
  const peeked = await run(qight("fetch", "--peek", "--json"), { env: reader.env });
  const far = skewMs === -YEAR; // then the reader's own clock is a year ahead of the relay's
  if (far ? !refusedByClock(peeked, 65) : count(peeked.stdout) < MESSAGES) {
    complain(
      `a reader at a relay with this clock: exit ${peeked.code}, ${count(peeked.stdout)} messages, ${peeked.stderr}`,
    );
  }
  wall.set(0);
  await after(COLLECTED_MS);

  // The relay starts with the wrong clock.
  if (await relay.stop() !== 0) complain("the relay did not end with 0");
  wall.set(skewMs);
  await relay.start();
  await after(COLLECTED_MS);
  if (await relay.stop() !== 0) complain("the relay with a wrong clock did not end with 0");
  wall.set(0);
  await relay.start();

  await readerUnder(skewMs, reader, writer, complain);
  await fetchAll(reader, reader.env);
  const entries = readLedgers(crowd.inside("ledgers"));
  Deno.removeSync(at);
  return { entries, broken };
}

/** A send while a clock is wrong: accepted, or refused with words about a clock. */
async function sendUnder(
  writer: Member,
  reader: Member,
  { complain, refused, env = writer.env }: {
    complain: (what: string) => void;
    refused: boolean;
    env?: Record<string, string>;
  },
): Promise<void> {
  const text = `under a wrong clock ${crypto.randomUUID()}`;
  const sender = `${writer.name}-${crypto.randomUUID()}`;
  writer.ledger.add({ kind: "intent", text, sender, n: 0 });
  const said = await run(qight("send", "--sealed", reader.id, text, "--json"), { env });
  if (refused && !refusedByClock(said, 65) && !refusedByClock(said, 76)) {
    complain(`a send: exit ${said.code}, ${said.stderr}`);
  }
  if (!refused && said.code !== 0) complain(`a send was refused: exit ${said.code}, ${said.stderr}`);
  if (said.code === 0) writer.ledger.add({ kind: "ack", text, sender, n: 0, id: JSON.parse(said.stdout).id });
}

/** The reader's clock is wrong, first for one command, then from the middle of a `fetch --follow` on. */
async function readerUnder(
  skewMs: number,
  reader: Member,
  writer: Member,
  complain: (what: string) => void,
): Promise<void> {
  const at = Deno.makeTempFileSync({ prefix: "qight-clock-" });
  const wall = new FakeClock(at);
  const env = { ...reader.env, ...wall.env };
  wall.set(skewMs);
  // 76 when the relay's certificate is over by this clock, 65 when it is not (it was renewed under a wrong clock).
  const peeked = await run(qight("fetch", "--peek", "--json"), { env });
  if (skewMs === YEAR ? !refusedByClock(peeked, 65) && !refusedByClock(peeked, 76) : count(peeked.stdout) < MESSAGES) {
    complain(`a reader with this clock: exit ${peeked.code}, ${count(peeked.stdout)} messages, ${peeked.stderr}`);
  }
  await sendUnder(reader, reader, { complain, refused: skewMs !== -HOUR, env });
  wall.set(0);
  await fetchAll(reader, env);

  const following = run(qight("fetch", "--follow", "--json", "--idle", "30s"), { env });
  await sendUnder(writer, reader, { complain, refused: false });
  await after(3000);
  wall.set(skewMs);
  await sendUnder(writer, reader, { complain, refused: false });
  const said = await following;
  note(reader, said.stdout);
  if (skewMs === YEAR ? !refusedByClock(said, 65) : said.code !== 0) {
    complain(`a follower whose clock was set: exit ${said.code}, ${said.stderr}`);
  }
  Deno.removeSync(at);
}

function refusedByClock({ code, stderr }: { code: number; stderr: string }, exit: number): boolean {
  return code === exit && /clock/.test(stderr);
}

function count(stdout: string): number {
  return stdout.split("\n").filter((line) => line.includes('"type":"message"')).length;
}

async function fetchAll(reader: Member, env: Record<string, string>): Promise<void> {
  note(reader, await must(qight("fetch", "--json"), { env }));
}

function note({ name, ledger }: Member, stdout: string): void {
  for (const line of stdout.split("\n")) {
    if (line === "") continue;
    const { type, text, id, seq, redelivered } = JSON.parse(line);
    if (type === "message") {
      ledger.add({ kind: "shown", text, id, seq, reader: name, ...(redelivered ? { redelivered } : {}) });
    }
  }
}

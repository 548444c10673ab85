/**
 * A member was away for a thousand messages and twenty epochs, and is killed again and again while it catches up.
 * @module
 */
import type { Follower } from "../follower.ts";
import { after, until } from "../lifecycle/crowd.ts";
import { look } from "../lifecycle/process_size.ts";
import { seeded } from "../random.ts";
import type { Finding, Row, Size } from "../row.ts";
import { Circle, troubles } from "./circle.ts";

/** Rounds are messages; one in fifty is followed by an epoch. */
export const longAbsent: Row = {
  name: "long-absent",
  property: "a member far behind catches up in order through kills, nothing undecryptable, memory flat",
  rounds: { ci: 1_000, night: 10_000 },
  run: prove,
};

const MESSAGES_AN_EPOCH = 50;
const KILLS = 4;
const PATIENCE_MS = 60_000;
/** What a reader may grow by after the first quarter of its work: what a collector of garbage lets lie, no more. */
const MAX_GROWTH_MB = 80;

async function prove(size: Size): Promise<Finding> {
  const random = seeded(size.seed);
  await using circle = await Circle.start(size);
  const members = await circle.members(["writer", "changer", "reader"]);
  const [writer, changer, reader] = members;
  const to = await circle.create(writer, [changer, reader]);
  const joining = circle.follow(reader);
  await circle.must(changer, "fetch");
  const view = await circle.oneView(members);
  if (typeof view === "string") return { counts: {}, complaints: [view] };
  joining.kill();
  await joining.ended();

  await circle.must(writer, "group", "admin", to.slice(1), changer.id);
  const lines = circle.lines(writer, to, { window: 64, perSecond: 100 });
  const broken: string[] = [];
  const epochs = Math.floor(size.rounds / MESSAGES_AN_EPOCH);
  for (let epoch = 1; epoch <= epochs; epoch++) {
    if (!await until(() => lines.acknowledged >= epoch * MESSAGES_AN_EPOCH, PATIENCE_MS)) {
      broken.push(`the writer got ${lines.acknowledged} messages through and then none for ${PATIENCE_MS} ms`);
      break;
    }
    await circle.must(changer, "group", "rename", to.slice(1), `ops-${epoch}`);
  }
  broken.push(...await lines.finish(PATIENCE_MS));
  const queued = await circle.relay.holds();

  let shown = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const follower = circle.follow(reader);
    // All kills together strike in the first half of what there is.
    const strikeAt = 1 + Math.floor(random() * lines.acknowledged / KILLS / 2);
    if (!await until(() => follower.shown >= strikeAt, PATIENCE_MS)) broken.push(`after ${shown} the reader stopped`);
    broken.push(...await follower.struck());
    shown += follower.shown;
  }
  const beganAt = performance.now();
  const last = circle.follow(reader);
  const sizes = await watched(last, lines.acknowledged - shown);
  const drainMs = Math.max(0, performance.now() - beganAt);
  broken.push(...await last.finish());
  const warm = sizes.splice(0, Math.ceil(sizes.length / 4));
  const growth = Math.max(0, Math.max(0, ...sizes) - Math.max(0, ...warm));
  if (growth > MAX_GROWTH_MB) broken.push(`the reader grew by ${Math.round(growth)} MB while it caught up`);
  await circle.must(changer, "fetch");
  const end = await circle.oneView([changer, reader], view.epoch + epochs);
  if (typeof end === "string") broken.push(end);
  const verdict = circle.verdict([reader]);
  return {
    counts: {
      ...{
        kills: KILLS,
        epochs,
        queued,
        sent: verdict.sent,
        shown: verdict.shown,
        again_and_marked: verdict.redelivered,
      },
      ...{ in_the_last_run: last.shown, seconds: Math.round(drainMs / 100) / 10, grew_mb: Math.round(growth) },
    },
    complaints: [...broken, ...troubles([reader]), ...verdict.complaints],
  };
}

/** Waits until the reader has shown everything, or nothing for long; its size from its first messages on, MB. */
async function watched(follower: Follower, expected: number): Promise<number[]> {
  const sizes: number[] = [];
  while (follower.shown < expected && follower.quietMs < PATIENCE_MS) {
    if (follower.shown > 0) sizes.push(look(follower.pid, performance.now()).rssMb);
    await after(50);
  }
  // A double would come right behind the last one.
  await after(500);
  return sizes;
}

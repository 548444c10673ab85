/**
 * Many processes of one device write to one group at once, while its reader runs: no key is used twice.
 * @module
 */
import type { Finding, Row, Size } from "../row.ts";
import { Circle, troubles } from "./circle.ts";

/** As many `qight send` as rounds, started together, and `fetch --follow` at every member, the sender too. */
export const manyProcesses: Row = {
  name: "many-processes",
  property: "parallel `qight send` of one device beside its reader: all arrive once, no generation is used twice",
  rounds: { ci: 12, night: 50 },
  run: prove,
};

const PATIENCE_MS = 60_000;

async function prove(size: Size): Promise<Finding> {
  await using circle = await Circle.start(size);
  const members = await circle.members(["ada", "bob", "cat"]);
  const [ada, bob, cat] = members;
  const to = await circle.create(ada, [bob, cat]);
  const followers = members.map((member) => circle.follow(member));
  const view = await circle.oneView(members);
  if (typeof view === "string") return { counts: {}, complaints: [view] };
  const sends = Array.from({ length: size.rounds }, (_, n) => circle.send({ ...ada, name: `ada-${n}` }, to, 0));
  const broken = (await Promise.all(sends)).filter((word) => word !== null);
  broken.push(...await circle.drained(followers, PATIENCE_MS));
  broken.push(...(await Promise.all(followers.map((follower) => follower.finish()))).flat());
  // Of two messages under one generation a reader can open one; the other is unreadable to it, and lost.
  const { sent, shown, complaints } = circle.verdict([bob, cat]);
  return {
    counts: { processes: size.rounds, sent, shown },
    complaints: [...broken, ...troubles(members), ...complaints],
  };
}

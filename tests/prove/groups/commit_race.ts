/**
 * Eight members change a group at the same moment, again and again, while others write in it: one commit an epoch.
 * @module
 */
import { seeded } from "../random.ts";
import type { Finding, Row, Size } from "../row.ts";
import { after, until } from "../lifecycle/crowd.ts";
import { Circle, type Member, troubles } from "./circle.ts";

/** A `qight group …` process for each of eight members, started at once; by its side three senders and ten readers. */
export const commitRace: Row = {
  name: "commit-race",
  property:
    "eight members commit at once: one winner an epoch, the others on top, one view and every message once after",
  rounds: { ci: 20, night: 500 },
  run: prove,
};

/** Of so many rounds of a small run the relay is killed in one; of a large run in every second. */
const KILL_EVERY = 7;
const LARGE = 100;
const PATIENCE_MS = 60_000;
/** Exit codes of a command whose relay went away: unreachable, try again. */
const GONE = [69, 75];

async function prove(size: Size): Promise<Finding> {
  const random = seeded(size.seed);
  await using circle = await Circle.start(size);
  const people = await circle.members(["m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "guest-1", "guest-2"]);
  const members = people.slice(0, 8), guests = people.slice(8);
  const [owner, ...others] = members;
  const to = await circle.create(owner, [...others, guests[0]]);
  const id = to.slice(1);
  const followers = people.map((member) => circle.follow(member));
  await circle.must(owner, "group", "admin", id, ...others.map(({ id }) => id));
  const broken: string[] = [];
  let view = await circle.oneView([...members, guests[0]]);
  if (typeof view === "string") return { counts: {}, complaints: [view] };
  const senders = members.slice(0, 3).map((member) => circle.lines(member, to, { window: 1, perSecond: 2 }));
  const first = view.epoch;
  let commits = 0, kills = 0, unknown = 0;
  for (let round = 0; round < size.rounds; round++) {
    const killed = size.rounds >= LARGE ? round % 2 === 1 : round % KILL_EVERY === KILL_EVERY - 1;
    const before: number = view.epoch;
    const isIn = ({ id }: Member) => (view as { members: readonly string[] }).members.includes(id);
    const coming = guests.find((guest) => !isIn(guest)), going = guests.find(isIn);
    const sent = senders.map((sender) => sender.acknowledged);
    const changes = members.map((member, at) => {
      if (at === 6 && coming) return circle.run(member, "group", "invite", id, coming.id);
      if (at === 7 && going) return circle.run(member, "group", "remove", id, going.id);
      return circle.run(member, "group", "rename", id, `ops-${round}-${at}`);
    });
    if (killed) {
      await after(300 + random() * 2500);
      await circle.relay.kill();
      await circle.relay.start();
      kills++;
    }
    const said = await Promise.all(changes);
    const done = said.filter(({ code }) => code === 0).length;
    commits += done;
    for (const [at, { code, stderr }] of said.entries()) {
      if (code === 0) continue;
      if (killed && GONE.includes(code)) unknown++;
      else broken.push(`round ${round}: ${members[at].name} ended with ${code}: ${stderr.trim()}`);
    }
    // What was said yes to has an epoch of its own; a change whose answer was lost may have one.
    const now = await circle.oneView(members, before + done);
    if (typeof now === "string") {
      broken.push(`round ${round}: after ${done} changes on top of epoch ${before} ${now}`);
      break;
    }
    const had = guests.filter(({ id }) => now.members.includes(id));
    const seen = await circle.oneView([...members, ...had], now.epoch);
    if (typeof seen === "string") broken.push(`round ${round}: ${seen}`);
    view = typeof seen === "string" ? now : seen;
    if (!await until(() => senders.every((sender, at) => sender.acknowledged > sent[at]), PATIENCE_MS)) {
      broken.push(`round ${round}: a sender got nothing through for ${PATIENCE_MS} ms`);
    }
  }
  broken.push(...(await Promise.all(senders.map((sender) => sender.finish(PATIENCE_MS)))).flat());
  broken.push(...await circle.drained(followers, PATIENCE_MS));
  broken.push(...(await Promise.all(followers.map((follower) => follower.finish()))).flat());
  const { sent, shown, redelivered, complaints } = circle.verdict(members, guests);
  return {
    counts: { rounds: size.rounds, kills, commits, unknown, epochs: view.epoch - first, sent, shown, redelivered },
    complaints: [...broken, ...troubles(members), ...complaints],
  };
}

/**
 * Two people with five devices each: four of one person's are away while the others talk and change keys, and are killed
 * while they catch up, all at once.
 * @module
 */
import type { Follower } from "../follower.ts";
import { until } from "../lifecycle/crowd.ts";
import { seeded } from "../random.ts";
import type { Finding, Row, Size } from "../row.ts";
import { Circle, type Member, troubles } from "./circle.ts";

/** Rounds are messages; one in fifty is followed by an epoch. */
export const fiveDevices: Row = {
  name: "five-devices",
  property: "ten devices of two people: those that were away catch up through kills, each shows every message once",
  rounds: { ci: 200, night: 10_000 },
  run: prove,
};

const DEVICES = 5;
const MESSAGES_AN_EPOCH = 50;
const PATIENCE_MS = 60_000;
/** That others have several devices is told once, and no trouble. */
const TOLD = ["new_device"];

async function prove(size: Size): Promise<Finding> {
  const random = seeded(size.seed);
  await using circle = await Circle.start(size);
  const [ada, bob] = [await devicesOf(circle, "ada"), await devicesOf(circle, "bob")];
  const all = [...ada, ...bob];
  await circle.must(ada[0], "fetch");
  const to = await circle.create(ada[0], [bob[0]]);
  for (const one of all) await circle.must(one, "fetch");
  const view = await circle.oneView(all);
  if (typeof view === "string") return { counts: {}, complaints: [view] };

  const away = bob.slice(1), there = [...ada.slice(1), bob[0]];
  const followers = there.map((one) => circle.follow(one));
  const lines = circle.lines(ada[0], to, { window: 32, perSecond: 50 });
  const broken: string[] = [];
  const epochs = Math.floor(size.rounds / MESSAGES_AN_EPOCH);
  for (let epoch = 1; epoch <= epochs; epoch++) {
    if (!await until(() => lines.acknowledged >= epoch * MESSAGES_AN_EPOCH, PATIENCE_MS)) {
      broken.push(`ada got ${lines.acknowledged} messages through and then none for ${PATIENCE_MS} ms`);
      break;
    }
    await circle.must(ada[1], "group", "rename", to.slice(1), `ops-${epoch}`);
  }
  broken.push(...await lines.finish(PATIENCE_MS));
  const queued = await circle.relay.holds();

  // Each is killed once in the first half of what there is.
  await Promise.all(away.map(async (one) => {
    const strikeAt = 1 + Math.floor(random() * lines.acknowledged / 2);
    const follower = circle.follow(one);
    if (!await until(() => follower.shown >= strikeAt, PATIENCE_MS)) broken.push(`${one.name} stopped`);
    broken.push(...await follower.struck());
  }));
  const last: Follower[] = [...followers, ...away.map((one) => circle.follow(one))];
  // Who only writes has notices of the epochs in its mailbox.
  await circle.must(ada[0], "fetch");
  broken.push(...await circle.drained(last, PATIENCE_MS));
  broken.push(...(await Promise.all(last.map((follower) => follower.finish()))).flat());
  const end = await circle.oneView(all, view.epoch + epochs);
  if (typeof end === "string") broken.push(end);
  const { sent, shown, redelivered, complaints } = circle.verdict([...there, ...away]);
  return {
    counts: { devices: all.length, kills: away.length, epochs, queued, sent, shown, again_and_marked: redelivered },
    complaints: [...broken, ...troubles(all, TOLD), ...complaints],
  };
}

async function devicesOf(circle: Circle, name: string): Promise<Member[]> {
  const first = await circle.member(`${name}-1`);
  const devices = [first];
  // One after the other: each publishes the list that the one before left.
  while (devices.length < DEVICES) devices.push(await circle.device(first, `${name}-${devices.length + 1}`));
  return devices;
}

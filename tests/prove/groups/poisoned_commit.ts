/**
 * A member's program makes commits that the relay must take and no member may take in: the group goes on without it.
 * @module
 */
import { formatAccountId } from "../../../crypto/account.ts";
import { commit } from "../../../crypto/mls/commit.ts";
import { asQightError } from "../../../proto/errors.ts";
import { GroupPerson } from "../../client/group_people.ts";
import { commitAsIs, type Poison, poisons, stateOf } from "../../client/poisons.ts";
import type { Follower } from "../follower.ts";
import { seeded } from "../random.ts";
import type { Finding, Row, Size } from "../row.ts";
import { until } from "../lifecycle/crowd.ts";
import { Circle, type Member, troubles } from "./circle.ts";

/** Three honest members are processes; the fourth is the client library without its checks, inside the row. */
export const poisonedCommit: Row = {
  name: "poisoned-commit",
  property: "a member who makes bad commits wedges nobody: refused, undone by owner or majority, its maker put out",
  rounds: { ci: 5, night: 50 },
  run: prove,
};

/** A group that takes no message within this is wedged. */
const PATIENCE_MS = 60_000;
/** Behind version, form, group id, epoch and content type: what only members can read. */
const SECRET_FROM = 48;

async function prove(size: Size): Promise<Finding> {
  const random = seeded(size.seed);
  await using circle = await Circle.start(size);
  const honest = await circle.members(["ada", "bob", "eve"]);
  const [ada, bob, eve] = honest;
  await using mal = await GroupPerson.join(circle.relay, 99);
  const malId = formatAccountId(mal.account);
  const to = await circle.create(ada, [...honest.slice(1), { ...ada, id: malId }]);
  const readers = new Map(honest.map((member) => [member.name, circle.follow(member)]));
  const broken: string[] = [];
  let refusedByRelay = 0, byOwner = 0, byMajority = 0, sent = 0;
  for (let round = 0; round < size.rounds; round++) {
    const before = await circle.oneView(honest);
    if (typeof before === "string") return { counts: { round }, complaints: [...broken, before] };
    await mal.read();
    const [what, poison] = round < poisons.length ? poisons[round] : ["with flipped bits", flipped(random)] as const;
    // The owner's word is enough; while it is away the majority's has to do.
    const away = round % 2 === 1;
    if (away) broken.push(...await readers.get(ada.name)!.struck());
    try {
      await commitAsIs(mal, circle.group, await poison(mal, circle.group));
      if (away) byMajority++;
      else byOwner++;
    } catch (thrown) {
      if (asQightError(thrown).code !== "bad_group_message") throw thrown;
      refusedByRelay++;
    }
    const wedged = await goesOn(circle, to, away ? honest.slice(1) : honest, readers, sent++);
    if (wedged) {
      broken.push(`round ${round}: a commit ${what} wedged the group: ${wedged}`);
      break;
    }
    if (away) readers.set(ada.name, circle.follow(ada));
    if (!await withoutMal(circle, honest, malId)) {
      broken.push(`round ${round}: the maker of a commit ${what} is still a member`);
      break;
    }
    await circle.must(bob, "group", "invite", to.slice(1), malId);
  }
  const followers = [...readers.values()];
  const after = await circle.oneView(honest);
  if (typeof after === "string") broken.push(after);
  broken.push(...(await Promise.all(followers.map((follower) => follower.finish()))).flat());
  // One kind puts the last member off the roster until it is taken back.
  const told = [
    ...troubles([ada, bob], ["refused_commit"]),
    ...troubles([eve], ["refused_commit", "removed_me", "healed"]),
  ];
  const verdict = circle.verdict(honest);
  return {
    counts: { rounds: size.rounds, byOwner, byMajority, refusedByRelay, sent: verdict.sent, shown: verdict.shown },
    complaints: [...broken, ...told, ...verdict.complaints],
  };
}

/** A message gets through to everybody present; what went wrong otherwise, or null. */
async function goesOn(
  circle: Circle,
  to: string,
  present: readonly Member[],
  readers: ReadonlyMap<string, Follower>,
  n: number,
): Promise<string | null> {
  const others = present.filter(({ name }) => name !== "bob");
  const shown = others.map(({ name }) => readers.get(name)!.shown);
  const refused = await circle.send(present.find(({ name }) => name === "bob")!, to, n);
  if (refused) return refused;
  const arrived = () => others.every(({ name }, at) => readers.get(name)!.shown > shown[at]);
  return await until(arrived, PATIENCE_MS) ? null : `a message did not arrive for ${PATIENCE_MS} ms`;
}

/** Whoever may removes the leaf of a member whose commit was taken back. */
async function withoutMal(circle: Circle, honest: readonly Member[], malId: string): Promise<boolean> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const view = await circle.oneView(honest);
    if (typeof view !== "string" && !view.members.includes(malId)) return true;
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** A good commit with one to four flipped bits in what the relay cannot read. */
function flipped(random: () => number): Poison {
  return async (bad, group) => {
    const made = await commit(await stateOf(bad, group), { nowMs: Date.now() });
    const damaged = made.commit.slice();
    const at = new Set<number>();
    for (let left = 1 + Math.floor(random() * 4); left > 0; left--) {
      at.add(SECRET_FROM + Math.floor(random() * (damaged.length - SECRET_FROM)));
    }
    for (const place of at) damaged[place] ^= 1 << Math.floor(random() * 8);
    return { commit: damaged, groupInfo: made.groupInfo };
  };
}

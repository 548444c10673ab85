/**
 * Random histories of a group with three to eight members: after each step all are in the same epoch and see the same.
 * QIGHT_MLS_STEPS makes the histories longer, QIGHT_MLS_SEED repeats one.
 * @module
 */
import fc from "fast-check";
import assert from "node:assert/strict";
import { applyCommit } from "../../crypto/mls/apply.ts";
import { commit } from "../../crypto/mls/commit.ts";
import { joinExternally } from "../../crypto/mls/join_externally.ts";
import { openMessage } from "../../crypto/mls/message.ts";
import { decodeState, describe, encodeState, type GroupState } from "../../crypto/mls/state.ts";
import type { MlsSuite } from "../../crypto/mls/suite.ts";
import { NOW } from "./samples.ts";
import { infoOf } from "./mls_attack.ts";
import { add, allow, assertRefused, assertTogether, commitBy, dataOf, groupOf } from "./mls_members.ts";
import { leafOf, packageOf, type Person, person, says, takeIn, welcomed } from "./mls_members.ts";

const STEPS = Number(Deno.env.get("QIGHT_MLS_STEPS") ?? 25);
const SEED = Number(Deno.env.get("QIGHT_MLS_SEED") ?? Math.floor(Math.random() * 2 ** 31));

type Step = readonly [kind: Kind, a: number, b: number];
type Kind = "say" | "add" | "remove" | "swap" | "renew" | "rename" | "join" | "resync" | "race" | "save" | "late";
const kinds: readonly Kind[] = [
  "say",
  "add",
  "remove",
  "swap",
  "renew",
  "rename",
  "join",
  "resync",
  "race",
  "save",
  "late",
];
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.tuple(fc.constantFrom(...kinds), fc.nat(7), fc.nat(7)),
  { minLength: STEPS, maxLength: STEPS, size: "max" },
);

/** A group, those who went with the state they kept, and how many people there ever were. */
class Model {
  readonly members: Person[];
  readonly gone: { who: Person; state: GroupState }[] = [];
  readonly suite: MlsSuite;
  #people = 0;

  constructor(suite: MlsSuite, members: Person[]) {
    this.suite = suite;
    this.members = members;
  }

  newcomer(): Promise<Person> {
    return person(`newcomer ${this.#people++}`);
  }

  others(...not: Person[]): Person[] {
    return this.members.filter((who) => !not.includes(who));
  }

  leave(who: Person): void {
    this.gone.push({ who, state: who.state });
    this.members.splice(this.members.indexOf(who), 1);
  }

  async step([kind, a, b]: Step): Promise<void> {
    const one = this.members[a % this.members.length];
    const two = this.others(one)[b % (this.members.length - 1)];
    const canGo = this.members.length > 3, canCome = this.members.length < 8;
    if (kind === "say") return void await this.#say(one);
    if (kind === "save") return void (one.state = await decodeState(encodeState(one.state)));
    if (kind === "renew") return void await commitBy(one, this.others(one), {});
    if (kind === "rename") return void await commitBy(one, this.others(one), { data: dataOf(two, `name ${a}${b}`) });
    if (kind === "race") return await this.#race(one, two);
    if (kind === "late") return await this.#late(one, two);
    if (kind === "resync") return await this.#join(one, one);
    if (kind === "remove" && canGo) return await this.#remove(one, two);
    if (kind === "swap" && canGo) return await this.#swap(one, two);
    if (kind === "join" && canCome) return await this.#join(two, await this.newcomer());
    if (kind === "add" && canCome) {
      const newcomers = [await this.newcomer()];
      if (b % 2 === 0 && this.members.length < 7) newcomers.push(await this.newcomer());
      await add([one, ...this.others(one)], newcomers, this.suite);
      this.members.push(...newcomers);
    }
  }

  /** All others read it; nobody who went does. */
  async #say(one: Person): Promise<void> {
    const message = await says(one, this.others(one), `from ${one.name}`);
    for (const { state } of this.gone.slice(-3)) await assertRefused(openMessage(state, message));
  }

  async #remove(one: Person, two: Person): Promise<void> {
    const made = await commit(one.state, { remove: [leafOf(two)], nowMs: NOW });
    assert.equal((await applyCommit(two.state, made.commit, allow)).next, null);
    this.leave(two);
    one.state = made.next;
    for (const other of this.others(one)) await takeIn(other, made.commit);
  }

  /** One commit that removes and adds. */
  async #swap(one: Person, two: Person): Promise<void> {
    const newcomer = await this.newcomer();
    const own = await packageOf(newcomer, this.suite, true);
    const made = await commit(one.state, { add: [own.keyPackage], remove: [leafOf(two)], nowMs: NOW });
    this.leave(two);
    one.state = made.next;
    for (const other of this.others(one)) await takeIn(other, made.commit);
    await welcomed(made, [newcomer], [own]);
    this.members.push(newcomer);
  }

  /** Somebody comes in from outside, or a member anew. */
  async #join(from: Person, who: Person): Promise<void> {
    const joined = await joinExternally(await infoOf(from), who, allow);
    for (const other of this.others(who)) await takeIn(other, joined.commit);
    who.state = joined.next;
    if (!this.members.includes(who)) this.members.push(who);
  }

  /** Both commit at once; the first wins, the second takes it in and tries again. */
  async #race(one: Person, two: Person): Promise<void> {
    const won = await commit(one.state, { nowMs: NOW });
    const lost = await commit(two.state, { data: dataOf(two, "lost"), nowMs: NOW });
    one.state = won.next;
    two.state = lost.spent;
    for (const other of this.others(one)) await takeIn(other, won.commit);
    for (const other of this.others(two)) await assertRefused(applyCommit(other.state, lost.commit, allow));
    await commitBy(two, this.others(two), { data: dataOf(two, "second") });
  }

  /** A message is read after the next epoch has begun. */
  async #late(one: Person, two: Person): Promise<void> {
    const message = await says(one, this.others(one, two), "late");
    await commitBy(one, this.others(one), {});
    two.state = (await openMessage(two.state, message)).next;
  }
}

for (const [suite, runs] of [[1, 6], [83, 2]] as const) {
  Deno.test(`MLS, suite ${suite}: after ${runs} times ${STEPS} random steps all members agree (seed ${SEED})`, async () => {
    const property = fc.asyncProperty(steps, async (history) => {
      const model = new Model(suite, await groupOf(suite, ["ada", "bob", "cyn"]));
      for (const step of history) {
        await model.step(step);
        assertTogether(model.members);
        assert.equal(describe(model.members[0].state).members.length, model.members.length);
      }
      await says(model.members[0], model.members.slice(1), "the end");
    });
    await fc.assert(property, { seed: SEED, numRuns: runs, endOnFailure: true });
  });
}

/** People with devices, and groups of them; shared by the tests of crypto/mls/. @module */
import assert from "node:assert/strict";
import { type Signer, signerFromSeed } from "../../crypto/ed25519.ts";
import { hex } from "../../crypto/hex.ts";
import { applyCommit, type CommitChange } from "../../crypto/mls/apply.ts";
import { commit, type CommitWish, type MadeCommit } from "../../crypto/mls/commit.ts";
import { createGroup } from "../../crypto/mls/create.ts";
import type { GroupDataFields } from "../../crypto/mls/group_data.ts";
import { joinFromWelcome } from "../../crypto/mls/join.ts";
import { makeKeyPackage, type OwnKeyPackage } from "../../crypto/mls/key_package.ts";
import { openMessage, sealMessage } from "../../crypto/mls/message.ts";
import { describe, epochTag, type GroupState } from "../../crypto/mls/state.ts";
import type { MlsSuite } from "../../crypto/mls/suite.ts";
import { QightError } from "../../proto/errors.ts";
import { NOW, seedOf } from "./samples.ts";

export const DAY_MS = 86_400_000;
export const GROUP = seedOf(0x77);
/** Says yes to everything. */
export const allow = { nowMs: NOW, check() {} };

/** One device of one account, and its state of the group while it is a member. */
export interface Person {
  readonly name: string;
  readonly account: Uint8Array;
  readonly signer: Signer;
  state: GroupState;
}

/** A person who is in no group yet. */
export async function person(name: string): Promise<Person> {
  const seed = new Uint8Array(32);
  new TextEncoder().encodeInto(`seed of ${name}`, seed);
  const account = new Uint8Array(32);
  new TextEncoder().encodeInto(`account of ${name}`, account);
  return { name, account, signer: await signerFromSeed(seed), state: undefined as unknown as GroupState };
}

/** What a test's group agrees on. */
export function dataOf(owner: Person, name = "ops"): GroupDataFields {
  return { name, creator: owner.account, admins: [], direct: null, disappearAfterS: 0 };
}

/** A KeyPackage of a person, valid from now for 30 days. */
export function packageOf(who: Person, suite: MlsSuite, lastResort = false): Promise<OwnKeyPackage> {
  return makeKeyPackage(suite, who, { notBeforeMs: NOW, notAfterMs: NOW + 30 * DAY_MS, lastResort });
}

/** A group of all these people, begun by the first. */
export async function groupOf(suite: MlsSuite, names: readonly string[], group = GROUP): Promise<Person[]> {
  const people = await Promise.all(names.map(person));
  const [owner, ...others] = people;
  owner.state = (await createGroup({ suite, group, owner, data: dataOf(owner), nowMs: NOW })).state;
  if (others.length > 0) await add([owner], others, suite);
  return people;
}

/** The first member adds newcomers; everybody takes the commit in. */
export async function add(
  members: readonly Person[],
  newcomers: readonly Person[],
  suite: MlsSuite,
): Promise<MadeCommit> {
  const packages = await Promise.all(newcomers.map((who) => packageOf(who, suite)));
  const made = await commitBy(members[0], members.slice(1), { add: packages.map(({ keyPackage }) => keyPackage) });
  await welcomed(made, newcomers, packages);
  return made;
}

/** Newcomers join by a Welcome. */
export async function welcomed(
  { welcome }: MadeCommit,
  newcomers: readonly Person[],
  packages: readonly OwnKeyPackage[],
): Promise<void> {
  for (const [at, who] of newcomers.entries()) {
    who.state = (await joinFromWelcome(welcome!, findIn([packages[at]]), allow)).state;
  }
}

/** Finds own KeyPackages as a store would. */
export function findIn(packages: readonly OwnKeyPackage[]): (ref: string) => OwnKeyPackage | null {
  return (ref) => packages.find((one) => hex(one.ref) === ref) ?? null;
}

/** A member commits, and others take it in. */
export async function commitBy(
  who: Person,
  others: readonly Person[],
  wish: Omit<CommitWish, "nowMs">,
): Promise<MadeCommit> {
  const made = await commit(who.state, { ...wish, nowMs: NOW });
  who.state = made.next;
  for (const other of others) await takeIn(other, made.commit);
  return made;
}

/** Takes a commit in; says what it changed. */
export async function takeIn(who: Person, message: Uint8Array): Promise<CommitChange> {
  const { next, change } = await applyCommit(who.state, message, allow);
  assert.ok(next !== null, `${who.name} was removed`);
  who.state = next;
  return change;
}

/** Where a person sits. */
export function leafOf(who: Person): number {
  return describe(who.state).ownLeaf;
}

/** One member says something and all others read it. */
export async function says(who: Person, others: readonly Person[], text: string): Promise<Uint8Array> {
  const { message, next } = await sealMessage(who.state, new TextEncoder().encode(text));
  who.state = next;
  for (const other of others) {
    const opened = await openMessage(other.state, message);
    assert.equal(new TextDecoder().decode(opened.plaintext), text);
    assert.equal(hex(opened.sender.device), hex(who.signer.publicKey));
    assert.equal(opened.forked, false);
    other.state = opened.next;
  }
  return message;
}

/** All are in the same epoch of the same history and see the same members. */
export function assertTogether(people: readonly Person[]): void {
  const [first, ...rest] = people.map(({ state }) => {
    const { epoch, members, data } = describe(state);
    const who = members.map(({ leaf, device }) => `${leaf}:${hex(device)}`).join();
    return `${epoch} ${hex(epochTag(state))} ${data.name} ${who}`;
  });
  for (const other of rest) assert.equal(other, first);
}

/** What a test expects of bad input. */
export async function assertRefused(work: Promise<unknown> | (() => Promise<unknown>), why = /./): Promise<void> {
  await assert.rejects(typeof work === "function" ? work() : work, (error) => {
    assert.ok(error instanceof QightError, String(error));
    assert.equal(error.code, "bad_group_message", error.message);
    const cause = error.cause instanceof Error ? error.cause.message : "";
    assert.match(`${error.message} (${cause})`, why);
    return true;
  });
}

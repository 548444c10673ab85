/** A group that is attacked, and the ways to damage bytes; shared by the tests of bad input to crypto/mls/. @module */
import assert from "node:assert/strict";
import { concat } from "../../crypto/concat.ts";
import { commit } from "../../crypto/mls/commit.ts";
import { groupInfoOf } from "../../crypto/mls/group_info.ts";
import { makeKeyPackage } from "../../crypto/mls/key_package.ts";
import { sealMessage } from "../../crypto/mls/message.ts";
import { decodeState, encodeState, type GroupState } from "../../crypto/mls/state.ts";
import { NOW, seedOf } from "./samples.ts";
import {
  assertRefused,
  commitBy,
  DAY_MS,
  groupOf,
  leafOf,
  packageOf,
  type Person,
  person,
  says,
} from "./mls_members.ts";

export const text = new TextEncoder().encode("hello");
export const trailing = (bytes: Uint8Array) => concat(bytes, Uint8Array.of(0));
export const cut = (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1);
export const flipped = (bytes: Uint8Array, at = -1) => {
  const copy = bytes.slice();
  copy[at < 0 ? copy.length + at : at] ^= 1;
  return copy;
};
/** The group id's length in two bytes instead of one: the same message to a lax decoder. */
export const longer = (bytes: Uint8Array) => concat(bytes.subarray(0, 4), Uint8Array.of(0x40), bytes.subarray(4));

/** Everything that is made once and attacked many times. */
export interface World {
  readonly ada: Person;
  readonly bob: Person;
  readonly cyn: Person;
  /** Was a member until the last commit. */
  readonly out: Person;
}

export const together: World = await (async () => {
  const [ada, bob, cyn, out] = await groupOf(1, ["ada", "bob", "cyn", "out"]);
  await commitBy(ada, [bob, cyn], { remove: [leafOf(out)] });
  // Once a message of the new epoch was read, nothing of the old one counts.
  await says(ada, [bob, cyn], "out is gone");
  return { ada, bob, cyn, out };
})();

export const stranger = (await groupOf(1, ["ada", "bob"], seedOf(0x78)))[0];

/** A message as a member would seal it who leaves out qight's rules. */
export async function sealed(state: GroupState, change: Partial<GroupState["epoch"]> = {}): Promise<Uint8Array> {
  return (await sealMessage({ ...state, epoch: { ...state.epoch, ...change } }, text)).message;
}

/** A commit that adds one person, and that person's KeyPackage. */
export async function welcomeOf(state: GroupState, name = "dan") {
  const dan = await person(name);
  const own = await packageOf(dan, 1);
  const made = await commit(state, { add: [own.keyPackage], nowMs: NOW });
  return { ...made, welcome: made.welcome!, own };
}

/** A KeyPackage valid in another time. */
export async function aged(fromMs: number, toMs: number): Promise<Uint8Array> {
  const terms = { notBeforeMs: NOW + fromMs, notAfterMs: NOW + toMs, lastResort: false };
  return (await makeKeyPackage(1, await person("dan"), terms)).keyPackage;
}

/** A KeyPackage whose credential names a device that did not sign its leaf key. */
export async function forged(): Promise<Uint8Array> {
  const dan = await person("dan");
  const signer = { publicKey: dan.signer.publicKey, sign: () => Promise.resolve(new Uint8Array(64)) };
  const terms = { notBeforeMs: NOW, notAfterMs: NOW + DAY_MS, lastResort: false };
  return (await makeKeyPackage(1, { account: dan.account, signer }, terms)).keyPackage;
}

/** The GroupInfo of the epoch that a person is in. */
export function infoOf(who: Person): Promise<Uint8Array> {
  return groupInfoOf(who.state);
}

/** The work is refused for this reason, and what it was done on still encodes to the same bytes. */
export async function unchanged(
  who: Person,
  work: (state: GroupState) => Promise<unknown>,
  why: RegExp,
): Promise<void> {
  const before = encodeState(who.state);
  await assertRefused(work(await decodeState(before)), why);
  await assertRefused(work(who.state), why);
  assert.deepEqual(encodeState(who.state), before);
}

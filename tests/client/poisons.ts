/** Commits that a relay cannot tell from good ones, and that no member may take in. @module */
import { accountFromSeed } from "../../crypto/account.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { equal } from "../../crypto/equal.ts";
import { commit } from "../../crypto/mls/commit.ts";
import { createGroup } from "../../crypto/mls/create.ts";
import { makeKeyPackage } from "../../crypto/mls/key_package.ts";
import { describe } from "../../crypto/mls/state.ts";
import type { NewCommit } from "../../client/group_calls.ts";
import { type GroupPerson, RELAY_NAME } from "./group_people.ts";

/** Sends a commit as a member would whose program keeps no rules. */
export async function commitAsIs(person: GroupPerson, group: Uint8Array, change: Partial<NewCommit>): Promise<void> {
  const { roster, epoch } = await person.calls.getGroup(group);
  const rest = { welcome: null, welcomed: [], roster };
  await person.calls.commit({ group, epoch, ...rest, ...change } as NewCommit);
}

/** The state that a person has of a group. */
export async function stateOf(person: GroupPerson, group: Uint8Array) {
  return (await person.store.write((tables) => person.groups.states.load(tables, RELAY_NAME, group)))!.state;
}

/** Makes the bad part of a commit call. */
export type Poison = (bad: GroupPerson, group: Uint8Array) => Promise<Partial<NewCommit>>;

/** Takes a device out of the group. */
export function removing(victim: Uint8Array): Poison {
  return async (bad, group) => {
    const state = await stateOf(bad, group);
    const { members } = describe(state);
    const gone = members.find(({ device }) => equal(device, victim))!;
    const { commit: bytes, groupInfo } = await commit(state, { remove: [gone.leaf], nowMs: Date.now() });
    const roster = members.filter((member) => member !== gone).map(({ device }) => device);
    return { commit: bytes, groupInfo, roster };
  };
}

/** What a bad commit is like, after "a commit", and how a member without rights makes it. */
export const poisons: readonly (readonly [string, Poison])[] = [
  ["that is garbage behind its header", async (bad, group) => {
    const made = await commit(await stateOf(bad, group), { nowMs: Date.now() });
    const garbage = made.commit.slice();
    garbage.fill(7, garbage.length - 40);
    return { commit: garbage, groupInfo: made.groupInfo };
  }],
  ["whose maker has no right to rename", async (bad, group) => {
    const state = await stateOf(bad, group);
    const made = await commit(state, { data: { ...describe(state).data, name: "mine" }, nowMs: Date.now() });
    return { commit: made.commit, groupInfo: made.groupInfo };
  }],
  ["that removes a member without the right to", async (bad, group) => {
    const state = await stateOf(bad, group);
    const { members, ownLeaf } = describe(state);
    return await removing(members.findLast(({ leaf }) => leaf !== 0 && leaf !== ownLeaf)!.device)(bad, group);
  }],
  ["that adds a device which its account does not list", async (bad, group) => {
    const state = await stateOf(bad, group);
    const account = await accountFromSeed(new Uint8Array(32).fill(1));
    const signer = await signerFromSeed(new Uint8Array(32).fill(77));
    const nowMs = Date.now();
    const { keyPackage } = await makeKeyPackage(83, { account: account.hash, signer }, {
      notBeforeMs: nowMs - 1000,
      notAfterMs: nowMs + 3600_000,
      lastResort: false,
    });
    const made = await commit(state, { add: [keyPackage], nowMs });
    return { commit: made.commit, groupInfo: made.groupInfo };
  }],
  ["of another group with the same id", async (bad, group) => {
    const nowMs = Date.now();
    const { data, epoch } = describe(await stateOf(bad, group));
    let { state } = await createGroup({ suite: 83, group, owner: bad.owner, data, nowMs });
    for (let at = 0; at < epoch; at++) state = (await commit(state, { nowMs })).next;
    const made = await commit(state, { nowMs });
    return { commit: made.commit, groupInfo: made.groupInfo };
  }],
];

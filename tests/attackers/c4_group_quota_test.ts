/**
 * C4, an authenticated client, where conversations are: it begins groups, fills a directory with KeyPackages and join keys,
 * takes another's packages; it hears so at the first piece too many, and others go on.
 * @module
 */
import assert from "node:assert/strict";
import { GroupCalls } from "../../client/group_calls.ts";
import type { ErrorCode, QightError } from "../../proto/errors.ts";
import { groupInfo, keyPackage } from "../helpers/mls_bytes.ts";
import { person } from "../helpers/people.ts";
import { type TestRelay, testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
const [mallory, victim, alice] = await Promise.all([1, 2, 3].map((number) => person(number, NOW)));

/** 32 bytes that no other number gives. */
function name(kind: number, n: number): Uint8Array {
  const bytes = new Uint8Array(32).fill(kind);
  new DataView(bytes.buffer).setUint32(0, n);
  return bytes;
}

function begin(calls: GroupCalls, group: Uint8Array): Promise<unknown> {
  return calls.createGroup({ group, suite: 83, directWith: null, groupInfo: groupInfo(group, 0) });
}

function publish(calls: GroupCalls, kind: number, n: number, lastResort = false): Promise<unknown> {
  const one = { ref: name(kind, n), keyPackage: keyPackage({ fill: kind }), expiresAtMs: NOW + 3600_000, lastResort };
  return calls.publishKeyPackages(83, [one]);
}

interface Quota {
  readonly what: string;
  readonly fits: number;
  readonly code: ErrorCode;
  /** Takes up one piece. */
  fill(calls: GroupCalls, n: number): Promise<unknown>;
}

const GROUP = name(9, 0);

const quotas: readonly Quota[] = [
  { what: "groups begun", fits: 200, code: "rate_limited", fill: (calls, n) => begin(calls, name(1, n)) },
  { what: "KeyPackages", fits: 200, code: "busy", fill: (calls, n) => publish(calls, 2, n) },
  {
    what: "join keys of a group",
    fits: 64,
    code: "busy",
    async fill(calls, n) {
      if (n === 0) await begin(calls, GROUP);
      await calls.putJoinKey(GROUP, name(3, n), 600);
    },
  },
  {
    what: "claims of one account",
    fits: 30,
    code: "rate_limited",
    async fill(calls) {
      assert.equal((await calls.claimKeyPackages(victim.account.hash, 83)).packages.length, 1);
    },
  },
];

for (const { what, fits, code, fill } of quotas) {
  Deno.test(`C4: ${what}: ${fits} fit, the next one is ${code}, and others are unharmed`, async () => {
    await using relay = await testRelay({ now: () => NOW });
    const [mallorys, victims, alices] = await Promise.all([mallory, victim, alice].map((who) => join(relay, who)));
    for (let n = 0; n < 40; n++) await publish(victims, 7, n);
    for (let n = 0; n < fits; n++) await fill(mallorys, n);
    for (let again = 0; again < 3; again++) {
      await assert.rejects(async () => await fill(mallorys, fits + again), (error: QightError) => {
        assert.equal(error.code, code, error.message);
        assert.ok(error.retryAfterMs! > 0, "it says when to come back");
        return true;
      });
    }
    await begin(alices, name(8, 0));
    await publish(alices, 6, 0);
    const { packages } = await alices.claimKeyPackages(victim.account.hash, 83);
    assert.deepEqual(packages.map(({ lastResort }) => lastResort), [false], "there is one left for others");
  });
}

async function join(relay: TestRelay, who: typeof alice): Promise<GroupCalls> {
  return new GroupCalls((await relay.join(who)).rpc);
}

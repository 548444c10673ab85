/**
 * Whatever is done to accounts in whatever order: SQLite and memory answer the same, and what is stored fits together.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { openMemoryStore } from "../../../relay/storage/memory.ts";
import { openSqliteStore } from "../../../relay/storage/sqlite.ts";
import type { Store } from "../../../relay/storage/store.ts";
import { end, HOUR, keeping, locator, named, session, step, times } from "../../contracts/account_scene.ts";
import { bounds, commit, group } from "../../contracts/group_scene.ts";
import { bundle, device, key, message, roomy, seqs, T } from "../../contracts/store_scene.ts";
import { temporaryFolder } from "./temporary_folder.ts";

const ACCOUNTS = [1, 2, 3], DEVICES = [1, 2, 3, 4, 5];

/** One thing done to a store; what it answers is compared. */
type Doing = (store: Store) => Promise<unknown>;

const account = fc.constantFrom(...ACCOUNTS), one = fc.constantFrom(...DEVICES);
const some = fc.uniqueArray(one, { minLength: 1, maxLength: 3 });
const moving = fc.option(one).map((n) => n === null ? null : device(n));
const versionOf = async (store: Store, n: number) => (await store.bundleOfAccount(key(5, n)))?.version ?? 0;

const doings: fc.Arbitrary<readonly [what: string, run: Doing]> = fc.oneof(
  fc.tuple(account, some, moving, fc.boolean()).map(([n, devices, mover, keepLeft]) =>
    [`put ${n} ${devices}`, async (store: Store) => {
      const version = await versionOf(store, n);
      return store.putBundle(bundle(n, devices, version + 1), version, { moving: mover, keepLeft, ...times() });
    }] as const
  ),
  fc.tuple(account, one, fc.constantFrom("anna", "bert")).map(([n, by, name]) =>
    [
      `register ${n} ${by} ${name}`,
      ({ accounts }: Store) => accounts.register(named(n, name), null, session(by, { account: key(5, n) })),
    ] as const
  ),
  fc.tuple(account, some, moving, fc.nat(20)).map(([n, devices, mover, set]) =>
    [
      `recover ${n} ${devices} ${set}`,
      async (store: Store) => {
        const version = await versionOf(store, n);
        const put = step(bundle(n, devices, version + 1), version, mover);
        const next = { bundle: put, keeping: keeping(n, 100 + n), record: "new", session: null };
        return store.accounts.recover({ locatorHash: locator(set % 2 ? n : 100 + n, 0), ...next });
      },
    ] as const
  ),
  fc.tuple(account, one).map(([n, by]) =>
    [
      `keep ${n} by ${by}`,
      ({ accounts }: Store) =>
        accounts.putRecovery(keeping(n, n, { device: device(by) })).then(() => "kept", (refused) => refused.code),
    ] as const
  ),
  account.map((n) =>
    [`renew ${n}`, ({ accounts }: Store) => accounts.renewRecovery(key(5, n), new Uint8Array(64).fill(n))] as const
  ),
  account.map((n) =>
    [`end ${n}`, ({ accounts }: Store) => accounts.end(key(5, n), end(n), T + HOUR, times())] as const
  ),
  account.map((n) => [`record ${n}`, ({ accounts }: Store) => accounts.setRecord(key(5, n), "r", device(n))] as const),
  fc.tuple(one, one).map(([from, to]) => [`send ${to}`, (store: Store) => store.enqueue(message(to, from))] as const),
  one.map((by) =>
    [`group by ${by}`, async (store: Store) => {
      // The relay's services ask for a listed device.
      const owner = (await store.bundleOfDevice(device(by)))?.account;
      return owner && await store.groups.create(group({ device: device(by), account: owner }), bounds);
    }] as const
  ),
  fc.tuple(one, some).map(([by, devices]) =>
    [`commit by ${by} to ${devices}`, async (store: Store) => {
      const epoch = (await store.groups.list(device(by)))[0]?.epoch ?? 0;
      const roster = [...new Set([by, ...devices])];
      return store.groups.commit(commit(epoch, roster, { device: device(by), welcomes: roster }), bounds);
    }] as const
  ),
  fc.constant(["collect", async (store: Store) => void await store.collect(T + HOUR)] as const),
);

/** All that can be asked. */
async function view(store: Store) {
  const { messages, bytes, mailboxes, accounts, groups } = await store.stats();
  return {
    stats: { messages, bytes, mailboxes, accounts, groups },
    names: await store.accounts.list("", 99),
    lists: await Promise.all(ACCOUNTS.map(async (n) => (await store.bundleOfAccount(key(5, n)))?.devices)),
    ends: await Promise.all(ACCOUNTS.map((n) => store.accounts.ended(key(5, n)))),
    sessions: await Promise.all(ACCOUNTS.map((n) => store.accounts.sessionsOf(key(5, n), T))),
    codes: await Promise.all(ACCOUNTS.map((n) => store.accounts.recoveryOf(key(5, n)))),
    owners: await Promise.all(DEVICES.map(async (n) => (await store.bundleOfDevice(device(n)))?.account)),
    mail: await Promise.all(DEVICES.map((n) => seqs(store, n))),
    member: await Promise.all(DEVICES.map((n) => store.groups.list(device(n)))),
  };
}

Deno.test("whatever is done to accounts, both stores answer the same, no device has two accounts, and the check is clean", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(doings, { maxLength: 40 }), async (all) => {
      using folder = temporaryFolder();
      const options = { path: `${folder.path}/relay.db`, limits: { ...roomy }, now: () => T, minFreeBytes: 4096 };
      await using sqlite = await openSqliteStore(options);
      await using memory = openMemoryStore({ limits: { ...roomy } });
      for (const [what, run] of all) assert.deepEqual(await run(sqlite), await run(memory), what);
      const seen = await view(sqlite);
      assert.deepEqual(seen, await view(memory));
      const listed = seen.lists.flatMap((devices) => devices?.map((each) => each.toHex()) ?? []);
      assert.equal(new Set(listed).size, listed.length);
      assert.equal(seen.owners.filter(Boolean).length, listed.length);
      assert.deepEqual(await sqlite.check(), []);
    }),
    { numRuns: 25 },
  );
});

/**
 * What every store of the relay promises about device lists that shrink, devices that move, and accounts that end. Run over
 * SQLite and memory, with the rest of the contract.
 * @module
 */
import assert from "node:assert/strict";
import type { BundleChange, BundlePut, Ended, Store } from "../../relay/storage/store.ts";
import { end, HOUR, keeping, locator, named, session, times } from "./account_scene.ts";
import { begin, blob } from "./blob_contract.ts";
import { accepted, asking, bounds, commit, group, kindsFor, NAME, numberOf, said, withGroup } from "./group_scene.ts";
import { keyPackage } from "./key_package_contract.ts";
import { bundle, device, key, message, seqs, T } from "./store_scene.ts";

const change = (moving: number | null = null): BundleChange => (
  { moving: moving === null ? null : device(moving), ...times() }
);

/** Devices that were dropped, and who was told about which group (its last byte of many alike). */
function broughtBy(put: BundlePut | Ended) {
  if ("kind" in put && put.kind !== "stored") throw new Error(put.kind);
  const { dropped, notices } = put as Ended;
  return {
    dropped: dropped.map(numberOf),
    told: notices.map(({ device, notice }) => [numberOf(device), notice.kind, numberOf(notice.group), notice.epoch]),
  };
}

/** What a device has at the relay besides its mail: session, KeyPackages, sealing key. */
async function belongings(store: Store, n: number) {
  const { singleUse } = await store.keyPackages.count(device(n), 83, T);
  return [await store.accounts.session(key(31, n)) !== null, singleUse, (await store.sealingKeys([device(n)])).length];
}

async function giveBelongings(store: Store, n: number, account = n): Promise<void> {
  await store.accounts.putSession(session(n, { account: key(5, account) }));
  await store.accounts.seen(device(n), T);
  await store.keyPackages.publish(device(n), 83, [keyPackage(n)], { nowMs: T, maxSingleUse: 9, maxLastResort: 1 });
  const sealingKey = new Uint8Array([n]);
  await store.putSealingKey({ device: device(n), createdAtMs: T, expiresAtMs: T + HOUR, sealingKey });
}

/** Accounts 1 (devices 1 and 11), 2 and 3, all of them in a group at epoch 2. */
async function withTwoDevices(store: Store): Promise<Store> {
  await withGroup(store, 3);
  await store.putBundle(bundle(1, [1, 11], 2), 1);
  accepted(await store.groups.commit(commit(1, [1, 2, 3, 11], { welcomes: [11] }), bounds));
  await store.groups.welcomed(NAME, device(11), 2);
  for (const n of [1, 2, 3, 11]) await store.acknowledge(device(n), [{ first: 1, last: 99 }]);
  return store;
}

/** Adds the rows to a suite. */
export function listContract(row: (promise: string, run: (store: Store) => Promise<void>) => void): void {
  row("a device that is listed no more leaves nothing, in one step, and its groups are told", async (store) => {
    await withTwoDevices(store);
    const before = await store.stats();
    await giveBelongings(store, 11, 1);
    await store.enqueue(message(11, 1));
    await store.groups.enqueue(said(1, 2, { sender: device(2) }));
    assert.deepEqual(await belongings(store, 11), [true, 1, 1]);
    const put = await store.putBundle(bundle(1, [1], 3), 2, change());
    assert.deepEqual(broughtBy(put), {
      dropped: [11],
      told: [[1, "members", 1, 2], [2, "members", 1, 2], [3, "members", 1, 2]],
    });
    assert.deepEqual(await belongings(store, 11), [false, 0, 0]);
    assert.deepEqual(await store.accounts.lastSeen([device(11)]), [0]);
    assert.deepEqual([await seqs(store, 11), await store.groups.list(device(11))], [[], []]);
    assert.deepEqual((await store.groups.get(NAME, asking(2)))?.roster, [1, 2, 3].map(device));
    const { messages: [, notice] } = await store.fetch(device(3), 0, 9, 1e6, T);
    assert.deepEqual([notice.notice, notice.expiresAtMs], [{ group: NAME, kind: "members", epoch: 2 }, T + HOUR]);
    for (const n of [1, 2, 3]) await store.acknowledge(device(n), [{ first: 1, last: 99 }]);
    const after = await store.stats();
    assert.deepEqual([after.messages, after.mailboxes, before.bytes - after.bytes], [0, before.mailboxes - 1, 32]);
  });

  row("a device that comes is told to the account's groups, others' groups hear nothing", async (store) => {
    await withGroup(store, 3);
    await store.putBundle(bundle(4, [4]), 0, change());
    const other = key(20, 2);
    await store.groups.create(group({ group: other, device: device(4), account: key(5, 4) }), bounds);
    const put = await store.putBundle(bundle(2, [2, 12], 2), 1, change());
    const told = [1, 2, 3].map((n) => [n, "members", 1, 1]);
    assert.deepEqual(broughtBy(put), { dropped: [], told });
    assert.deepEqual(broughtBy(await store.putBundle(bundle(2, [2, 12], 3), 2, change())), { dropped: [], told: [] });
    assert.deepEqual(broughtBy(await store.putBundle(bundle(2, [2], 4), 3)), { dropped: [12], told: [] });
  });

  row("notices of members leave half of a mailbox to messages", async (store) => {
    await withGroup(store, 2);
    store.limits.maxQueue = 2;
    await store.enqueue(message(2, 1));
    assert.deepEqual(broughtBy(await store.putBundle(bundle(1, [1, 7], 2), 1, change())).told, [[1, "members", 1, 1]]);
  });

  row("a device moves to an account that lists it, if it is the one that publishes", async (store) => {
    await withTwoDevices(store);
    await giveBelongings(store, 11, 1);
    await store.enqueue(message(11, 1));
    const next = bundle(4, [11, 4]);
    for (const moving of [null, 4, 1]) {
      assert.deepEqual(await store.putBundle(next, 0, change(moving)), { kind: "device_taken" });
    }
    assert.deepEqual(await store.putBundle(bundle(4, [11, 2]), 0, change(11)), { kind: "device_taken" });
    assert.deepEqual(await belongings(store, 11), [true, 1, 1]);
    const put = await store.putBundle(next, 0, change(11));
    assert.deepEqual(broughtBy(put), { dropped: [], told: [1, 2, 3].map((n) => [n, "members", 1, 2]) });
    assert.ok(put.kind === "stored");
    assert.deepEqual(put.moved.map(numberOf), [11]);
    assert.deepEqual((await store.bundleOfDevice(device(11)))?.account, key(5, 4));
    assert.deepEqual((await store.bundleOfAccount(key(5, 1)))?.devices, [device(1)]);
    assert.deepEqual(await belongings(store, 11), [false, 0, 0]);
    assert.equal(await store.groups.get(NAME, asking(11)), null);
    assert.deepEqual(await seqs(store, 11), [2], "what waits for it can still be read");
    assert.deepEqual(await store.putBundle(bundle(1, [1, 11], 3), 2, change(1)), { kind: "device_taken" });
  });

  row("an account goes with its last device that moves, and its files with it", async (store) => {
    await begin(store, 5, 2);
    const { accounts } = await store.stats();
    assert.equal((await store.putBundle(bundle(1, [1, 2], 2), 1, change(2))).kind, "stored");
    assert.equal(await store.bundleOfAccount(key(5, 2)), null);
    assert.deepEqual((await store.bundleOfDevice(device(2)))?.account, key(5, 1));
    assert.equal((await store.stats()).accounts, accounts - 1);
    assert.equal(await store.blobs.forget(key(5, 2), blob(5).sha256), false);
    assert.equal(await store.accounts.ended(key(5, 2)), null, "it has not ended");
    assert.equal((await store.putBundle(bundle(2, [22]), 0, change())).kind, "stored");
  });

  row("an account that ends leaves nothing but its end, its held name and its closure", async (store) => {
    await withTwoDevices(store);
    const { accounts } = store;
    const before = await store.stats();
    await accounts.register(named(1), null, session(1));
    await giveBelongings(store, 11, 1);
    await accounts.putRecovery(keeping(1));
    await accounts.block(key(5, 1), key(5, 2), 9);
    await accounts.block(key(5, 2), key(5, 1), 9);
    await begin(store, 5, 1);
    const invite = { locator: key(7, 1), creator: device(11), record: new Uint8Array(9), expiresAtMs: T + HOUR };
    await store.putInvite(invite, { nowMs: T, maxOpen: 9, maxRemembered: 9 });
    await store.enqueue(message(1, 1));
    await store.groups.enqueue(said(2, 2, { sender: device(2) }));
    await accounts.close({ account: key(5, 1), kind: "banned", reason: "", sinceMs: T, untilMs: null });
    const ended = await accounts.end(key(5, 1), end(1), T + 5 * HOUR, times());
    assert.deepEqual(broughtBy(ended), { dropped: [1, 11], told: [[2, "members", 1, 2], [3, "members", 1, 2]] });
    assert.deepEqual([await store.bundleOfAccount(key(5, 1)), await store.bundleOfDevice(device(1))], [null, null]);
    for (const n of [1, 11]) {
      assert.deepEqual([await seqs(store, n), await store.room(device(n))], [[], null]);
      assert.deepEqual(await belongings(store, n), [false, 0, 0]);
    }
    assert.deepEqual(await accounts.sessionsOf(key(5, 1), T), []);
    assert.deepEqual([await accounts.nameOf(key(5, 1)), await accounts.named("name1")], [null, null]);
    assert.deepEqual([await accounts.recovery(locator(1, 0)), await accounts.recoveryOf(key(5, 1))], [null, null]);
    assert.deepEqual(await accounts.blocks(), [{ account: key(5, 2), blocked: key(5, 1) }]);
    assert.equal(await store.blobs.forget(key(5, 1), blob(5).sha256), false);
    const claimed = await store.claimInvite(invite.locator, device(2), { nowMs: T, keepUntilMs: T + HOUR });
    assert.deepEqual(claimed, { kind: "unknown" });
    assert.deepEqual((await store.groups.get(NAME, asking(2)))?.roster, [2, 3].map(device));
    assert.deepEqual([await accounts.ended(key(5, 1)), await accounts.ended(key(5, 2))], [end(1), null]);
    assert.deepEqual((await accounts.closures()).map(({ account }) => account), [key(5, 1)]);
    for (const n of [2, 3]) await store.acknowledge(device(n), [{ first: 1, last: 99 }]);
    const after = await store.stats();
    assert.deepEqual(
      [before.accounts - after.accounts, before.mailboxes - after.mailboxes, before.bytes - after.bytes],
      [1, 2, 96],
    );
  });

  row("an account that has ended stays ended, and its name is held back for its time", async (store) => {
    const { accounts } = store;
    await accounts.register(named(1), null, session(1));
    await accounts.putRecovery(keeping(1));
    await accounts.end(key(5, 1), end(1), T + 5 * HOUR, times());
    assert.deepEqual(await accounts.end(key(5, 1), end(9), T + 9 * HOUR, times()), { dropped: [], notices: [] });
    assert.deepEqual(await accounts.ended(key(5, 1)), end(1));
    assert.deepEqual(await store.putBundle(bundle(1, [1], 2), 0, change(1)), { kind: "ended" });
    assert.deepEqual(await accounts.register(named(1, "anew"), null, session(1)), { kind: "ended" });
    const rows = [
      [named(2, "name1"), "name_taken"],
      [named(2, "namel", { skeleton: "~name1" }), "name_taken"],
      [named(2, "name1", { registeredAtMs: T + 5 * HOUR }), "registered"],
    ] as const;
    for (const [next, kind] of rows) assert.equal((await accounts.register(next, null, session(2))).kind, kind);
    assert.equal((await accounts.named("name1"))?.account[4], 5);
    assert.deepEqual(await kindsFor(store, said(1, 1)), { kind: "not_a_member" });
  });

  row("the end of an account that never published is kept as well", async (store) => {
    assert.deepEqual(await store.accounts.end(key(5, 9), end(9), T, times()), { dropped: [], notices: [] });
    assert.deepEqual(await store.putBundle(bundle(9, [9]), 0, change()), { kind: "ended" });
  });

  row("what is sent while an account ends is acknowledged before, or refused", async (store) => {
    const sends = [1, 2, 3, 4].map((n) => store.enqueue(message(1, n)));
    const ending = store.accounts.end(key(5, 1), end(1), T, times());
    const late = [5, 6].map((n) => store.enqueue(message(1, n)));
    await ending;
    const kinds = (await Promise.all([...sends, ...late])).map(({ kind }) => kind);
    assert.deepEqual(kinds, [...sends.map(() => "stored"), ...late.map(() => "no_such_recipient")]);
    assert.deepEqual((await store.stats()).messages, 0);
  });
}

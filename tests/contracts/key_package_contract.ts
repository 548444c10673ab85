/**
 * What every store of the relay promises about KeyPackages. Run over SQLite and memory, with the rest of the contract.
 * @module
 */
import assert from "node:assert/strict";
import type { KeyPackageClaim, NewKeyPackage, Store } from "../../relay/storage/store.ts";
import { bundle, device, key, T } from "./store_scene.ts";

/** The n-th package of somebody. */
export function keyPackage(n: number, change: Partial<NewKeyPackage> = {}): NewKeyPackage {
  return {
    ref: key(30, n),
    keyPackage: new Uint8Array(100).fill(n),
    expiresAtMs: T + 1_000,
    lastResort: false,
    ...change,
  };
}

const publish = (store: Store, n: number, packages: readonly NewKeyPackage[], suite = 83, change = {}) =>
  store.keyPackages.publish(device(n), suite, packages, { nowMs: T, maxSingleUse: 10, maxLastResort: 2, ...change });

/** What a claim of the second account's packages brings: the numbers that the packages are filled with. */
async function claim(store: Store, change: Partial<KeyPackageClaim> = {}): Promise<(number | string)[]> {
  const { packages } = await store.keyPackages.claim({
    account: key(5, 2),
    suite: 83,
    except: device(1),
    validUntilMs: T,
    singleUse: true,
    ...change,
  });
  return packages.map(({ keyPackage, lastResort }) => lastResort ? `last ${keyPackage[0]}` : keyPackage[0]);
}

/** Adds the rows to a suite. */
export function keyPackageContract(row: (promise: string, run: (store: Store) => Promise<void>) => void): void {
  row("single-use packages go out once each, in order, then the last resort again and again", async (store) => {
    const all = [1, 2, 3].map((n) => keyPackage(n));
    const count = { singleUse: 3, lastResort: true };
    assert.deepEqual(await publish(store, 2, [...all, keyPackage(9, { lastResort: true })]), { kind: "stored", count });
    assert.deepEqual(await Promise.all([1, 2, 3, 4, 5].map(() => claim(store))), [[1], [2], [3], ["last 9"], [
      "last 9",
    ]]);
    assert.deepEqual(await store.keyPackages.count(device(2), 83, T), { singleUse: 0, lastResort: true });
  });

  row("a device hears once that few are left, in its mailbox, when a claim crosses the line", async (store) => {
    await publish(store, 2, [1, 2, 3, 4].map((n) => keyPackage(n)));
    const low = { below: 3, nowMs: T, noticeUntilMs: T + 1_000 };
    const claimed = async () => {
      const account = { account: key(5, 2), suite: 83, except: device(1), validUntilMs: T, singleUse: true };
      return (await store.keyPackages.claim({ ...account, low })).notices.map(({ notice }) => notice.epoch);
    };
    assert.deepEqual([await claimed(), await claimed(), await claimed()], [[], [2], []]);
    const { messages } = await store.fetch(device(2), 0, 10, 10_000, T);
    const notice = { group: new Uint8Array(32), kind: "key_packages", epoch: 2 };
    assert.deepEqual(messages.map((message) => message.notice), [notice]);
    await publish(store, 2, [5, 6].map((n) => keyPackage(n)));
    assert.deepEqual(await claimed(), [2], "and again after it has filled its stock");
  });

  row("a claim brings one of each device with the bundle, and none of the device that asks", async (store) => {
    await store.putBundle(bundle(2, [2, 3, 4], 2), 1);
    await publish(store, 2, [keyPackage(2)]);
    await publish(store, 4, [keyPackage(4), keyPackage(5)]);
    const claimed = await store.keyPackages.claim({
      ...{ account: key(5, 2), suite: 83, except: device(2), validUntilMs: T, singleUse: true },
    });
    assert.deepEqual(claimed.bundle, new Uint8Array([2, 2]));
    assert.deepEqual(claimed.packages, [
      { device: device(4), keyPackage: new Uint8Array(100).fill(4), lastResort: false },
    ]);
    assert.deepEqual(await claim(store), [2, 5]);
    assert.deepEqual(
      await store.keyPackages.claim({
        ...{ account: key(5, 9), suite: 83, except: device(2), validUntilMs: T, singleUse: true },
      }),
      { bundle: null, packages: [], notices: [] },
    );
  });

  row("a claim may name the devices that are meant: the others keep theirs", async (store) => {
    await store.putBundle(bundle(2, [2, 3, 4], 2), 1);
    for (const n of [2, 3, 4]) await publish(store, n, [keyPackage(n)]);
    const asked = { account: key(5, 2), suite: 83, validUntilMs: T, singleUse: true, only: [2, 3, 9].map(device) };
    const { packages } = await store.keyPackages.claim({ ...asked, except: device(2) });
    assert.deepEqual(packages.map((one) => one.device), [device(3)]);
    const left = await Promise.all([2, 3, 4].map((n) => store.keyPackages.count(device(n), 83, T)));
    assert.deepEqual(left.map(({ singleUse }) => singleUse), [1, 0, 1]);
  });

  row("what was handed out does not come back by being published again", async (store) => {
    await publish(store, 2, [keyPackage(1), keyPackage(2)]);
    assert.deepEqual(await claim(store), [1]);
    const again = await publish(store, 2, [keyPackage(1), keyPackage(2)]);
    assert.deepEqual(again, { kind: "stored", count: { singleUse: 1, lastResort: false } });
    assert.deepEqual(await claim(store), [2]);
    assert.deepEqual(await claim(store), []);
  });

  row("a new last resort replaces the one before, of its suite alone", async (store) => {
    for (const [n, suite] of [[1, 83], [2, 1], [3, 83]]) {
      await publish(store, 2, [keyPackage(n, { lastResort: true })], suite);
    }
    assert.deepEqual(await claim(store), ["last 3"]);
    assert.deepEqual(await claim(store, { suite: 1 }), ["last 2"]);
  });

  row("suites, and those that are not to be used up, are kept apart", async (store) => {
    await publish(store, 2, [keyPackage(1), keyPackage(9, { lastResort: true })]);
    await publish(store, 2, [keyPackage(2)], 1);
    assert.deepEqual(await claim(store, { singleUse: false }), ["last 9"]);
    assert.deepEqual(await claim(store, { suite: 1, singleUse: false }), []);
    assert.deepEqual(await claim(store, { suite: 1 }), [2]);
    assert.deepEqual(await claim(store), [1]);
  });

  row("an expired package is never handed out, not counted, and goes", async (store) => {
    await publish(store, 2, [keyPackage(1), keyPackage(2, { expiresAtMs: T + 2_000 })]);
    assert.deepEqual(await store.keyPackages.count(device(2), 83, T + 1_000), { singleUse: 1, lastResort: false });
    assert.deepEqual(await claim(store, { validUntilMs: T + 1_000 }), [2]);
    await store.collect(T + 1_000);
    await publish(store, 2, [keyPackage(1, { expiresAtMs: T + 5_000 })]);
    assert.deepEqual(await claim(store), [1], "forgotten, so it is a new one");
  });

  row("one device has so many and no more: all of a publication is kept, or nothing", async (store) => {
    const many = Array.from({ length: 8 }, (_, n) => keyPackage(n));
    await publish(store, 2, many);
    const count = { singleUse: 8, lastResort: false };
    assert.deepEqual(await publish(store, 2, [8, 9, 10].map((n) => keyPackage(n))), { kind: "too_many", count });
    assert.deepEqual(await publish(store, 2, many), { kind: "stored", count }, "the same again is nothing new");
    assert.equal((await publish(store, 2, [8, 9].map((n) => keyPackage(n)), 1)).kind, "stored");
    assert.equal((await publish(store, 2, [keyPackage(11)])).kind, "too_many", "whatever the suite");
    assert.equal((await publish(store, 1, [keyPackage(11)])).kind, "stored", "another device has its own");
    for (const suite of [83, 1]) {
      assert.equal((await publish(store, 2, [keyPackage(90 + suite, { lastResort: true })], suite)).kind, "stored");
    }
    assert.equal((await publish(store, 2, [keyPackage(99, { lastResort: true })], 5)).kind, "too_many");
    assert.deepEqual(await claim(store), [0]);
    assert.equal((await publish(store, 2, [keyPackage(12)])).kind, "stored");
  });
}

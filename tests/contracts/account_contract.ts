/**
 * What every store of the relay promises about names, sessions, recovery, closures, blocks and reports. Run over SQLite and
 * memory, with the rest of the contract.
 * @module
 */
import assert from "node:assert/strict";
import type { Recovery, Store, StoredReport } from "../../relay/storage/store.ts";
import { end, HOUR, keeping, locator, named, session, step, times } from "./account_scene.ts";
import { bundle, device, key, T } from "./store_scene.ts";

/** Account 1 comes back on device 3, by the first code of set 1; the codes of set 2 take their place. */
export const recovery = (change: Partial<Recovery> = {}): Recovery => ({
  locatorHash: locator(1, 0),
  bundle: step(bundle(1, [1, 3], 2), 1, device(3)),
  keeping: keeping(1, 2),
  record: "new record",
  session: session(3, { account: key(5, 1) }),
  ...change,
});

const report = (n: number, change: Partial<StoredReport> = {}): StoredReport => ({
  id: `0000000${n}`,
  reporter: key(5, 1),
  accused: key(5, 2),
  reason: `reason ${n}`,
  evidence: new Uint8Array(50).fill(n),
  atMs: T + n,
  ...change,
});

/** Adds the rows to a suite. */
export function accountContract(row: (promise: string, run: (store: Store) => Promise<void>) => void): void {
  row("the first OPAQUE setup stays", async ({ accounts }) => {
    assert.equal(await accounts.opaqueSetup(), null);
    assert.deepEqual(await accounts.putOpaqueSetup(new Uint8Array(200).fill(1)), new Uint8Array(200).fill(1));
    assert.deepEqual(await accounts.putOpaqueSetup(new Uint8Array(200).fill(2)), new Uint8Array(200).fill(1));
    assert.deepEqual(await accounts.opaqueSetup(), new Uint8Array(200).fill(1));
  });

  row("a name is registered with record, list and session, and found by name and by account", async (store) => {
    const { accounts } = store;
    const put = step(bundle(3, [3]), 0);
    assert.deepEqual(await accounts.register(named(3), put, session(3)), {
      kind: "registered",
      dropped: [],
      moved: [],
      notices: [],
    });
    assert.deepEqual([await accounts.named("name3"), await accounts.nameOf(key(5, 3))], [named(3), named(3)]);
    assert.deepEqual([await accounts.named("name4"), await accounts.nameOf(key(5, 4))], [null, null]);
    assert.deepEqual(await accounts.session(session(3).tokenHash), session(3));
    assert.equal((await store.bundleOfAccount(key(5, 3)))?.version, 1);
    assert.equal((await accounts.register(named(1), null, session(1))).kind, "registered", "its list was there before");
    assert.equal(await accounts.names(), 2);
    await accounts.end(key(5, 3), end(3), T + HOUR, times());
    assert.equal(await accounts.names(), 1);
  });

  row("regression: a device that is let in is signed in with its place on the list, or neither", async (store) => {
    const { accounts } = store;
    const { put, change } = step(bundle(1, [1, 3], 2), 1, device(3));
    const signedIn = { ...change, session: session(3, { account: key(5, 1) }) };
    assert.equal((await store.putBundle(put, 7, signedIn)).kind, "version_conflict");
    assert.equal(await accounts.session(session(3).tokenHash), null);
    assert.equal((await store.putBundle(put, 1, signedIn)).kind, "stored");
    assert.deepEqual(await accounts.session(session(3).tokenHash), session(3, { account: key(5, 1) }));
  });

  row("a name, or one that looks like it, is one account's; of two at once one gets it", async (store) => {
    const { accounts } = store;
    const both = await Promise.all([1, 2].map((n) => accounts.register(named(n, "alice"), null, session(n))));
    assert.deepEqual(both.map(({ kind }) => kind), ["registered", "name_taken"]);
    const alike = named(2, "a1ice", { skeleton: "~alice" });
    assert.deepEqual(await accounts.register(alike, null, session(2)), { kind: "name_taken" });
    assert.deepEqual(await accounts.register(named(1, "other"), null, session(1)), { kind: "has_name", name: "alice" });
    assert.deepEqual([await accounts.session(session(2).tokenHash), await accounts.nameOf(key(5, 2))], [null, null]);
  });

  row("a registration whose list is refused leaves nothing", async (store) => {
    const { accounts } = store;
    const rows = [
      [step(bundle(3, [3]), 4), "version_conflict"],
      [step(bundle(3, [3, 1]), 0), "device_taken"],
    ] as const;
    for (const [put, kind] of rows) assert.deepEqual(await accounts.register(named(3), put, session(3)), { kind });
    assert.deepEqual([await accounts.named("name3"), await accounts.session(session(3).tokenHash)], [null, null]);
    assert.equal(await store.bundleOfAccount(key(5, 3)), null);
  });

  row("names are listed in order, from one on", async ({ accounts }) => {
    for (const [n, name] of [[1, "bob"], [2, "alice"], [3, "zoe"], [4, "carol"]] as const) {
      await accounts.register(named(n, name), null, session(n));
    }
    await accounts.end(key(5, 4), end(4), T + HOUR, times());
    const list = async (after: string, max: number) => (await accounts.list(after, max)).map(({ folded }) => folded);
    assert.deepEqual([await list("", 2), await list("bob", 9), await list("zoe", 9)], [["alice", "bob"], ["zoe"], []]);
  });

  row("a device has one session; a new password ends the others of the account", async ({ accounts }) => {
    await accounts.register(named(1), null, session(1));
    const again = session(1, { tokenHash: key(31, 9) });
    await accounts.putSession(again);
    assert.deepEqual([await accounts.session(key(31, 1)), await accounts.session(key(31, 9))], [null, again]);
    const second = session(3, { account: key(5, 1), createdAtMs: T + 1 });
    for (const each of [second, session(2)]) await accounts.putSession(each);
    assert.deepEqual(await accounts.sessionsOf(key(5, 1), T), [again, second]);
    assert.deepEqual(await accounts.setRecord(key(5, 1), "new", device(3)), true);
    assert.deepEqual(await accounts.sessionsOf(key(5, 1), T), [second]);
    assert.equal((await accounts.named("name1"))?.record, "new");
    assert.deepEqual(await accounts.setRecord(key(5, 2), "new", null), false, "without a name there is no password");
    assert.deepEqual(await accounts.sessionsOf(key(5, 2), T), [session(2)]);
    assert.equal(await accounts.setRecord(key(5, 1), "newer", null), true);
    assert.deepEqual(await accounts.sessionsOf(key(5, 1), T), []);
  });

  row("a session is moved on, never back; it goes when it is over or ended", async ({ accounts }) => {
    for (const n of [1, 2]) await accounts.putSession(session(n));
    await accounts.touchSession(key(31, 1), T + 3 * HOUR);
    await accounts.touchSession(key(31, 1), T + 2 * HOUR);
    assert.equal((await accounts.session(key(31, 1)))?.expiresAtMs, T + 3 * HOUR);
    assert.deepEqual(await accounts.sessionsOf(key(5, 2), T + HOUR), []);
    assert.equal(await accounts.endSession(key(5, 2), device(1)), false, "another account's");
    assert.deepEqual(
      [await accounts.endSession(key(5, 1), device(1)), await accounts.endSession(key(5, 1), device(1))],
      [true, false],
    );
    assert.equal(await accounts.session(key(31, 1)), null);
  });

  row("collection takes sessions, closures and held names that are over, and nothing else", async (store) => {
    const { accounts } = store;
    for (const n of [1, 2]) await accounts.register(named(n), null, session(n));
    await accounts.touchSession(key(31, 2), T + 2 * HOUR);
    const closure = { reason: "spam", sinceMs: T, kind: "suspended" as const };
    await accounts.close({ account: key(5, 8), untilMs: T + HOUR, ...closure });
    await accounts.close({ account: key(5, 9), untilMs: null, ...closure });
    await accounts.end(key(5, 1), end(1), T + 2 * HOUR, times());
    await store.collect(T + HOUR);
    assert.deepEqual([await accounts.session(key(31, 1)), (await accounts.session(key(31, 2)))?.device], [
      null,
      device(2),
    ]);
    assert.deepEqual((await accounts.closures()).map(({ account }) => account), [key(5, 9)]);
    const later = named(7, "name1", { registeredAtMs: T + HOUR });
    assert.equal((await accounts.register(later, null, session(7))).kind, "name_taken");
    await store.collect(T + 2 * HOUR);
    assert.equal((await accounts.register(later, null, session(7))).kind, "registered", "it was forgotten");
  });

  row("when a listed device was here is known to the hour", async ({ accounts }) => {
    for (const [n, at] of [[1, 0], [1, HOUR - 1], [2, 0], [2, HOUR], [9, 0]] as const) {
      await accounts.seen(device(n), T + at);
    }
    assert.deepEqual(await accounts.lastSeen([3, 2, 1, 9].map(device)), [0, T + HOUR, T, 0]);
  });

  row("a recovery code opens what was kept last, and only that account's", async ({ accounts }) => {
    await accounts.putRecovery(keeping(1));
    await accounts.putRecovery(keeping(2));
    const { sealed, codes } = keeping(1);
    const found = { account: key(5, 1), sealed, wrapped: codes[1].wrapped };
    assert.deepEqual(await accounts.recovery(locator(1, 1)), found);
    assert.deepEqual(await accounts.recoveryOf(key(5, 1)), { codes: 2, madeAtMs: T + 1 });
    assert.deepEqual([await accounts.recovery(locator(9, 0)), await accounts.recoveryOf(key(5, 9))], [null, null]);
    await accounts.putRecovery(keeping(1, 7));
    assert.equal(await accounts.recovery(locator(1, 1)), null);
    assert.deepEqual((await accounts.recovery(locator(7, 0)))?.account, key(5, 1));
    await assert.rejects(accounts.putRecovery(keeping(1, 2)), { code: "internal" }, "codes of another account");
    assert.deepEqual((await accounts.recovery(locator(2, 0)))?.account, key(5, 2));
    assert.deepEqual(await accounts.recoveryOf(key(5, 1)), { codes: 2, madeAtMs: T + 7 }, "and its own stay");
  });

  row("what codes open is renewed, and codes stay; an account without codes gets nothing", async ({ accounts }) => {
    for (const n of [1, 2]) await accounts.putRecovery(keeping(n));
    const sealed = new Uint8Array(1064).fill(9);
    assert.deepEqual(
      [await accounts.renewRecovery(key(5, 1), sealed), await accounts.renewRecovery(key(5, 9), sealed)],
      [
        true,
        false,
      ],
    );
    for (const i of [0, 1]) {
      const found = { account: key(5, 1), sealed, wrapped: keeping(1).codes[i].wrapped };
      assert.deepEqual(await accounts.recovery(locator(1, i)), found);
    }
    assert.deepEqual(await accounts.recoveryOf(key(5, 1)), { codes: 2, madeAtMs: T + 1 });
    assert.deepEqual((await accounts.recovery(locator(2, 0)))?.sealed, keeping(2).sealed, "no other account's");
    assert.equal(await accounts.recoveryOf(key(5, 9)), null);
    await accounts.end(key(5, 1), end(1), T + HOUR, times());
    assert.equal(await accounts.renewRecovery(key(5, 1), sealed), false, "an ended account");
  });

  row("a recovery brings list, codes, password and session in one step, and ends all others", async (store) => {
    const { accounts } = store;
    await accounts.register(named(1), null, session(1));
    await accounts.putRecovery(keeping(1));
    assert.deepEqual(await accounts.recover(recovery()), { kind: "recovered", dropped: [], moved: [], notices: [] });
    assert.deepEqual((await store.bundleOfDevice(device(3)))?.version, 2);
    assert.deepEqual([await accounts.recovery(locator(1, 0)), await accounts.recovery(locator(1, 1))], [null, null]);
    assert.deepEqual(await accounts.recoveryOf(key(5, 1)), { codes: 2, madeAtMs: T + 2 });
    assert.equal((await accounts.named("name1"))?.record, "new record");
    assert.deepEqual(await accounts.sessionsOf(key(5, 1), T), [recovery().session]);
    assert.deepEqual(await accounts.recover(recovery()), { kind: "code_unknown" }, "each code once");
  });

  row("a recovery that is refused changes nothing, and its code stays good", async (store) => {
    const { accounts } = store;
    await accounts.register(named(1), null, session(1));
    for (const n of [1, 2]) await accounts.putRecovery(keeping(n));
    const rows: [change: Partial<Recovery>, kind: string][] = [
      [{ locatorHash: locator(9, 0) }, "code_unknown"],
      [{ locatorHash: locator(2, 0) }, "code_unknown"],
      [{ bundle: step(bundle(1, [1, 3], 2), 0) }, "version_conflict"],
      [{ bundle: step(bundle(1, [1, 2], 2), 1, device(3)) }, "device_taken"],
    ];
    for (const [change, kind] of rows) {
      assert.deepEqual(await accounts.recover(recovery({ keeping: keeping(1, 5), ...change })), { kind });
    }
    await assert.rejects(accounts.recover(recovery({ keeping: keeping(1, 2) })), { code: "internal" });
    assert.deepEqual(await accounts.recoveryOf(key(5, 1)), { codes: 2, madeAtMs: T + 1 });
    assert.deepEqual((await accounts.named("name1"))?.record, "record 1");
    assert.deepEqual(await accounts.sessionsOf(key(5, 1), T), [session(1)]);
    assert.equal((await store.bundleOfAccount(key(5, 1)))?.version, 1);
    assert.equal((await accounts.recover(recovery({ keeping: keeping(1, 5) }))).kind, "recovered");
  });

  row("of two recoveries with one code at once one comes through", async ({ accounts }) => {
    await accounts.putRecovery(keeping(1));
    const both = await Promise.all([4, 5].map((set) => accounts.recover(recovery({ keeping: keeping(1, set) }))));
    assert.deepEqual(both.map(({ kind }) => kind), ["recovered", "code_unknown"]);
    assert.equal((await accounts.recovery(locator(4, 0)))?.wrapped[0], 8);
  });

  row("a closed account has no session; it stays closed until it is reopened", async ({ accounts }) => {
    await accounts.putSession(session(1));
    const closure = { account: key(5, 1), kind: "suspended", reason: "spam", sinceMs: T, untilMs: T + 1 } as const;
    await accounts.close(closure);
    assert.equal(await accounts.session(key(31, 1)), null);
    await accounts.close({ ...closure, kind: "banned", untilMs: null });
    assert.deepEqual(await accounts.closures(), [{ ...closure, kind: "banned", untilMs: null }]);
    assert.deepEqual([await accounts.reopen(key(5, 1)), await accounts.reopen(key(5, 1))], [true, false]);
    assert.deepEqual(await accounts.closures(), []);
  });

  row("an account blocks so many others and no more; the same one again is one", async ({ accounts }) => {
    const block = (n: number) => accounts.block(key(5, 1), key(5, n), 2);
    assert.deepEqual([await block(2), await block(3), await block(2), await block(4)], [true, true, true, false]);
    assert.equal(await accounts.block(key(5, 2), key(5, 1), 2), true);
    await accounts.unblock(key(5, 1), key(5, 2));
    assert.equal(await block(4), true);
    const pairs = [[1, 3], [2, 1], [1, 4]].map(([a, b]) => ({ account: key(5, a), blocked: key(5, b) }));
    assert.deepEqual(await accounts.blocks(), pairs);
  });

  row("reports are kept in order, up to a bound, until they are deleted", async ({ accounts }) => {
    const put = (n: number, max: number, fields?: Partial<StoredReport>) =>
      accounts.putReport(report(n, fields), { max, maxOfReporter: 9 });
    for (const n of [2, 1]) assert.equal(await put(n, 2), "stored");
    assert.equal(await put(3, 2), "full");
    assert.equal(await put(1, 9, { reason: "other" }), "id_taken", "an id is one report's");
    const summary = ({ evidence: _, ...rest }: StoredReport) => rest;
    assert.deepEqual(await accounts.reports(), [summary(report(1)), summary(report(2))]);
    assert.deepEqual([await accounts.report("00000001"), await accounts.report("99")], [report(1), null]);
    assert.deepEqual([await accounts.deleteReport("00000001"), await accounts.deleteReport("00000001")], [true, false]);
    assert.deepEqual(await accounts.reports(), [summary(report(2))]);
  });

  row(
    "one account has only so many reports open; others still have theirs, and one that is done makes room",
    async ({ accounts }) => {
      const put = (n: number, by: number) =>
        accounts.putReport(report(n, { reporter: key(5, by) }), { max: 9, maxOfReporter: 2 });
      assert.deepEqual([await put(1, 1), await put(2, 1), await put(3, 1)], ["stored", "stored", "too_many"]);
      assert.deepEqual([await put(4, 2), await put(5, 2), await put(6, 2)], ["stored", "stored", "too_many"]);
      await accounts.deleteReport(report(1).id);
      assert.deepEqual([await put(7, 1), await put(8, 1)], ["stored", "too_many"]);
      assert.equal((await accounts.reports()).length, 4);
    },
  );
}

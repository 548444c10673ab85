/**
 * Accounts on real files: across faults and kills, in copies, out of a damaged database and from an earlier schema.
 * @module
 */
import { findsEach } from "./changed_rows.ts";
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { crc32 } from "node:zlib";
import { signAccountEnd } from "../../../crypto/account_end.ts";
import { signBundle } from "../../../crypto/bundle.ts";
import { mostToldOf } from "../../../relay/storage/group_rules.ts";
import { migrate, migrations } from "../../../relay/storage/migrations/migrate.ts";
import { salvageDatabase } from "../../../relay/storage/salvage/salvage.ts";
import { openSqliteStore } from "../../../relay/storage/sqlite.ts";
import type { Store, StoredReport } from "../../../relay/storage/store.ts";
import { recovery } from "../../contracts/account_contract.ts";
import { end, HOUR, keeping, locator, named, session, step, times } from "../../contracts/account_scene.ts";
import { bounds, commit, said, withGroup } from "../../contracts/group_scene.ts";
import { bundle, device, key, message, roomy, seqs, T, withMailboxes } from "../../contracts/store_scene.ts";
import { type Person, person } from "../../helpers/people.ts";
import { killedAfter } from "./killed_writer_run.ts";
import { temporaryFolder } from "./temporary_folder.ts";

const options = (path: string) => ({ path, limits: roomy, now: () => T, minFreeBytes: 1024 * 1024 });

const REPORT: StoredReport = {
  id: "00c0ffee",
  reporter: key(5, 1),
  accused: key(5, 2),
  reason: "spam",
  evidence: new Uint8Array(9000).fill(3),
  atMs: T,
};

const { evidence: _, ...SUMMARY } = REPORT;

/** Every row of every table, as text. */
function dump(path: string): Record<string, unknown[]> {
  const db = new Database(path, { readonly: true });
  try {
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").pluck()
      .all() as string[];
    const text = (value: unknown) => value instanceof Uint8Array ? Uint8Array.from(value).toHex() : value;
    return Object.fromEntries(tables.map((table) => [
      table,
      (db.prepare(`SELECT * FROM ${table}`).raw().all() as unknown[][]).map((row) => row.map(text)),
    ]));
  } finally {
    db.close();
  }
}

/** A group of three accounts; the first has a second device, a name, a session, codes and mail. */
async function inhabited(store: Store): Promise<void> {
  await withGroup(store, 3);
  await store.putBundle(bundle(1, [1, 11], 2), 1);
  await store.groups.commit(commit(1, [1, 2, 3, 11], { welcomes: [11] }), bounds);
  await store.accounts.register(named(1), null, session(1));
  await store.accounts.putSession(session(11, { account: key(5, 1) }));
  await store.accounts.putRecovery(keeping(1));
  await store.accounts.block(key(5, 1), key(5, 2), 9);
  for (const n of [1, 11]) await store.enqueue(message(n, 1));
  await store.groups.enqueue(said(2, 2, { sender: device(2) }));
}

Deno.test("a change of accounts that fails anywhere leaves everything as it was, and others of its commit go on", async () => {
  const changes: readonly (readonly [what: string, fails: string, run: (store: Store) => Promise<unknown>])[] = [
    [
      "register",
      "INSERT ON sessions",
      ({ accounts }) => accounts.register(named(7), step(bundle(7, [7]), 0), session(7)),
    ],
    ["recover", "DELETE ON sessions", ({ accounts }) => {
      return accounts.recover(recovery({ bundle: step(bundle(1, [1, 4], 3), 2), session: session(4) }));
    }],
    ["end", "DELETE ON blocks", ({ accounts }) => accounts.end(key(5, 1), end(1), T, times())],
    ["shrink", "INSERT ON messages", (store) => {
      return store.putBundle(bundle(1, [1], 3), 2, { moving: null, ...times() });
    }],
    ["move", "INSERT ON messages", (store) => {
      return store.putBundle(bundle(2, [2, 11], 2), 1, { moving: device(11), ...times() });
    }],
  ];
  using folder = temporaryFolder();
  for (const [what, fails, run] of changes) {
    const path = `${folder.path}/${what}.db`;
    await using store = await withMailboxes(await openSqliteStore(options(path)));
    await inhabited(store);
    const [before, stats] = [dump(path), await store.stats()];
    const db = new Database(path);
    db.exec(`CREATE TRIGGER fault BEFORE ${fails} BEGIN SELECT RAISE(ABORT, 'no'); END`);
    const [failed, other] = await Promise.allSettled([run(store), store.putToken(TOKEN)]);
    assert.deepEqual([failed.status, other.status], ["rejected", "fulfilled"], what);
    db.exec("DROP TRIGGER fault");
    db.close();
    await store.deleteToken(TOKEN.id);
    assert.deepEqual(dump(path), before, what);
    assert.deepEqual({ ...await store.stats(), commits: 0, fileBytes: 0 }, { ...stats, commits: 0, fileBytes: 0 });
    const done = await run(store) as { readonly kind?: string };
    assert.ok(["registered", "recovered", "stored", undefined].includes(done.kind), what);
    assert.notDeepEqual(dump(path), before);
    assert.deepEqual(await store.check(), []);
  }
});

const TOKEN = { id: "0badcafe", name: "t", hash: key(8, 1), createdAtMs: T, expiresAtMs: null };

Deno.test("a relay that is killed among registrations, recoveries and ends has each whole or not at all", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  const steps = await killedAfter(path, "accounts", 90);
  await using store = await openSqliteStore(options(path));
  assert.deepEqual(await store.check(), []);
  const stateOf = async (n: number) => [
    (await store.accounts.nameOf(key(5, n)))?.record ?? null,
    (await store.bundleOfAccount(key(5, n)))?.version ?? 0,
    (await store.accounts.sessionsOf(key(5, n), T)).map((one) => one.device[3]),
    (await store.accounts.recoveryOf(key(5, n)))?.madeAtMs ?? 0,
    await store.accounts.ended(key(5, n)) !== null,
  ];
  const wholes = [
    [null, 0, [], 0, false],
    [`record N`, 1, [0], 0, false],
    [`record N`, 1, [0], T, false],
    ["new", 2, [1], T + 1, false],
    [null, 0, [], 0, true],
  ];
  for (let n = 1; n <= Math.ceil(steps.length / 4) + 1; n++) {
    const found = JSON.stringify(await stateOf(n)).replace(`record ${n}"`, 'record N"');
    const at = wholes.findIndex((whole) => JSON.stringify(whole) === found);
    assert.ok(at >= 0, `account ${n}: ${found}`);
    const told = Math.min(4, Math.max(0, steps.length - (n - 1) * 4));
    assert.ok(at === told || at === told + 1, `account ${n}: ${told} steps were acknowledged, ${at} are there`);
  }
});

/** Everything that there is of accounts. */
async function view(store: Store, accounts: readonly Uint8Array[]) {
  const of = store.accounts;
  return {
    setup: await of.opaqueSetup(),
    names: await of.list("", 99),
    recoveries: await Promise.all([1, 2].map((set) => of.recovery(locator(set, 1)))),
    codes: await Promise.all(accounts.map((account) => of.recoveryOf(account))),
    ends: await Promise.all(accounts.map((account) => of.ended(account))),
    closures: await of.closures(),
    blocks: await of.blocks(),
    reports: await of.reports(),
    report: await of.report(REPORT.id),
    lists: await Promise.all(accounts.map(async (account) => (await store.bundleOfAccount(account))?.devices ?? null)),
  };
}

/** Three people: one has a name, codes and all the rest; one has moved its device to the first; one has ended. */
async function filled(path: string): Promise<Uint8Array[]> {
  const [ada, bob, cyd] = await Promise.all([1, 2, 3].map((n) => person(n, T)));
  await using store = await openSqliteStore(options(path));
  for (const { bundle: { account, version, bytes }, device } of [ada, bob, cyd]) {
    await store.putBundle({ account, version, bundle: bytes, devices: [device.publicKey] }, 0);
  }
  const { accounts } = store;
  await accounts.putOpaqueSetup(new Uint8Array(200).fill(9));
  const by = { account: ada.account.hash, device: ada.device.publicKey };
  await accounts.register({ ...named(1, "ada"), account: by.account }, null, { ...session(1), ...by });
  await accounts.putRecovery(keeping(1, 1, { ...by, sealed: new Uint8Array(9000).fill(1) }));
  await accounts.putRecovery(keeping(2, 2, { account: bob.account.hash, device: bob.device.publicKey }));
  await accounts.block(by.account, bob.account.hash, 9);
  await accounts.close({ account: bob.account.hash, kind: "suspended", reason: "spam", sinceMs: T, untilMs: T + HOUR });
  await accounts.close({ account: key(5, 9), kind: "banned", reason: "", sinceMs: T, untilMs: null });
  await accounts.putReport(REPORT, { max: 9, maxOfReporter: 9 });
  const ended = await signAccountEnd(cyd.account, T);
  const name = { ...named(3, "cyd"), account: cyd.account.hash };
  await accounts.register(name, null, session(3, { account: cyd.account.hash }));
  await accounts.end(cyd.account.hash, ended.bytes, T + HOUR, times());
  return [ada, bob, cyd].map(({ account }) => account.hash);
}

Deno.test("a restart and a copy have names, passwords, recovery, ends, closures, blocks and reports", async () => {
  using folder = temporaryFolder();
  const [path, copy] = ["relay.db", "copy.db"].map((name) => `${folder.path}/${name}`);
  const people = await filled(path);
  {
    await using store = await openSqliteStore(options(path));
    await store.backup(copy);
  }
  await using store = await openSqliteStore(options(path));
  await using restored = await openSqliteStore(options(copy));
  const seen = await view(store, people);
  assert.deepEqual(await view(restored, people), seen);
  assert.deepEqual(seen.names, [{ ...named(1, "ada"), account: people[0] }]);
  assert.deepEqual(seen.recoveries.map((one) => one?.wrapped[0]), [3, 5]);
  assert.deepEqual(seen.report, REPORT);
  assert.deepEqual([seen.reports, seen.ends.map((one) => one !== null)], [[SUMMARY], [false, false, true]]);
  assert.deepEqual((await restored.accounts.sessionsOf(people[0], T)).length, 1);
  const taken = await restored.accounts.register(named(8, "cyd"), null, session(8));
  assert.equal(taken.kind, "name_taken");
  assert.equal(await restored.accounts.names(), 1);
});

Deno.test("salvage: names, recovery, ends, closures, blocks and reports come over; sessions are made again", async () => {
  using folder = temporaryFolder();
  const [path, saved] = ["relay.db", "saved.db"].map((name) => `${folder.path}/${name}`);
  const people = await filled(path);
  const report = await salvageDatabase({ source: path, log: new Uint8Array(0), target: saved, nowMs: T });
  const { names, recoveries, lostRecoveries, passwords, accounts, lostKeys, tokens, sealingKeys, allowed } = report;
  assert.deepEqual(
    { names, recoveries, lostRecoveries, passwords, accounts, lostKeys, tokens, sealingKeys, allowed },
    {
      ...{ names: 1, recoveries: 2, lostRecoveries: 0, passwords: true, accounts: 2 },
      ...{ lostKeys: 0, tokens: 0, sealingKeys: 0, allowed: 0 },
    },
  );
  await using store = await openSqliteStore(options(path));
  await using found = await openSqliteStore(options(saved));
  assert.deepEqual(await view(found, people), await view(store, people));
  assert.deepEqual(await found.accounts.sessionsOf(people[0], T), []);
  assert.equal((await found.accounts.register(named(8, "cyd"), null, session(8))).kind, "name_taken");
});

Deno.test("salvage: a device that moved stays where it moved to, whatever the bundle of before says", async () => {
  using folder = temporaryFolder();
  const [path, saved] = ["relay.db", "saved.db"].map((name) => `${folder.path}/${name}`);
  const [ada, bob] = await Promise.all([1, 2].map((n) => person(n, T)));
  const [moves, stays] = [bob.device.publicKey, key(1, 77)];
  const signed = async (by: Person, version: number, devices: readonly Uint8Array[]) => {
    const listed = devices.map((each) => ({ key: each, name: "test", addedAtMs: T }));
    const fields = { version: T + version, createdAtMs: T, expiresAtMs: T + 1e9, devices: listed };
    return { account: by.account.hash, version, bundle: (await signBundle(by.account, fields)).bytes, devices };
  };
  {
    await using store = await openSqliteStore(options(path));
    await store.putBundle(await signed(bob, 1, [moves, stays]), 0);
    const next = await signed(ada, 1, [ada.device.publicKey, moves]);
    assert.equal((await store.putBundle(next, 0, { moving: moves, ...times() })).kind, "stored");
  }
  await salvageDatabase({ source: path, log: new Uint8Array(0), target: saved, nowMs: T });
  await using found = await openSqliteStore(options(saved));
  assert.deepEqual((await found.bundleOfDevice(moves))?.account, ada.account.hash);
  assert.deepEqual((await found.bundleOfAccount(bob.account.hash))?.devices, [stays]);
  assert.deepEqual(await found.check(), []);
});

Deno.test("salvage: what does not match is lost and counted, an end that is not signed is no end", async () => {
  const rows: readonly (readonly [sql: string, expected: Record<string, unknown>])[] = [
    ["UPDATE recoveries SET sealed = zeroblob(9000) WHERE length(sealed) = 9000", { recoveries: 1, lostRecoveries: 1 }],
    ["UPDATE abuse_reports SET crc = crc + 1", { recoveries: 2 }],
    ["DELETE FROM opaque_setup", { passwords: false, names: 1 }],
    ["UPDATE ended_accounts SET bytes = zeroblob(5000)", { names: 1 }],
    // Rows of an earlier image of the database, from before the account ended.
    [
      `UPDATE names SET account = (SELECT account FROM ended_accounts), record = 'r', held_until = NULL
        WHERE folded = 'cyd'`,
      { names: 1, accounts: 2 },
    ],
  ];
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  const people = await filled(path);
  const whole = Deno.readFileSync(path);
  for (const [i, [sql, expected]] of rows.entries()) {
    Deno.writeFileSync(path, whole);
    const db = new Database(path);
    assert.ok(db.prepare(sql).run().changes > 0, sql);
    db.close();
    const saved = `${folder.path}/saved-${i}.db`;
    const report = await salvageDatabase({ source: path, log: new Uint8Array(0), target: saved, nowMs: T });
    const found = Object.fromEntries(Object.entries(report).filter(([name]) => name in expected));
    assert.deepEqual(found, expected, sql);
    await using store = await openSqliteStore(options(saved));
    assert.deepEqual((await store.accounts.reports()).length, sql.includes("abuse") ? 0 : 1, sql);
    assert.deepEqual(await store.accounts.ended(people[2]) === null, sql.includes("ended_accounts SET"), sql);
  }
});

Deno.test("a store finds what of accounts does not fit together", async () => {
  await findsEach([
    ["UPDATE recoveries SET crc = crc + 1", /recovery 1 does not match/],
    ["UPDATE abuse_reports SET evidence = zeroblob(9000)", /report 00c0ffee does not match/],
    ["DELETE FROM recoveries", /4 recovery codes open nothing/],
    ["INSERT INTO ended_accounts SELECT account, x'00' FROM accounts", /2 accounts have ended and are there/],
    ["UPDATE names SET record = NULL", /1 names are neither taken nor held/],
  ], filled);
});

Deno.test("what was kept for a recovery, or reported, and is damaged is never handed out", async () => {
  using folder = temporaryFolder();
  for (const table of ["recoveries", "abuse_reports"]) {
    const path = `${folder.path}/${table}.db`;
    await filled(path);
    await using store = await openSqliteStore(options(path));
    const db = new Database(path);
    db.exec(`UPDATE ${table} SET crc = crc + 1`);
    db.close();
    const asked = table === "recoveries" ? store.accounts.recovery(locator(1, 0)) : store.accounts.report(REPORT.id);
    await assert.rejects(asked, { code: "store_damaged" });
  }
});

Deno.test("a database of schema 5 keeps its accounts, groups and mail, and can have names", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  {
    const db = new Database(path);
    migrate(db, migrations.slice(0, 5));
    const put = db.prepare("INSERT INTO accounts (account, version, bundle, devices) VALUES (?, 1, x'0101', ?)");
    put.run(key(5, 1), device(1));
    db.prepare("INSERT INTO mailboxes (device, account, next_seq, messages, bytes) VALUES (?, ?, 2, 1, 41)").run(
      device(1),
      key(5, 1),
    );
    // A notice of schema 4.
    const notice = new Uint8Array(41);
    notice[32] = 1;
    db.prepare(
      "INSERT INTO messages (slot, received, expires, crc, envelope, payload) VALUES ((1 << 36) | 1, ?, ?, ?, ?, 0)",
    )
      .run(T, T + 9e9, crc32(notice), notice);
    db.close();
  }
  await using store = await openSqliteStore(options(path));
  assert.deepEqual(await seqs(store, 1), [1]);
  assert.equal((await store.bundleOfAccount(key(5, 1)))?.version, 1);
  assert.equal((await store.accounts.register(named(1), null, session(1))).kind, "registered");
  assert.deepEqual((await store.accounts.end(key(5, 1), end(1), T, times())).dropped, [device(1)]);
  assert.deepEqual(await store.check(), []);
});

Deno.test("more sessions than one step of collection takes are all gone after one round, and the rest stay", async () => {
  using folder = temporaryFolder();
  await using store = await openSqliteStore(options(`${folder.path}/relay.db`));
  const put = (n: number, expiresAtMs: number) =>
    store.accounts.putSession(session(n, { account: key(5, 1), expiresAtMs }));
  await Promise.all(Array.from({ length: 700 }, (_, n) => put(n, n < 600 ? T + 1 : T + 2)));
  await store.collect(T + 1);
  assert.equal((await store.accounts.sessionsOf(key(5, 1), T)).length, 100);
});

Deno.test("a change in few groups is told to all of them, one in very many to some of each, and to at least one", () => {
  const rows = [[0, 5_000], [1, 5_000], [5, 1_000], [100, 50], [2_000, 2], [16_000, 1]];
  for (const [groups, told] of rows) assert.equal(mostToldOf(groups), told);
});

Deno.test("a device that is seen again within the hour costs no commit", async () => {
  using folder = temporaryFolder();
  await using store = await withMailboxes(await openSqliteStore(options(`${folder.path}/relay.db`)));
  await store.accounts.seen(device(1), T);
  const { commits } = await store.stats();
  for (let minute = 1; minute < 60; minute++) await store.accounts.seen(device(1), T + minute * 60_000);
  assert.equal((await store.stats()).commits, commits);
  await store.accounts.seen(device(1), T + HOUR);
  assert.deepEqual(await store.accounts.lastSeen([device(1)]), [T + HOUR]);
});

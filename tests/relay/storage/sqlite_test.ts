/**
 * SQLite keeps the contract on real files, over restarts, damage, copies and versions.
 * @module
 */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { migrate, migrations } from "../../../relay/storage/migrations/migrate.ts";
import { openSqliteStore } from "../../../relay/storage/sqlite.ts";
import type { Store } from "../../../relay/storage/store.ts";
import { storeContract } from "../../contracts/store_contract.ts";
import { device, message, roomy, sendMany, seqs, T, withMailboxes } from "../../contracts/store_scene.ts";
import { temporaryFolder } from "./temporary_folder.ts";

storeContract("sqlite store", async (limits) => {
  const folder = temporaryFolder();
  const store: Store = await openSqliteStore({ path: `${folder.path}/relay.db`, limits, now: () => T });
  const close = store[Symbol.asyncDispose].bind(store);
  return Object.assign(store, {
    [Symbol.asyncDispose]: async () => {
      await close();
      folder[Symbol.dispose]();
    },
  });
});

Deno.test("sqlite store: numbers, dedup memory, expired ranges and directory survive a restart", async () => {
  using folder = temporaryFolder();
  const options = { path: `${folder.path}/relay.db`, limits: roomy, now: () => T };
  {
    await using store = await withMailboxes(await openSqliteStore(options));
    await sendMany(store, 1, 3);
    await store.enqueue(message(2, 8, { expiresAtMs: T + 1 }));
    await store.acknowledge(device(1), [{ first: 1, last: 3 }]);
    await store.collect(T + 1);
  }
  await using store = await openSqliteStore(options);
  assert.deepEqual(await store.enqueue(message(1, 2)), {
    kind: "duplicate",
    seq: 2,
    expiresAtMs: T + 1_000,
    receivedAtMs: T,
  });
  assert.deepEqual(await store.enqueue(message(1, 4)), { kind: "stored", seq: 4, expiresAtMs: T + 1_000 });
  assert.deepEqual((await store.fetch(device(2), 0, 1, 1, T)).expired, [{ first: 1, last: 1 }]);
  const { messages, bytes, mailboxes, accounts } = await store.stats();
  assert.deepEqual({ messages, bytes, mailboxes, accounts }, { messages: 1, bytes: 100, mailboxes: 2, accounts: 2 });
});

Deno.test("sqlite store: a mailbox that nobody reads costs one row of expired ranges", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  {
    await using store = await withMailboxes(await openSqliteStore({ path, limits: roomy }));
    for (const n of [1, 2, 3, 4, 5]) {
      await store.enqueue(message(1, n, { expiresAtMs: T + [0, 10, 30, 20, 50, 40][n] }));
    }
    for (const at of [10, 20, 30, 40, 50]) await store.collect(T + at);
  }
  const db = new Database(path, { readonly: true });
  assert.deepEqual(db.prepare("SELECT first, last FROM expired").all(), [{ first: 1, last: 5 }]);
  db.close();
});

Deno.test("sqlite store: commits are synced (FULL) after a write and after every opening", async () => {
  using folder = temporaryFolder();
  for (const n of [1, 2, 3]) {
    await using store = await openSqliteStore({ path: `${folder.path}/relay.db`, limits: roomy });
    if (n === 1) await withMailboxes(store);
    await store.enqueue(message(1, n));
    assert.equal(await store.synchronous(), 2);
  }
});

Deno.test("sqlite store: what the store closed over is committed, what comes later is refused", async () => {
  using folder = temporaryFolder();
  const options = { path: `${folder.path}/relay.db`, limits: roomy };
  const store = await withMailboxes(await openSqliteStore(options));
  const sent = sendMany(store, 1, 100);
  await store[Symbol.asyncDispose]();
  assert.ok((await sent).every(({ kind }) => kind === "stored"));
  await assert.rejects(store.enqueue(message(1, 200)), { code: "draining" });
  await assert.rejects(store.room(device(1)), { code: "draining" });
  await using again = await openSqliteStore(options);
  assert.equal((await seqs(again, 1)).length, 100);
});

Deno.test("sqlite store: the database, its log and its reserve are private", async () => {
  using folder = temporaryFolder();
  await using store = await openSqliteStore({ path: `${folder.path}/relay.db`, limits: roomy });
  await withMailboxes(store);
  const names = [...Deno.readDirSync(folder.path)].map(({ name }) => name).sort();
  assert.deepEqual(names, ["relay.db", "relay.db-reserve", "relay.db-shm", "relay.db-wal"]);
  for (const name of names) assert.equal((Deno.statSync(`${folder.path}/${name}`).mode ?? 0) & 0o777, 0o600, name);
});

Deno.test("sqlite store: the log stays below 64 MiB under a long load", async () => {
  using folder = temporaryFolder();
  await using store = await withMailboxes(await openSqliteStore({ path: `${folder.path}/relay.db`, limits: roomy }));
  let largest = 0;
  for (let round = 0; round < 30; round++) {
    await Promise.all(
      Array.from({ length: 100 }, (_, i) => store.enqueue(message(1, round * 100 + i, { size: 30_000 }))),
    );
    await store.acknowledge(device(1), [{ first: 1, last: (round + 1) * 100 }]);
    largest = Math.max(largest, Deno.statSync(`${folder.path}/relay.db-wal`).size);
  }
  assert.ok(largest > 0 && largest < 64 * 1024 * 1024, `the log had ${largest} bytes`);
});

Deno.test("sqlite store: a copy is whole, private and never written over anything", async () => {
  using folder = temporaryFolder();
  const copy = `${folder.path}/copy.db`;
  {
    await using store = await withMailboxes(await openSqliteStore({ path: `${folder.path}/relay.db`, limits: roomy }));
    await sendMany(store, 1, 50);
    const [, results] = await Promise.all([store.backup(copy), sendMany(store, 2, 200)]);
    assert.ok(results.every(({ kind }) => kind === "stored"));
    await assert.rejects(store.backup(copy), { code: "would_overwrite" });
    await assert.rejects(store.backup(`${folder.path}/none/copy.db`), { code: "cannot_create" });
  }
  assert.equal((Deno.statSync(copy).mode ?? 0) & 0o777, 0o600);
  await using restored = await openSqliteStore({ path: copy, limits: roomy });
  assert.equal((await seqs(restored, 1)).length, 50);
  assert.deepEqual(await restored.check(), []);
});

Deno.test("sqlite store: a database of every earlier schema opens and is brought up to date", async () => {
  for (let version = 0; version <= migrations.length; version++) {
    using folder = temporaryFolder();
    const path = `${folder.path}/relay.db`;
    if (version > 0) {
      const db = new Database(path);
      migrate(db, migrations.slice(0, version));
      db.close();
    }
    await using store = await withMailboxes(await openSqliteStore({ path, limits: roomy }));
    assert.equal((await store.enqueue(message(1, 1))).kind, "stored");
  }
});

Deno.test("sqlite store: a message accepted before schema 2 is known, and its time is said to be unknown", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  const { recipient, sender, id, bodyHash } = message(1, 1);
  {
    const db = new Database(path);
    migrate(db, migrations.slice(0, 1));
    db.prepare("INSERT INTO mailboxes (id, device, account, next_seq) VALUES (1, ?, ?, 8)").run(recipient, recipient);
    db.prepare(
      "INSERT INTO dedup (mailbox, id, sender, body_hash, seq, expires, until) VALUES (1, ?, ?, ?, 7, ?, ?)",
    ).run(id, sender, bodyHash, T, T);
    db.close();
  }
  await using store = await openSqliteStore({ path, limits: roomy });
  assert.deepEqual(await store.tombstone(recipient, sender, id), { seq: 7, bodyHash, receivedAtMs: 0 });
  assert.deepEqual(await store.enqueue(message(1, 1)), { kind: "duplicate", seq: 7, expiresAtMs: T, receivedAtMs: 0 });
});

Deno.test("sqlite store: a database newer than the program is refused and left alone", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  const db = new Database(path);
  migrate(db, [...migrations, { version: 999, sql: "CREATE TABLE future (a)" }]);
  db.close();
  await assert.rejects(openSqliteStore({ path, limits: roomy }), { code: "config", message: /schema 999/ });
});

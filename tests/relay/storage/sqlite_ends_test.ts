/**
 * However a start fails or a database thread ends, the log stays beside the database that is marked as having one: SQLite
 * removes it with its last connection, and the next start would take it for lost.
 * @module
 */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { openSqliteStore } from "../../../relay/storage/sqlite.ts";
import { sqliteWorkerPlace } from "../../../relay/storage/sqlite_worker_place.ts";
import { device, message, roomy, seqs, T, withMailboxes } from "../../contracts/store_scene.ts";
import { temporaryFolder } from "./temporary_folder.ts";

const options = (path: string) => ({ path, limits: roomy, now: () => T, minFreeBytes: 64 * 1024 });

Deno.test("regression: a start that fails behind the check of the database is repeated, and has all that was accepted", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  {
    await using store = await withMailboxes(await openSqliteStore(options(path)));
    await store.enqueue(message(1, 1));
  }
  Deno.removeSync(`${path}-reserve`);
  Deno.mkdirSync(`${path}-reserve`);
  await assert.rejects(openSqliteStore(options(path)), /directory/i);
  Deno.removeSync(`${path}-reserve`);
  await using store = await openSqliteStore(options(path));
  assert.deepEqual(await seqs(store, 1), [1]);
});

Deno.test("regression: a database thread that meets an unforeseen error says so and leaves its log", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  await (await withMailboxes(await openSqliteStore(options(path))))[Symbol.asyncDispose]();
  const worker = new Worker(sqliteWorkerPlace, { type: "module" });
  const answers: { id: number | null; error?: { message: string } }[] = [];
  let next = Promise.withResolvers<void>();
  worker.onerror = (event) => {
    event.preventDefault();
    next.reject(new Error(`the thread ended by itself: ${event.message}`));
  };
  worker.onmessage = ({ data }) => {
    answers.push(data);
    next.resolve();
  };
  worker.postMessage({ id: 1, args: [{ role: "write", path, minFreeBytes: 0, nowMs: T }] });
  await next.promise;
  next = Promise.withResolvers();
  worker.postMessage(null); // nothing that the near end sends: only a fault of the program comes to this
  await next.promise;
  worker.terminate();
  assert.deepEqual(answers[0], { id: 1, value: null });
  assert.equal(answers[1].id, null);
  assert.match(answers[1].error!.message, /null/);
  assert.ok(Deno.statSync(`${path}-wal`).isFile);
  await using store = await openSqliteStore(options(path));
  assert.deepEqual(await seqs(store, 1), []);
});

Deno.test("regression: a store that could not move its log leaves it, also when nobody has read yet", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  let log: Uint8Array;
  {
    await using store = await withMailboxes(await openSqliteStore({ ...options(path), minFreeBytes: 0 }));
    // Somebody who reads keeps the log from being moved, so that it grows.
    const reading = new Database(path);
    reading.exec("BEGIN");
    reading.prepare("SELECT count(*) FROM messages").get();
    for (let n = 1; n <= 5; n++) await store.enqueue(message(1, n, { size: 3000 }));
    reading.close();
    log = Deno.readFileSync(`${path}-wal`);
    // While this lasts the pages in it cannot be read.
    Deno.truncateSync(`${path}-wal`, 32);
    await store.acknowledge(device(2), [{ first: 1, last: 1 }]); // nothing to commit, and then the log is due
    const failure = await store.failed.catch((thrown) => thrown);
    assert.equal(failure.code, "store_damaged");
    Deno.writeFileSync(`${path}-wal`, log);
  }
  assert.deepEqual(Deno.readFileSync(`${path}-wal`), log);
  await using store = await openSqliteStore(options(path));
  assert.deepEqual(await seqs(store, 1), [1, 2, 3, 4, 5]);
});

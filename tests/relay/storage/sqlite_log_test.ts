/**
 * The write-ahead log holds what was accepted last: its loss or damage is seen, and no crash is taken for it.
 * @module
 */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { readLogFrames } from "../../../relay/storage/log_frames.ts";
import { openSqliteStore } from "../../../relay/storage/sqlite.ts";
import { closeLeavingLog, openForWriting } from "../../../relay/storage/sqlite_connection.ts";
import { device, message, roomy, seqs, T, withMailboxes } from "../../contracts/store_scene.ts";
import { temporaryFolder } from "./temporary_folder.ts";

const options = (path: string) => ({ path, limits: roomy, now: () => T, minFreeBytes: 4 * 1024 * 1024 });

/** A database and its log as a killed relay leaves them: ten commits, none of them in the database file. */
async function killed(path: string): Promise<Uint8Array> {
  await using store = await withMailboxes(await openSqliteStore(options(path)));
  for (let n = 1; n <= 10; n++) await store.enqueue(message(1, n, { size: 3000 }));
  const [database, log] = [Deno.readFileSync(path), Deno.readFileSync(`${path}-wal`)];
  Deno.writeFileSync(`${path}.killed`, database);
  return log;
}

const frame = 24 + 4096;

Deno.test("sqlite log: a killed relay's log is taken up again; without the log the start is refused and nothing touched", async () => {
  using folder = temporaryFolder();
  const log = await killed(`${folder.path}/first.db`);
  const path = `${folder.path}/first.db.killed`;
  const before = Deno.readFileSync(path);
  await assert.rejects(openSqliteStore(options(path)), { code: "store_damaged", message: /-wal is missing/ });
  assert.deepEqual(Deno.readFileSync(path), before);
  Deno.writeFileSync(`${path}-wal`, log);
  await using store = await openSqliteStore(options(path));
  assert.equal((await seqs(store, 1)).length, 10);
});

Deno.test("sqlite log: a flipped bit before the last two commits is refused and named, and the log stays as it is", async () => {
  using folder = temporaryFolder();
  const log = await killed(`${folder.path}/first.db`);
  const path = `${folder.path}/first.db.killed`;
  const database = Deno.readFileSync(path);
  const frames = Math.floor((log.length - 32) / frame);
  assert.ok(frames > 20, `${frames} frames`);
  const places = [
    3,
    9,
    17,
    20,
    25,
    32 + 2,
    32 + 9,
    32 + 17,
    32 + frame * 3 + 5,
    32 + frame * 4 + 2000,
    32 + frame * 5 + 12,
  ];
  for (const at of places) {
    const flipped = log.slice();
    flipped[at] ^= 0x10;
    Deno.writeFileSync(`${path}-wal`, flipped);
    await assert.rejects(openSqliteStore(options(path)), {
      code: "store_damaged",
      message: /write-ahead log is damaged/,
    });
    assert.deepEqual(Deno.readFileSync(path), database, `byte ${at}`);
    assert.deepEqual(Deno.readFileSync(`${path}-wal`), flipped, `byte ${at}`);
  }
});

Deno.test("sqlite log: a commit cut off by a crash at any byte is no damage", async () => {
  using folder = temporaryFolder();
  const log = await killed(`${folder.path}/first.db`);
  const { whole } = readLogFrames(log);
  assert.equal(readLogFrames(log).damage, null);
  const lastCommit = whole.findLastIndex(({ commits }, i) => commits && i < whole.length - 1) + 1;
  for (let at = 32 + lastCommit * frame; at < log.length; at += 511) {
    assert.equal(readLogFrames(log.subarray(0, at)).damage, null, `cut at ${at}`);
    const torn = log.slice();
    torn.fill(0x5a, at, at + 512);
    assert.equal(readLogFrames(torn).damage, null, `torn at ${at}`);
    assert.equal(readLogFrames(torn).whole.length, lastCommit);
  }
});

Deno.test("sqlite log: a log that began anew, cut off at any byte of its new head, is no damage", async () => {
  using folder = temporaryFolder();
  const log = await killed(`${folder.path}/first.db`);
  const next = log.slice();
  const view = new DataView(next.buffer);
  view.setUint32(12, view.getUint32(12) + 1);
  view.setUint32(16, view.getUint32(16) + 1);
  crypto.getRandomValues(next.subarray(20, 32));
  for (let cut = 0; cut <= 24; cut++) {
    const torn = log.slice();
    torn.set(next.subarray(0, cut));
    assert.equal(readLogFrames(torn).damage, null, `${cut} bytes of the new head`);
  }
});

Deno.test("sqlite log: a store closed in order, and a copy of it, need no log", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  {
    await using store = await withMailboxes(await openSqliteStore(options(path)));
    await store.enqueue(message(1, 1));
    await store.backup(`${folder.path}/copy.db`);
  }
  assert.throws(() => Deno.statSync(`${path}-wal`), Deno.errors.NotFound);
  for (const name of ["relay.db", "copy.db"]) {
    await using store = await openSqliteStore(options(`${folder.path}/${name}`));
    assert.deepEqual(await seqs(store, 1), [1]);
  }
});

Deno.test("regression: a damaged database whose log holds commits is refused with both files left as they are", async () => {
  using folder = temporaryFolder();
  const log = await killed(`${folder.path}/first.db`);
  const path = `${folder.path}/damaged.db`;
  const { whole } = readLogFrames(log);
  // A page that the log does not cover, so that the damage is seen behind it.
  const covered = new Set(whole.map(({ page }) => page));
  const database = Deno.readFileSync(`${folder.path}/first.db.killed`);
  const page = Array.from({ length: database.length / 4096 }, (_, i) => i + 1).find((n) => n > 1 && !covered.has(n))!;
  database.fill(0xaa, (page - 1) * 4096, page * 4096);
  Deno.writeFileSync(path, database);
  Deno.writeFileSync(`${path}-wal`, log);
  await assert.rejects(openSqliteStore(options(path)), { code: "store_damaged" });
  assert.deepEqual(Deno.readFileSync(path), database);
  assert.deepEqual(Deno.readFileSync(`${path}-wal`), log);
});

Deno.test("regression: a store that met damage leaves its log as it is when it closes, and starts again with it", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  let log: Uint8Array;
  {
    await using store = await withMailboxes(await openSqliteStore(options(path)));
    for (let n = 1; n <= 5; n++) await store.enqueue(message(1, n, { size: 3000 }));
    const db = new Database(path);
    db.exec("UPDATE messages SET crc = crc + 1 WHERE slot = (1 << 36) | 5");
    db.close();
    await assert.rejects(store.fetch(device(1), 0, 10, 1e6, T), { code: "store_damaged" });
    log = Deno.readFileSync(`${path}-wal`);
  }
  assert.deepEqual(Deno.readFileSync(`${path}-wal`), log);
  await using store = await openSqliteStore(options(path));
  assert.equal((await store.fetch(device(1), 0, 3, 1e6, T)).messages.length, 3);
});

Deno.test("regression: a start that fails leaves an empty log where it is: the next one does not take it for lost", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  // As a relay that was killed right after it had emptied its log leaves them.
  const writer = openForWriting(path);
  writer.pragma("wal_checkpoint(TRUNCATE)");
  closeLeavingLog(writer, path);
  assert.equal(Deno.statSync(`${path}-wal`).size, 0);
  const bytes = Deno.readFileSync(path);
  const damaged = bytes.slice();
  damaged.fill(0xff, 4096, 4096 + 16);
  Deno.writeFileSync(path, damaged);
  assert.throws(() => openForWriting(path), /damaged|malformed/);
  assert.ok(Deno.statSync(`${path}-wal`).isFile);
  Deno.writeFileSync(path, bytes);
  openForWriting(path).close();
});

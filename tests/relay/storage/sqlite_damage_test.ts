/**
 * Damage is seen, named and final: nothing is acknowledged after it and nothing is deleted.
 * @module
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import Database from "better-sqlite3";
import { openSqliteStore } from "../../../relay/storage/sqlite.ts";
import { device, message, roomy, sendMany, T, withMailboxes } from "../../contracts/store_scene.ts";
import { temporaryFolder } from "./temporary_folder.ts";

async function filled(path: string): Promise<void> {
  await using store = await withMailboxes(await openSqliteStore({ path, limits: roomy }));
  await sendMany(store, 1, 500);
}

const damages: [what: string, damage: (bytes: Uint8Array) => Uint8Array][] = [
  ["a flipped header", (bytes) => (bytes[3] ^= 0xff, bytes)],
  ["no database at all", () => new TextEncoder().encode("hello ".repeat(2_000))],
  ["a file cut in half", (bytes) => bytes.subarray(0, Math.floor(bytes.length / 8192) * 4096)],
  ["a page of zeros", (bytes) => (bytes.fill(0, 4096 * 3, 4096 * 4), bytes)],
];

for (const [what, damage] of damages) {
  Deno.test(`sqlite damage: ${what} is refused at the start and left as it is`, async () => {
    using folder = temporaryFolder();
    const path = `${folder.path}/relay.db`;
    await filled(path);
    const damaged = damage(Deno.readFileSync(path)).slice();
    Deno.writeFileSync(path, damaged);
    await assert.rejects(openSqliteStore({ path, limits: roomy }), { code: "store_damaged" });
    assert.deepEqual(Deno.readFileSync(path), damaged);
  });
}

for (const name of ["next_seq", "version", "dedup", "envelope"]) {
  Deno.test(`regression: ${name} with one bit flipped where the tables are described is damage, not a bug`, async () => {
    using folder = temporaryFolder();
    const path = `${folder.path}/relay.db`;
    await filled(path);
    const bytes = Buffer.from(Deno.readFileSync(path));
    // On the pages that hold the descriptions the last letter of each mention becomes another one.
    for (let start = 0; start < bytes.length; start += 4096) {
      const page = bytes.subarray(start, start + 4096);
      if (!page.includes("CREATE TABLE")) continue;
      for (let at = page.indexOf(name); at >= 0; at = page.indexOf(name, at + 1)) page[at + name.length - 1] ^= 1;
    }
    Deno.writeFileSync(path, bytes);
    const opened = openSqliteStore({ path, limits: roomy }).then(async (store) => {
      await using _store = store;
      await store.fetch(device(1), 0, 5, 1e6, T);
      await store.enqueue(message(1, 1_000));
    });
    await assert.rejects(opened, { code: "store_damaged" });
  });
}

Deno.test("sqlite damage: one flipped bit in a stored envelope is seen by reader and check, and ends the store", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  await filled(path);
  const db = new Database(path);
  db.exec("UPDATE messages SET envelope = zeroblob(length(envelope)) WHERE slot = (1 << 36) | 7");
  db.close();
  await using store = await openSqliteStore({ path, limits: roomy });
  assert.match((await store.check()).join(), /message 7 of mailbox 1 does not match its checksum/);
  await store.fetch(device(1), 0, 5, 1e6, T);
  await assert.rejects(store.fetch(device(1), 0, 500, 1e6, T), { code: "store_damaged" });
  await assert.rejects(store.failed, { code: "store_damaged" });
  await assert.rejects(store.enqueue(message(2, 1)), { code: "store_damaged" });
  await assert.rejects(store.stats(), { code: "store_damaged" });
});

Deno.test("sqlite damage: a corrupt page met by a commit ends the store, and no waiting call is acknowledged", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  await filled(path);
  await using store = await openSqliteStore({ path, limits: roomy });
  using db = closing(new Database(path));
  const pages = db.prepare("SELECT pageno FROM dbstat WHERE name LIKE '%dedup%'").pluck().all() as number[];
  db.pragma("wal_checkpoint(TRUNCATE)");
  // A write by another connection makes the store's own one forget its cached pages.
  db.exec("UPDATE schema_version SET version = version");
  using file = Deno.openSync(path, { write: true });
  for (const page of pages) {
    file.seekSync((page - 1) * 4096, Deno.SeekMode.Start);
    file.writeSync(new Uint8Array(4096).fill(0xaa));
  }
  const calls = Array.from({ length: 600 }, (_, i) => store.enqueue(message(1, i + 400)));
  const settled = await Promise.allSettled([...calls, store.acknowledge(device(1), [{ first: 1, last: 500 }])]);
  const refused = settled.filter(({ status }) => status === "rejected");
  assert.equal(refused.length, settled.length);
  for (const each of refused) assert.equal((each as PromiseRejectedResult).reason.code, "store_damaged");
  await assert.rejects(store.failed, { code: "store_damaged" });
  await assert.rejects(store.room(device(1)), { code: "store_damaged" });
});

function closing(db: Database.Database): Database.Database & Disposable {
  return Object.assign(db, { [Symbol.dispose]: () => void db.close() });
}

const quiet: [what: string, sql: string][] = [
  ["a mailbox whose next number was given already", "UPDATE mailboxes SET next_seq = 400 WHERE id = 1"],
  [
    "a mailbox whose next number was given to a message that is read",
    "DELETE FROM messages; UPDATE mailboxes SET next_seq = 400, messages = 0, bytes = 0",
  ],
  ["a counter that does not fit", "UPDATE mailboxes SET bytes = bytes + 1 WHERE id = 1"],
];

for (const [what, sql] of quiet) {
  Deno.test(`regression: ${what} is refused at the start`, async () => {
    using folder = temporaryFolder();
    const path = `${folder.path}/relay.db`;
    await filled(path);
    const db = new Database(path);
    db.exec(sql);
    db.close();
    await assert.rejects(openSqliteStore({ path, limits: roomy }), {
      code: "store_damaged",
      message: /counters of mailbox 1/,
    });
  });
}

Deno.test("regression: an index that lost a row, and with it a mailbox, is refused at the start", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  await filled(path);
  const db = new Database(path);
  const [page] = db.prepare("SELECT pageno FROM dbstat WHERE name LIKE 'sqlite_autoindex_mailboxes%'").pluck()
    .all() as number[];
  db.close();
  const bytes = Deno.readFileSync(path);
  const key = device(1);
  for (let at = (page - 1) * 4096; at <= page * 4096 - 32; at++) {
    if (key.every((byte, i) => bytes[at + i] === byte)) bytes[at + 20] ^= 1;
  }
  Deno.writeFileSync(path, bytes);
  await assert.rejects(openSqliteStore({ path, limits: roomy }), {
    code: "store_damaged",
    message: /missing from index|damaged/,
  });
});

/** What the store notes for the own other devices, whoever changes it, and what it knows after an upgrade. @module */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { conversationWith } from "../../client/conversations.ts";
import { migrations } from "../../client/storage/schema.ts";
import { openSqliteStore } from "../../client/storage/sqlite.ts";

const KEY = new Uint8Array(32).fill(5);
const BOB = new Uint8Array(32).fill(1);

Deno.test("a store of before knows its contacts and how far was read, and has nothing to tell until something changes", async () => {
  const folder = await Deno.makeTempDir({ prefix: "qight-upgrade-" });
  const path = `${folder}/store.db`;
  const db = new Database(path);
  db.pragma("cipher = 'sqlcipher'");
  (db as unknown as { key(key: Uint8Array): void }).key(Buffer.from(new TextEncoder().encode(`x'${KEY.toHex()}'`)));
  const before = migrations.findIndex((step) => step.includes("CREATE TABLE own_contact"));
  for (const step of migrations.slice(0, before)) db.exec(step);
  db.pragma(`user_version = ${before}`);
  db.prepare("INSERT INTO contact VALUES ('bob', 'Bob', ?, 1, 0, 77, NULL)").run(BOB);
  db.prepare("INSERT INTO conversation (name, last_at_ms) VALUES (?, 1)").run(conversationWith(BOB));
  const add = db.prepare(
    "INSERT INTO history (conversation, author, device, id, at_ms, state, verified, text) VALUES (?, ?, ?, ?, ?, ?, 1, 'x')",
  );
  const lines = [[10, "read"], [30, "read"], [20, "read"], [40, "unread"], [50, "sent"]] as const;
  for (const [atMs, state] of lines) {
    add.run(conversationWith(BOB), BOB, BOB, new Uint8Array(16).fill(atMs), atMs, state);
  }
  db.close();
  try {
    await using store = await openSqliteStore({ path, key: KEY });
    await store.read(({ ownChanges }) => {
      assert.equal(ownChanges.isDirty(), false);
      const { name, verified, changedAtMs, removed } = ownChanges.contact(BOB)!;
      assert.deepEqual([name, verified, changedAtMs, removed], ["Bob", true, 77, false]);
      assert.equal(ownChanges.read(BOB)!.readUntilMs, 30);
    });
    await store.write(({ history }) => history.markRead(conversationWith(BOB), 9, 1));
    const { contacts, reads } = await store.read(({ ownChanges }) => ownChanges.dirty(9));
    assert.deepEqual([contacts, reads], [[], [{ conversation: BOB, readUntilMs: 40 }]]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("what is shown at once is read as well, what was imported or sent from here is not; nothing is told twice", async () => {
  await using store = await openSqliteStore({ path: ":memory:", key: KEY });
  const add = (atMs: number, state: "read" | "sent", place?: number) =>
    store.write(({ history }) => {
      const line = { conversation: conversationWith(BOB), author: BOB, device: BOB, verified: true, text: "x" };
      history.add({ ...line, id: new Uint8Array(16).fill(atMs), atMs, state }, [], 1, place);
    });
  const reads = () => store.read(({ ownChanges }) => ownChanges.dirty(9).reads.map(({ readUntilMs }) => readUntilMs));
  await add(90, "read", -5);
  await add(91, "sent");
  assert.deepEqual(await reads(), []);
  await add(20, "read");
  await add(10, "read");
  assert.deepEqual(await reads(), [20]);
  const { reads: first } = await store.read(({ ownChanges }) => ownChanges.dirty(9));
  await add(30, "read");
  await store.write(({ ownChanges }) => ownChanges.told([], first));
  assert.deepEqual(await reads(), [30]);
  const { reads: second } = await store.read(({ ownChanges }) => ownChanges.dirty(9));
  await store.write(({ ownChanges }) => ownChanges.told([], second));
  assert.deepEqual(await reads(), []);
});

Deno.test("a name whose digits were compared means another account: the other devices lose the one and get the other", async () => {
  await using store = await openSqliteStore({ path: ":memory:", key: KEY });
  const row = { name: "bob", verified: false, blocked: false, addedAtMs: 1, offered: null };
  const next = new Uint8Array(32).fill(2);
  await store.write(({ contacts }) => contacts.put({ ...row, account: BOB }));
  await store.write(({ contacts }) => contacts.put({ ...row, account: BOB, offered: next }));
  await store.write(({ ownChanges }) => ownChanges.told(ownChanges.dirty(9).contacts, []));
  // An offer is of this device alone.
  await store.write(({ contacts }) => contacts.put({ ...row, account: BOB, offered: null }));
  assert.equal(await store.read(({ ownChanges }) => ownChanges.isDirty()), false);
  await store.write(({ contacts }) => contacts.put({ ...row, account: next, verified: true }));
  const { contacts } = await store.read(({ ownChanges }) => ownChanges.dirty(9));
  assert.deepEqual(
    contacts.map(({ account, name, verified, removed }) => [account[0], name, verified, removed]),
    [[1, "", false, true], [2, "bob", true, false]],
  );
});

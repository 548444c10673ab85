/**
 * Groups on real files: across kills and faults, in copies, and read out of a damaged database.
 * @module
 */
import { findsEach } from "./changed_rows.ts";
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { CONTENT_GROUP, signEnvelope } from "../../../crypto/envelope.ts";
import { salvageDatabase } from "../../../relay/storage/salvage/salvage.ts";
import { openSqliteStore } from "../../../relay/storage/sqlite.ts";
import type { NewCommit } from "../../../relay/storage/store.ts";
import { createHash } from "node:crypto";
import { accepted, bounds, commit, group, said, withGroup } from "../../contracts/group_scene.ts";
import { keyPackage } from "../../contracts/key_package_contract.ts";
import { device, key, message, roomy, seqs, T, withMailboxes } from "../../contracts/store_scene.ts";
import { person } from "../../helpers/people.ts";
import { killedAfter } from "./killed_writer_run.ts";
import { temporaryFolder } from "./temporary_folder.ts";

const options = (path: string) => ({ path, limits: roomy, now: () => T, minFreeBytes: 1024 * 1024 });
const NAME = key(20, 1);

Deno.test("a KeyPackage is handed out once, also when the relay is killed while it hands them out", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  const count = 600;
  {
    await using store = await withMailboxes(await openSqliteStore(options(path)));
    const packages = Array.from(
      { length: count },
      (_, i) => keyPackage(i + 1, { keyPackage: Uint8Array.of((i + 1) >> 8, (i + 1) & 255, 0) }),
    );
    await store.keyPackages.publish(device(2), 83, packages, { nowMs: T, maxSingleUse: 1000, maxLastResort: 1 });
  }
  const handed: number[] = [];
  for (let round = 0; round < 3; round++) handed.push(...await killedAfter(path, "claim", 20));
  await using store = await openSqliteStore(options(path));
  const claim = { account: key(5, 2), suite: 83, except: device(1), validUntilMs: T, singleUse: true };
  for (;;) {
    const { packages: [found] } = await store.keyPackages.claim(claim);
    if (!found) break;
    handed.push(found.keyPackage[0] * 256 + found.keyPackage[1]);
  }
  assert.equal(new Set(handed).size, handed.length, "nobody got what another got");
  assert.ok(handed.length >= count - 3, "a kill costs the one that was on its way, at most");
  assert.deepEqual(await store.check(), []);
});

Deno.test("a message to a group is with all of its members or with none when the relay is killed, and what was acknowledged is there", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  {
    await using _ = await withGroup(await withMailboxes(await openSqliteStore(options(path))), 4);
  }
  const acknowledged = await killedAfter(path, "send", 30);
  await using store = await openSqliteStore(options(path));
  const mail = await Promise.all([2, 3, 4].map((n) => seqs(store, n)));
  assert.deepEqual(mail[1], mail[0]);
  assert.deepEqual(mail[2], mail[0]);
  assert.ok(mail[0].length >= acknowledged.length && mail[0].length <= acknowledged.length + 1);
  assert.deepEqual(await store.check(), []);
});

Deno.test("a fault at one of the members leaves nothing at the others, and others' messages go on in the same commit", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  await using store = await withGroup(await withMailboxes(await openSqliteStore(options(path))), 4);
  const db = new Database(path);
  const [{ id, next_seq: next }] = db.prepare("SELECT id, next_seq FROM mailboxes WHERE device = ?")
    .all(device(4)) as { id: number; next_seq: number }[];
  // The place that the next message of the last member takes is taken.
  db.prepare("INSERT INTO messages (slot, received, expires, crc, envelope) VALUES ((? << 36) | ?, 0, 9e15, 0, x'00')")
    .run(id, next);
  const before = await store.stats();
  const [first, failed, last] = await Promise.allSettled([
    store.enqueue(message(2, 1)),
    store.groups.enqueue(said(2, 1)),
    store.enqueue(message(3, 3)),
  ]);
  assert.deepEqual([first.status, failed.status, last.status], ["fulfilled", "rejected", "fulfilled"]);
  assert.deepEqual([(await seqs(store, 2)).length, (await seqs(store, 3)).length], [1, 1]);
  assert.equal((await store.stats()).bytes - before.bytes, 200);
  db.prepare("DELETE FROM messages WHERE slot = (? << 36) | ?").run(id, next);
  db.close();
  assert.equal((await store.groups.enqueue(said(2, 1))).kind, "offered");
  assert.deepEqual([(await seqs(store, 2)).length, (await seqs(store, 4)).length], [2, 1]);
  assert.deepEqual(await store.check(), []);
});

/** A database with real people, a group at epoch 2, a signed message to it, a Welcome and KeyPackages. */
async function filled(path: string) {
  const people = await Promise.all([1, 2, 3].map((n) => person(n, T)));
  const keys = people.map(({ device }) => device.publicKey);
  await using store = await openSqliteStore(options(path));
  for (const { bundle, device } of people) {
    const { account, version, bytes } = bundle;
    await store.putBundle({ account, version, bundle: bytes, devices: [device.publicKey] }, 0);
  }
  const by = { device: keys[0], account: people[0].account.hash };
  assert.equal(await store.groups.create(group(by), bounds), "stored");
  const next = (epoch: number, welcomed: Uint8Array[]): NewCommit => {
    const made = commit(epoch, [], { device: keys[0] });
    const commitHash = createHash("sha256").update(made.commit).digest();
    const welcome = welcomed.length > 0 ? new Uint8Array(400).fill(7) : null;
    return { ...made, commitHash, roster: keys, welcomed, welcome };
  };
  accepted(await store.groups.commit(next(0, keys.slice(1)), bounds));
  accepted(await store.groups.commit(next(1, []), bounds));
  await store.groups.welcomed(NAME, keys[1], 1);
  const envelope = await signEnvelope(people[0].device, {
    ...{ id: new Uint8Array(16).fill(1), sender: keys[0], recipient: NAME, createdAtMs: T, ttlS: 0 },
    ...{ contentType: CONTENT_GROUP, payload: new Uint8Array(5000).fill(9) },
  });
  const sent = { ...said(1, 2, { sender: keys[0], expiresAtMs: T + 1e9 }), envelope };
  assert.equal((await store.groups.enqueue(sent)).kind, "offered");
  await store.keyPackages.publish(keys[1], 83, [keyPackage(1)], { nowMs: T, maxSingleUse: 9, maxLastResort: 1 });
  return { keys, envelope };
}

async function lookAt(path: string, keys: readonly Uint8Array[]) {
  await using store = await openSqliteStore(options(path));
  assert.deepEqual(await store.check(), []);
  const asking = { device: keys[2], joinKeyHash: null, nowMs: T };
  return {
    mail: await Promise.all(
      keys.map(async (one) =>
        (await store.fetch(one, 0, 99, 1e6, T)).messages.map((
          { envelope, notice, seq },
        ) => [seq, envelope.length, notice])
      ),
    ),
    seen: await store.groups.get(NAME, asking),
    log: (await store.groups.commits(NAME, keys[2], 0, 99, 1e6))?.commits,
    welcome: await store.groups.welcome(NAME, keys[2]),
    lists: await Promise.all(keys.map((one) => store.groups.list(one))),
    bytes: (await store.stats()).bytes,
  };
}

Deno.test("a copy holds groups, logs, Welcomes and what lies in mailboxes", async () => {
  using folder = temporaryFolder();
  const [path, copy] = ["relay.db", "copy.db"].map((name) => `${folder.path}/${name}`);
  const { keys } = await filled(path);
  {
    await using store = await openSqliteStore(options(path));
    await store.backup(copy);
  }
  const [before, after] = [await lookAt(path, keys), await lookAt(copy, keys)];
  assert.deepEqual(after, before);
  assert.equal(before.mail[2].length, 3);
  await using store = await openSqliteStore(options(copy));
  assert.deepEqual(await store.keyPackages.count(keys[1], 83, T), { singleUse: 1, lastResort: false });
});

Deno.test("salvage: groups come over whole with their messages and notices; KeyPackages are left to be published again", async () => {
  using folder = temporaryFolder();
  const [path, saved] = ["relay.db", "saved.db"].map((name) => `${folder.path}/${name}`);
  const { keys } = await filled(path);
  const report = await salvageDatabase({ source: path, log: new Uint8Array(0), target: saved, nowMs: T });
  const { groups, lostGroups, lost, damaged, damagedPages, renumbered, messages } = report;
  assert.deepEqual({ groups, lostGroups, lost, damaged, damagedPages, renumbered, messages }, {
    ...{ groups: 1, lostGroups: 0, lost: 0, damaged: [], damagedPages: 0, renumbered: 0, messages: 2 },
  });
  assert.deepEqual(await lookAt(saved, keys), await lookAt(path, keys));
  await using store = await openSqliteStore(options(saved));
  assert.deepEqual(await store.keyPackages.count(keys[1], 83, T), { singleUse: 0, lastResort: false });
});

Deno.test("salvage: a group whose roster is damaged is counted as lost, a payload that is damaged costs its messages", async () => {
  using folder = temporaryFolder();
  const [path, saved] = ["relay.db", "saved.db"].map((name) => `${folder.path}/${name}`);
  const { keys } = await filled(path);
  const db = new Database(path);
  db.prepare("UPDATE group_states SET crc = crc + 1 WHERE slot & 68719476735 = 2").run();
  db.prepare("UPDATE payloads SET envelope = zeroblob(5000)").run();
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.close();
  const report = await salvageDatabase({ source: path, log: new Uint8Array(0), target: saved, nowMs: T });
  assert.deepEqual([report.groups, report.lostGroups, report.damaged.length, report.lost], [0, 1, 2, 2]);
  const { mail, seen } = await lookAt(saved, keys);
  assert.deepEqual([mail.map((one) => one.length), seen], [[0, 2, 2], null]);
});

Deno.test("a store finds what of groups does not fit together", async () => {
  await findsEach([
    ["UPDATE payloads SET crc = crc + 1", /payload 1 does not match|message 3 of mailbox/],
    ["UPDATE payload_refs SET pointers = 9", /payload 1 does not count/],
    ["DELETE FROM payloads", /payload 1 is missing/],
    ["UPDATE commits SET crc = crc + 1", /commit \d+ does not match/],
    ["UPDATE welcomes SET bytes = zeroblob(400)", /Welcome 1 does not match/],
    ["UPDATE group_states SET roster = zeroblob(96)", /group state \d+ does not match/],
    ["UPDATE groups SET bytes = 1", /group 1 does not count/],
    ["DELETE FROM members WHERE device = (SELECT min(device) FROM members)", /roster of group 1/],
    ["UPDATE key_packages SET bytes = x'00'", /KeyPackage 1 does not match/],
  ], filled);
});

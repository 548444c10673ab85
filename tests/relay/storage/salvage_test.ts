/**
 * What can be read out of a damaged database comes over byte for byte, and what cannot is counted.
 * @module
 */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { salvageDatabase } from "../../../relay/storage/salvage/salvage.ts";
import { openSqliteStore } from "../../../relay/storage/sqlite.ts";
import { roomy } from "../../contracts/store_scene.ts";
import { seeded } from "../../prove/random.ts";
import { salvagedRows } from "../../prove/disk/stored_accounts.ts";
import { type StoredMail, storeMail, type View, viewOf } from "../../prove/disk/stored_mail.ts";
import { temporaryFolder } from "./temporary_folder.ts";

/** A database and what is in it. */
async function filled(path: string): Promise<{ mail: StoredMail; view: View; bytes: Uint8Array }> {
  const mail = await storeMail(path, seeded(7), 120);
  const bytes = Deno.readFileSync(path);
  return { mail, view: viewOf(path, mail), bytes };
}

async function salvaged(folder: string, bytes: Uint8Array, log = new Uint8Array(0)) {
  Deno.writeFileSync(`${folder}/damaged.db`, bytes);
  const target = `${folder}/new-${crypto.randomUUID()}.db`;
  const report = await salvageDatabase({ source: `${folder}/damaged.db`, log, target, nowMs: Date.now() });
  assert.deepEqual(Deno.readFileSync(`${folder}/damaged.db`), bytes, "the damaged file is only read");
  return { report, target };
}

/** Pages of a table or index, from 1. */
function pagesOf(path: string, name: string): number[] {
  const db = new Database(path, { readonly: true });
  try {
    return db.prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'").pluck().all(name) as number[];
  } finally {
    db.close();
  }
}

/** What comes over: dedup memory is made anew of the messages, and sessions by signing in. */
const kept = (view: View) => ({ ...view, dedup: null, ofAccounts: salvagedRows(view.ofAccounts) });

Deno.test("salvage: an intact database comes over whole, and nothing is called lost", async () => {
  using folder = temporaryFolder();
  const { mail, view, bytes } = await filled(`${folder.path}/relay.db`);
  const { report, target } = await salvaged(folder.path, bytes);
  assert.deepEqual(kept(viewOf(target, mail)), kept(view));
  const { lost, lostKeys, damaged, renumbered, damagedPages, logDamage } = report;
  assert.deepEqual({ lost, lostKeys, damaged, renumbered, damagedPages, logDamage }, {
    lost: 0,
    lostKeys: 0,
    damaged: [],
    renumbered: 0,
    damagedPages: 0,
    logDamage: null,
  });
  assert.equal(report.messages, view.mailboxes.reduce((sum, { texts }) => sum + texts.length, 0));
  await using store = await openSqliteStore({ path: target, limits: roomy, minFreeBytes: 64 * 1024 });
  assert.deepEqual(await store.check(), []);
});

Deno.test("regression: salvage: a number that dedup memory cannot have is damage, one a little ahead is believed", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  const { mail, view } = await filled(path);
  const db = new Database(path);
  const [first, second] = db.prepare("SELECT id FROM mailboxes ORDER BY id").pluck().all() as number[];
  db.prepare("UPDATE dedup SET seq = 1 << 35 WHERE mailbox = ? AND seq = 1").run(
    first,
  );
  db.prepare("UPDATE dedup SET seq = 5000 WHERE mailbox = ? AND seq = 1").run(second);
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.close();
  const { report, target } = await salvaged(folder.path, Deno.readFileSync(path));
  assert.deepEqual([report.lost, report.renumbered], [0, 1]);
  const found = viewOf(target, mail).mailboxes;
  assert.deepEqual(found.map(({ texts }) => texts), view.mailboxes.map(({ texts }) => texts));
  assert.ok(found.every(({ lastSeq }) => lastSeq < 2 ** 34) && found.some(({ lastSeq }) => lastSeq > 5000));
});

Deno.test("regression: salvage: a cell whose length or number is no number is one lost message, not the end", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  const { bytes } = await filled(path);
  const [page, other] = pagesOf(path, "messages");
  // Nine bytes of ones are -1 (sqlite.org/fileformat2.html §1.6): first as a length, then as a rowid behind one.
  const at = (page: number, cell: number) => {
    const start = (page - 1) * 4096;
    return start + (bytes[start + 8 + cell * 2] << 8 | bytes[start + 9 + cell * 2]);
  };
  bytes.fill(0xff, at(page, 0), at(page, 0) + 9);
  bytes.fill(0xff, at(other, 0) + 2, at(other, 0) + 11);
  const { report } = await salvaged(folder.path, bytes);
  assert.equal(report.lost, 2);
});

Deno.test("regression: salvage: a message that looks like a notice by one flipped bit comes over as the message it is", async () => {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  const { mail, view } = await filled(path);
  const db = new Database(path);
  // What a bit of the column's type does: type 0 is NULL, type 8 the number 0 (sqlite.org/fileformat2.html §2.1).
  assert.equal(
    db.prepare("UPDATE messages SET payload = 0 WHERE slot = (SELECT min(slot) FROM messages)").run().changes,
    1,
  );
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.close();
  const { report, target } = await salvaged(folder.path, Deno.readFileSync(path));
  assert.deepEqual(viewOf(target, mail).mailboxes, view.mailboxes);
  assert.equal(report.lost, 0);
});

Deno.test("salvage: with its head, schema and inner pages gone a database still gives up every message", async () => {
  using folder = temporaryFolder();
  const { mail, view, bytes } = await filled(`${folder.path}/relay.db`);
  const damaged = bytes.slice();
  damaged.fill(0x55, 0, 4096);
  for (let page = 4096; page < damaged.length; page += 4096) {
    if (damaged[page] === 5) damaged.fill(0xff, page, page + 4096); // an inner page of a table
  }
  const { report, target } = await salvaged(folder.path, damaged);
  const found = viewOf(target, mail);
  view.mailboxes.forEach(({ texts, lastSeq }, i) => {
    const there = new Set(found.mailboxes[i].texts);
    assert.deepEqual(texts.filter((text) => !there.has(text)), []);
    assert.equal(found.mailboxes[i].lastSeq, lastSeq);
  });
  // The list of free pages was in the head: messages that their readers had acknowledged may come back, and only those.
  const extra = found.mailboxes.flatMap(({ texts }, i) =>
    texts.filter((text) => !view.mailboxes[i].texts.includes(text))
  );
  assert.ok(extra.every((text) => Number(text.split(" ")[0]) <= 12), extra.join("; "));
  assert.equal(report.lost, 0);
});

Deno.test("salvage: a message with a flipped bit is left behind and named by its number, all others come over", async () => {
  using folder = temporaryFolder();
  const { mail, view, bytes } = await filled(`${folder.path}/relay.db`);
  const [victim] = pagesOf(`${folder.path}/relay.db`, "messages");
  const damaged = bytes.slice();
  damaged[victim * 4096 - 100] ^= 1; // the first cell lies at the end of its page
  const { report, target } = await salvaged(folder.path, damaged);
  assert.equal(report.lost, 1);
  assert.equal(report.damaged.length, 1);
  const [{ seq, device }] = report.damaged;
  const found = viewOf(target, mail);
  const box = mail.people.findIndex((each) => each.device.publicKey.toHex() === device!.toHex());
  view.mailboxes.forEach(({ texts, lastSeq }, i) => {
    const expected = texts.filter((text) => i !== box || Number(text.split(" ")[0]) !== seq);
    assert.deepEqual(found.mailboxes[i].texts, expected);
    assert.equal(found.mailboxes[i].lastSeq, lastSeq);
  });
});

Deno.test("salvage: without their own rows mailboxes are found by their messages, and no number is given twice", async () => {
  using folder = temporaryFolder();
  const { mail, view, bytes } = await filled(`${folder.path}/relay.db`);
  const damaged = bytes.slice();
  for (const page of pagesOf(`${folder.path}/relay.db`, "mailboxes")) damaged.fill(0, (page - 1) * 4096, page * 4096);
  const { report, target } = await salvaged(folder.path, damaged);
  assert.equal(report.renumbered, 4 + 9, "four who write, one of them without mail, and nine with accounts alone");
  const found = viewOf(target, mail);
  view.mailboxes.forEach(({ texts, lastSeq }, i) => {
    assert.deepEqual(found.mailboxes[i].texts, texts);
    assert.ok(found.mailboxes[i].lastSeq > lastSeq);
  });
});

Deno.test("salvage: a database cut in half gives up what is in the first half; one of noise gives up nothing", async () => {
  using folder = temporaryFolder();
  const { mail, view, bytes } = await filled(`${folder.path}/relay.db`);
  const { report, target } = await salvaged(folder.path, bytes.slice(0, bytes.length / 2 - 100));
  assert.ok(report.messages > 10 && report.lost > 0, JSON.stringify(report));
  const all = new Set(view.mailboxes.flatMap(({ texts }) => texts));
  const found = (viewOf(target, mail)).mailboxes.flatMap(({ texts }) => texts);
  assert.ok(found.every((text) => all.has(text)), "nothing comes over that was not there");
  const noise = new Uint8Array(100_000);
  for (let at = 0; at < noise.length; at += 50_000) crypto.getRandomValues(noise.subarray(at, at + 50_000));
  assert.equal((await salvaged(folder.path, noise)).report.messages, 0);
});

Deno.test("salvage: rows that are only in the write-ahead log come over, also from behind damage in it", async () => {
  using folder = temporaryFolder();
  const { mail, view } = await filled(`${folder.path}/relay.db`);
  const path = `${folder.path}/relay.db`;
  const killed = { bytes: new Uint8Array(0), log: new Uint8Array(0) };
  {
    await using store = await openSqliteStore({ path, limits: roomy, minFreeBytes: 4 * 1024 * 1024 });
    for (const { device } of mail.people) await store.acknowledge(device.publicKey, [{ first: 1, last: 20 }]);
    await store.allowAccount(new Uint8Array(32), "the last commit");
    killed.bytes = Deno.readFileSync(path);
    killed.log = Deno.readFileSync(`${path}-wal`);
  }
  const after = viewOf(path, mail);
  assert.notDeepEqual(after, view);
  const { target } = await salvaged(folder.path, killed.bytes, killed.log);
  assert.deepEqual(kept(viewOf(target, mail)), kept(after));
  const flipped = killed.log.slice();
  flipped[32 + 24 + 4000] ^= 1;
  const behind = await salvaged(folder.path, killed.bytes, flipped);
  assert.match(behind.report.logDamage!, /frame 1 of the write-ahead log is damaged/);
  const found = viewOf(behind.target, mail);
  assert.deepEqual(found.mailboxes.map(({ texts }) => texts), after.mailboxes.map(({ texts }) => texts));
});

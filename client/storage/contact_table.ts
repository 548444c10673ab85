/**
 * The store's table of contacts.
 * @module
 */
import type Database from "better-sqlite3";
import type { ContactRow, ContactTable } from "./store.ts";

interface Row {
  readonly name: string;
  readonly account: Uint8Array;
  readonly verified: number;
  readonly blocked: number;
  readonly added_at_ms: number;
  readonly offered: Uint8Array | null;
}

/** The table over an open database. */
export function contactTable(db: Database.Database): ContactTable {
  const columns = "name, account, verified, blocked, added_at_ms, offered";
  const put = db.prepare(
    `INSERT INTO contact (folded, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (folded) DO UPDATE SET ` +
      "name = excluded.name, account = excluded.account, verified = excluded.verified, blocked = excluded.blocked, " +
      "offered = excluded.offered",
  );
  const get = db.prepare(`SELECT ${columns} FROM contact WHERE folded = ?`);
  const ofAccount = db.prepare(`SELECT ${columns} FROM contact WHERE account = ?`);
  const all = db.prepare(`SELECT ${columns} FROM contact ORDER BY folded`);
  const blocked = db.prepare("SELECT account FROM contact WHERE blocked = 1").pluck();
  const remove = db.prepare("DELETE FROM contact WHERE folded = ?");
  return {
    put: ({ name, account, verified, blocked, addedAtMs, offered }) =>
      void put.run(folded(name), name, account, Number(verified), Number(blocked), addedAtMs, offered),
    get: (name) => contact(get.get(folded(name)) as Row | undefined),
    ofAccount: (account) => contact(ofAccount.get(account) as Row | undefined),
    all: () => (all.all() as Row[]).map((row) => contact(row)!),
    blocked: () => (blocked.all() as Uint8Array[]).map((account) => Uint8Array.from(account)),
    remove: (name) => void remove.run(folded(name)),
  };
}

/** One name however it is typed: Unicode compatibility forms and case do not make another person (UAX #15, NFKC). */
function folded(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

function contact(row: Row | undefined): ContactRow | null {
  if (!row) return null;
  return {
    name: row.name,
    account: Uint8Array.from(row.account),
    verified: row.verified === 1,
    blocked: row.blocked === 1,
    addedAtMs: row.added_at_ms,
    offered: row.offered && Uint8Array.from(row.offered),
  };
}

/**
 * The store's table of relays' receipts, beside the sent messages that they are about.
 * @module
 */
import type Database from "better-sqlite3";
import type { ReceiptTable } from "./store.ts";

/** The table over an open database. */
export function receiptTable(db: Database.Database): ReceiptTable {
  const put = db.prepare(
    "INSERT INTO receipt (id, device, body_hash, receipt) VALUES (?, ?, ?, ?) ON CONFLICT (id, device) DO UPDATE " +
      "SET receipt = coalesce(excluded.receipt, receipt)",
  );
  const get = db.prepare("SELECT body_hash, receipt FROM receipt WHERE id = ? AND device = ?");
  const remove = db.prepare("DELETE FROM receipt WHERE id = ?");
  return {
    put: (id, device, { bodyHash, receipt }) => void put.run(id, device, bodyHash, receipt),
    get(id, device) {
      const row = get.get(id, device) as { body_hash: Uint8Array; receipt: Uint8Array | null } | undefined;
      return row
        ? { bodyHash: Uint8Array.from(row.body_hash), receipt: row.receipt && Uint8Array.from(row.receipt) }
        : null;
    },
    remove: (id) => void remove.run(id),
  };
}

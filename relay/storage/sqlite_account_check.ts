/**
 * Whether what is kept of accounts fits together, and matches its checksums.
 * @module
 */
import { crc32 } from "node:zlib";
import type { Connection } from "./sqlite_connection.ts";

/** Counts of rows that cannot be, and what each says. */
const faults: readonly (readonly [sql: string, what: string])[] = [
  [
    "recovery_codes c WHERE NOT EXISTS (SELECT 1 FROM recoveries r WHERE r.account = c.account)",
    "recovery codes open nothing",
  ],
  [
    "accounts a WHERE EXISTS (SELECT 1 FROM ended_accounts e WHERE e.account = a.account)",
    "accounts have ended and are there",
  ],
  [
    "names n WHERE (account IS NULL) <> (held_until IS NOT NULL) OR (account IS NULL) <> (record IS NULL)",
    "names are neither taken nor held",
  ],
];

/** Faults that one row says of another. */
export function checkAccounts(db: Connection): string[] {
  return faults.flatMap(([sql, what]) => {
    const count = db.prepare(`SELECT count(*) FROM ${sql}`).pluck().get() as number;
    return count > 0 ? [`${count} ${what}`] : [];
  });
}

/** Columns with a checksum beside them. */
const guarded: readonly (readonly [sql: string, what: string])[] = [
  ["SELECT rowid AS id, crc, sealed AS bytes FROM recoveries", "recovery"],
  ["SELECT id, crc, evidence AS bytes FROM abuse_reports", "report"],
];

/** Rows that do not match their checksums, at most 20. */
export function accountChecksums(db: Connection): string[] {
  const found: string[] = [];
  for (const [sql, what] of guarded) {
    const rows = db.prepare(sql).iterate() as Iterable<{ id: number | string; crc: number; bytes: Uint8Array }>;
    for (const { id, crc, bytes } of rows) {
      if (found.length === 20) return found;
      if (crc32(bytes) !== crc) found.push(`${what} ${id} does not match its checksum`);
    }
  }
  return found;
}

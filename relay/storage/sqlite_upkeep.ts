/**
 * Long work on a database: the whole check and the consistent copy. Run in a worker of its own.
 * @module
 */
import { crc32 } from "node:zlib";
import Database from "better-sqlite3";
import { QightError } from "../../proto/errors.ts";
import type { Connection } from "./sqlite_connection.ts";
import { accountChecksums, checkAccounts } from "./sqlite_account_check.ts";
import { blobChecksums, checkBlobs } from "./sqlite_blob_check.ts";
import { checkGroups, groupChecksums } from "./sqlite_group_check.ts";
import { classify, failureOf } from "./sqlite_failure.ts";

/** What is wrong with the database, in words; empty when nothing is. */
export function checkDatabase(db: Connection): string[] {
  return db.transaction(() => [...checkPages(db, 20), ...checkCounters(db), ...checksums(db)])();
}

/** Writes a consistent copy to a new file (0600), synced. Throws `would_overwrite`, `cannot_create`, `storage_full`. */
export function copyDatabase(db: Connection, path: string): void {
  const file = create(path);
  try {
    // VACUUM INTO accepts an empty file, so the copy is private from its first byte.
    db.prepare("VACUUM INTO ?").run(path);
    releaseLog(path);
    file.syncSync();
  } catch (thrown) {
    Deno.removeSync(path);
    if (classify(thrown) === "full") throw failureOf(thrown);
    throw new QightError("io", `The copy ${path} could not be written: ${(thrown as Error).message}`, {
      cause: thrown,
    });
  } finally {
    file.close();
  }
}

/** The copy has no log: the mark that its original has one is taken out (log_check.ts). */
function releaseLog(path: string): void {
  const copy = new Database(path);
  try {
    copy.pragma("user_version = 0");
  } finally {
    copy.close();
  }
}

/**
 * Faults of pages and indices, `most` at most. The whole check: quick_check overlooks an index that has lost a row, and
 * through it a mailbox (0.3 s for 64 MiB).
 */
export function checkPages(db: Connection, most: number): string[] {
  const rows = db.pragma(`integrity_check(${most})`) as { integrity_check: string }[];
  return rows.map((row) => row.integrity_check).filter((word) => word !== "ok");
}

/** Mailboxes whose counters do not fit their messages, or whose next number was given already. */
export function checkCounters(db: Connection): string[] {
  const wrong = db.prepare(
    `SELECT m.id FROM mailboxes m LEFT JOIN
       (SELECT slot >> 36 AS mailbox, count(*) AS messages, sum(coalesce(size, length(envelope))) AS bytes,
          max(slot & 68719476735) AS last FROM messages GROUP BY slot >> 36) s ON s.mailbox = m.id LEFT JOIN
       (SELECT mailbox, max(seq) AS last FROM dedup GROUP BY mailbox) d ON d.mailbox = m.id
     WHERE m.messages <> coalesce(s.messages, 0) OR m.bytes <> coalesce(s.bytes, 0)
       OR max(coalesce(s.last, 0), coalesce(d.last, 0)) >= m.next_seq
     LIMIT 20`,
  ).all() as { id: number }[];
  return [
    ...wrong.map(({ id }) => `counters of mailbox ${id} do not match its messages`),
    ...checkGroups(db),
    ...checkBlobs(db),
    ...checkAccounts(db),
  ];
}

function checksums(db: Connection): string[] {
  const found = [...groupChecksums(db), ...blobChecksums(db), ...accountChecksums(db)];
  const rows = db.prepare(
    `SELECT m.slot >> 36 AS mailbox, m.slot & 68719476735 AS seq, m.crc,
       CASE WHEN m.payload > 0 THEN p.envelope ELSE m.envelope END AS envelope
     FROM messages m LEFT JOIN payloads p ON p.id = m.payload`,
  ).iterate() as Iterable<{ mailbox: number; seq: number; crc: number; envelope: Uint8Array | null }>;
  for (const { mailbox, seq, crc, envelope } of rows) {
    if (found.length >= 20) break;
    const matches = envelope !== null && crc32(envelope) === crc;
    if (!matches) found.push(`message ${seq} of mailbox ${mailbox} does not match its checksum`);
  }
  return found;
}

function create(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { createNew: true, write: true, mode: 0o600 });
  } catch (cause) {
    const exists = cause instanceof Deno.errors.AlreadyExists;
    throw new QightError(exists ? "would_overwrite" : "cannot_create", `Cannot create ${path}`, { cause });
  }
}

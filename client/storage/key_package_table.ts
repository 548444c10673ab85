/**
 * The store's table of own KeyPackages with their secrets.
 * @module
 */
import type Database from "better-sqlite3";
import type { KeyPackageRow, KeyPackageTable } from "./group_rows.ts";

/** SQL of the table; a step of schema.ts. */
export const keyPackageSchema = `
  CREATE TABLE key_package (
    ref BLOB PRIMARY KEY,
    relay TEXT NOT NULL,
    suite INTEGER NOT NULL,
    key_package BLOB NOT NULL,
    secret BLOB NOT NULL,
    last_resort INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    published INTEGER NOT NULL,
    used INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX key_package_open ON key_package (relay, suite, published);
  CREATE INDEX key_package_expires ON key_package (expires_at_ms);
`;

/** The table over an open database. */
export function keyPackageTable(db: Database.Database): KeyPackageTable {
  const put = db.prepare(
    "INSERT OR IGNORE INTO key_package (ref, relay, suite, key_package, secret, last_resort, created_at_ms, " +
      "expires_at_ms, published, used) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const get = db.prepare("SELECT * FROM key_package WHERE ref = ?");
  const all = db.prepare("SELECT * FROM key_package ORDER BY last_resort DESC, created_at_ms, ref");
  const unpublished = db.prepare(
    "SELECT * FROM key_package WHERE relay = ? AND suite = ? AND published = 0 ORDER BY created_at_ms, ref",
  );
  const publish = db.prepare("UPDATE key_package SET published = 1 WHERE ref = ?");
  const lastResort = db.prepare(
    "SELECT * FROM key_package WHERE relay = ? AND suite = ? AND last_resort = 1 ORDER BY created_at_ms DESC LIMIT 1",
  );
  const erase = db.prepare("DELETE FROM key_package WHERE ref = ? AND last_resort = 0");
  const drop = db.prepare("DELETE FROM key_package WHERE ref = ? AND published = 0");
  const mark = db.prepare("UPDATE key_package SET used = 1 WHERE ref = ?");
  const purge = db.prepare("DELETE FROM key_package WHERE expires_at_ms < ?");
  const forgetAll = db.prepare("DELETE FROM key_package");
  return {
    put: (row) =>
      void put.run(
        row.ref,
        row.relay,
        row.suite,
        row.keyPackage,
        row.secret,
        Number(row.lastResort),
        row.createdAtMs,
        row.expiresAtMs,
        Number(row.published),
        Number(row.used),
      ),
    all: () => all.all().map((row) => packageOf(row)!),
    get: (ref) => packageOf(get.get(ref)),
    unpublished: (relay, suite) => unpublished.all(relay, suite).map((row) => packageOf(row)!),
    published: (refs) => refs.forEach((ref) => publish.run(ref)),
    lastResort: (relay, suite) => packageOf(lastResort.get(relay, suite)),
    drop: (refs) => refs.forEach((ref) => drop.run(ref)),
    use(ref) {
      erase.run(ref);
      mark.run(ref);
    },
    purge: (nowMs) => purge.run(nowMs).changes,
    forgetAll: () => void forgetAll.run(),
  };
}

function packageOf(found: unknown): KeyPackageRow | null {
  const row = found as Record<string, unknown> | undefined;
  if (!row) return null;
  return {
    relay: row.relay as string,
    suite: row.suite as number,
    ref: bytes(row.ref),
    keyPackage: bytes(row.key_package),
    secret: bytes(row.secret),
    lastResort: row.last_resort === 1,
    createdAtMs: row.created_at_ms as number,
    expiresAtMs: row.expires_at_ms as number,
    published: row.published === 1,
    used: row.used === 1,
  };
}

function bytes(value: unknown): Uint8Array {
  return Uint8Array.from(value as Uint8Array);
}

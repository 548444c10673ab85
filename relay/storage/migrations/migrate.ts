/**
 * Brings a database of any earlier schema to the present one; refuses one from the future.
 * @module
 */
import type { Database } from "better-sqlite3";
import { QightError } from "../../../proto/errors.ts";
import { first } from "./0001_first.ts";
import { received } from "./0002_received.ts";
import { invites } from "./0003_invites.ts";
import { groups } from "./0004_groups.ts";
import { blobs } from "./0005_blobs.ts";
import { accounts } from "./0006_accounts.ts";

/** One step from schema `version - 1` to `version`. */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/** All steps in order; a released step never changes. */
export const migrations: readonly Migration[] = [first, received, invites, groups, blobs, accounts];

/** The schema that this program reads and writes. */
export const currentSchema = migrations[migrations.length - 1].version;

/** The schema of an open database; 0 when it is new. */
export function schemaOf(db: Database): number {
  const table = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'").get();
  if (table === undefined) return 0;
  const row = db.prepare("SELECT version FROM schema_version").get() as { version: number } | undefined;
  if (row === undefined) throw new QightError("store_damaged", "The database has a schema_version table without a row");
  return row.version;
}

/** Runs the missing steps, each in its own transaction. Throws `config` when the database is newer than the program. */
export function migrate(db: Database, steps: readonly Migration[] = migrations): void {
  const newest = steps[steps.length - 1].version;
  const found = schemaOf(db);
  if (found > newest) {
    throw new QightError("config", `The database has schema ${found}, this program knows up to ${newest}`, {
      hint: "Start the newer qight that wrote it, or restore a backup made before the update.",
    });
  }
  for (const step of steps) {
    if (step.version > found) apply(db, step);
  }
}

function apply(db: Database, step: Migration): void {
  db.transaction(() => {
    db.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL) STRICT");
    db.exec(step.sql);
    db.exec("DELETE FROM schema_version");
    db.prepare("INSERT INTO schema_version (version) VALUES (?)").run(step.version);
  }).immediate();
}

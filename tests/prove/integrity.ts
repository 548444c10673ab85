/**
 * Asks SQLite itself whether a relay's database is whole, on a copy, so that looking changes nothing.
 * @module
 */
import { existsSync } from "node:fs";
import Database from "better-sqlite3";
import { Folder } from "./processes.ts";

/** Copies a database with its log as they lie there and checks the copy; answers what SQLite complains about. */
export function integrityOfCopy(databasePath: string): string[] {
  using folder = new Folder();
  const copy = `${folder.path}/copy.db`;
  Deno.copyFileSync(databasePath, copy);
  if (existsSync(`${databasePath}-wal`)) Deno.copyFileSync(`${databasePath}-wal`, `${copy}-wal`);
  const database = new Database(copy);
  try {
    const rows = database.pragma("integrity_check") as { integrity_check: string }[];
    return rows.map((row) => row.integrity_check).filter((word) => word !== "ok");
  } finally {
    database.close();
  }
}

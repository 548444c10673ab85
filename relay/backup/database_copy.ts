/**
 * Looks into a copied database before anything relies on it.
 * @module
 */

import { QightError } from "../../proto/errors.ts";

/** Throws `bad_backup` unless the file is an undamaged SQLite database that holds tables. */
export async function checkDatabaseCopy(path: string): Promise<void> {
  const { default: Database } = await import("better-sqlite3");
  let problem: string | null;
  try {
    const database = new Database(path, { fileMustExist: true });
    try {
      const rows = database.pragma("integrity_check") as { integrity_check: string }[];
      const tables = database.prepare("SELECT count(*) AS n FROM sqlite_master WHERE type = 'table'").get() as {
        n: number;
      };
      problem = rows[0]?.integrity_check !== "ok"
        ? rows[0]?.integrity_check ?? "no answer"
        : tables.n === 0
        ? "it holds no tables"
        : null;
    } finally {
      database.close();
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new QightError("bad_backup", `The database in the backup cannot be opened: ${reason}`, { cause });
  }
  if (problem !== null) throw new QightError("bad_backup", `The database in the backup is damaged: ${problem}`);
}

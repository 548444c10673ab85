/** What a store says of itself after somebody changed its rows behind its back. @module */
import assert from "node:assert/strict";
import Database from "better-sqlite3";
import { openSqliteStore } from "../../../relay/storage/sqlite.ts";
import { roomy, T } from "../../contracts/store_scene.ts";
import { temporaryFolder } from "./temporary_folder.ts";

/** An SQL statement that changes something, and what `check` must say then. */
export type ChangedRow = readonly [sql: string, expected: RegExp];

/** Fills one store, and has each change found on a copy of it. */
export async function findsEach(changes: readonly ChangedRow[], fill: (path: string) => Promise<unknown>) {
  using folder = temporaryFolder();
  const path = `${folder.path}/relay.db`;
  await fill(path);
  const whole = Deno.readFileSync(path);
  for (const [sql, expected] of changes) {
    Deno.writeFileSync(path, whole);
    await using store = await openSqliteStore({ path, limits: roomy, now: () => T, minFreeBytes: 1024 * 1024 });
    const db = new Database(path);
    db.exec(sql);
    db.close();
    assert.match((await store.check()).join("; "), expected, sql);
  }
}

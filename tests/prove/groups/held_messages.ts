/** The group messages on a relay's disk, as somebody who took the disk sees them. @module */
import Database from "better-sqlite3";
import { parseEnvelope } from "../../../crypto/envelope.ts";
import { readHeader } from "../../../crypto/mls/header.ts";
import { Folder } from "../processes.ts";

/** An MLS message and the epoch that it says it is of. */
export interface HeldMessage {
  readonly epoch: number;
  readonly bytes: Uint8Array;
}

/** Reads a copy of the database: the relay may be running. */
export function heldMessages(databasePath: string): HeldMessage[] {
  using folder = new Folder();
  const copy = `${folder.path}/copy.db`;
  Deno.copyFileSync(databasePath, copy);
  Deno.copyFileSync(`${databasePath}-wal`, `${copy}-wal`);
  const database = new Database(copy);
  try {
    const rows = database.prepare("SELECT envelope FROM payloads").all() as { envelope: Uint8Array }[];
    return rows.map(({ envelope }) => {
      const bytes = parseEnvelope(new Uint8Array(envelope)).payload;
      return { bytes, epoch: readHeader(bytes).epoch };
    });
  } finally {
    database.close();
  }
}

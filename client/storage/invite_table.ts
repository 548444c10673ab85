/**
 * The store's table of own invites.
 * @module
 */
import type Database from "better-sqlite3";
import type { InviteRow, InviteTable } from "./store.ts";

interface Row {
  readonly locator: Uint8Array;
  readonly relay: string;
  readonly maker: Uint8Array;
  readonly mac_key: Uint8Array;
  readonly contact_name: string;
  readonly state: InviteRow["state"];
  readonly created_at_ms: number;
  readonly expires_at_ms: number;
  readonly taker: Uint8Array | null;
}

/** The table over an open database. */
export function inviteTable(db: Database.Database): InviteTable {
  const columns = "locator, relay, maker, mac_key, contact_name, state, created_at_ms, expires_at_ms, taker";
  const put = db.prepare(
    `INSERT INTO invite (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (locator) DO UPDATE SET state = excluded.state, taker = excluded.taker`,
  );
  const get = db.prepare(`SELECT ${columns} FROM invite WHERE locator = ?`);
  const all = db.prepare(`SELECT ${columns} FROM invite ORDER BY created_at_ms, locator`);
  const purge = db.prepare("DELETE FROM invite WHERE expires_at_ms < ?");
  return {
    put: (row) =>
      void put.run(
        row.locator,
        row.relay,
        row.maker,
        row.macKey,
        row.contactName,
        row.state,
        row.createdAtMs,
        row.expiresAtMs,
        row.taker,
      ),
    get: (locator) => invite(get.get(locator) as Row | undefined),
    all: () => (all.all() as Row[]).map((row) => invite(row)!),
    purge: (expiredBeforeMs) => purge.run(expiredBeforeMs).changes,
  };
}

function invite(row: Row | undefined): InviteRow | null {
  if (!row) return null;
  return {
    locator: Uint8Array.from(row.locator),
    relay: row.relay,
    maker: Uint8Array.from(row.maker),
    macKey: Uint8Array.from(row.mac_key),
    contactName: row.contact_name,
    state: row.state,
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
    taker: row.taker && Uint8Array.from(row.taker),
  };
}

/** Own invites: what the answer of whoever takes one is checked with. The secret itself is not kept. */
export const inviteSchema = `
  CREATE TABLE invite (
    locator BLOB PRIMARY KEY,
    relay TEXT NOT NULL,
    maker BLOB NOT NULL,
    mac_key BLOB NOT NULL,
    contact_name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'accepted', 'revoked')),
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    taker BLOB
  ) STRICT, WITHOUT ROWID;
`;

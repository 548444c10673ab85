/**
 * Sessions in the writer, and when devices were last here.
 * @module
 */
import type { Statement } from "better-sqlite3";
import type { StoredSession } from "./account_store.ts";
import type { Connection } from "./sqlite_connection.ts";
import type { Mailboxes } from "./sqlite_mailboxes.ts";

/** Rows that one step of collection removes. */
const collectRows = 256;

/** How exactly is kept when a device was here, milliseconds. */
export const SEEN_EVERY_MS = 60 * 60 * 1000;

/** Statements on sessions, all inside the transaction of the batch. */
export class Sessions {
  readonly #mailboxes: Mailboxes;
  readonly #put: Statement;
  readonly #touch: Statement;
  readonly #end: Statement;
  readonly #endAll: Statement;
  readonly #ofDevice: Statement;
  readonly #seen: Statement;
  readonly #forgetSeen: Statement;
  readonly #collect: Statement;

  constructor(db: Connection, mailboxes: Mailboxes) {
    this.#mailboxes = mailboxes;
    this.#put = db.prepare(
      "INSERT OR REPLACE INTO sessions (token_hash, device, account, created, expires) VALUES (?, ?, ?, ?, ?)",
    );
    this.#touch = db.prepare("UPDATE sessions SET expires = max(expires, ?) WHERE token_hash = ?");
    this.#end = db.prepare("DELETE FROM sessions WHERE account = ? AND device = ?");
    this.#endAll = db.prepare("DELETE FROM sessions WHERE account = ? AND device IS NOT ?");
    this.#ofDevice = db.prepare("DELETE FROM sessions WHERE device = ?");
    this.#seen = db.prepare(
      `INSERT INTO devices_seen (device, seen) VALUES (?, ?)
       ON CONFLICT DO UPDATE SET seen = excluded.seen WHERE excluded.seen >= seen + ${SEEN_EVERY_MS}`,
    );
    this.#forgetSeen = db.prepare("DELETE FROM devices_seen WHERE device = ?");
    this.#collect = db.prepare(`DELETE FROM sessions WHERE expires <= ? ORDER BY expires LIMIT ${collectRows}`);
  }

  /** Replaces the one of that device. */
  put({ tokenHash, device, account, createdAtMs, expiresAtMs }: StoredSession): void {
    this.#put.run(tokenHash, device, account, createdAtMs, expiresAtMs);
  }

  /** Never moves an end nearer. */
  touch(tokenHash: Uint8Array, expiresAtMs: number): void {
    this.#touch.run(expiresAtMs, tokenHash);
  }

  /** False when there was none. */
  end(account: Uint8Array, device: Uint8Array): boolean {
    return this.#end.run(account, device).changes > 0;
  }

  /** Ends all sessions of an account but the one of `keep`. */
  endAll(account: Uint8Array, keep: Uint8Array | null): void {
    this.#endAll.run(account, keep);
  }

  /** A device is listed no more, or by another account. */
  drop(device: Uint8Array): void {
    this.#ofDevice.run(device);
    this.#forgetSeen.run(device);
  }

  /** Only of listed devices: the rows go with the list's. */
  seen(device: Uint8Array, atMs: number): void {
    if (this.#mailboxes.find(device)?.listed) this.#seen.run(device, atMs);
  }

  /** Removes some whose time is over; true when there may be more. */
  collect(nowMs: number): boolean {
    return this.#collect.run(nowMs).changes === collectRows;
  }
}

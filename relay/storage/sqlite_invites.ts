/**
 * Invites in the writer: keep, claim once, confirm, take back, expire.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { equal } from "../../crypto/equal.ts";
import type { Connection } from "./sqlite_connection.ts";
import type { InviteBounds, InviteClaim, InvitePut, NewInvite } from "./store.ts";

/** Rows that one step of collection removes. */
const collectRows = 256;

interface Row {
  readonly creator: Uint8Array;
  readonly record: Uint8Array | null;
  readonly expires: number;
  readonly until: number;
  readonly claimer: Uint8Array | null;
}

/** Statements on invites, all inside the transaction of the batch. */
export class Invites {
  readonly #get: Statement;
  readonly #count: Statement;
  readonly #insert: Statement;
  readonly #claim: Statement;
  readonly #confirm: Statement;
  readonly #revoke: Statement;
  readonly #drop: Statement;
  readonly #collect: Statement;

  constructor(db: Connection) {
    this.#get = db.prepare("SELECT creator, record, expires, until, claimer FROM invites WHERE locator = ?");
    this.#count = db.prepare(
      `SELECT count(*) AS remembered, count(*) FILTER (WHERE claimer IS NULL) AS open FROM invites
       WHERE creator = ? AND until > ?`,
    );
    this.#insert = db.prepare("INSERT INTO invites (locator, creator, record, expires, until) VALUES (?, ?, ?, ?, ?)");
    this.#claim = db.prepare("UPDATE invites SET claimer = ?, until = ? WHERE locator = ?");
    this.#confirm = db.prepare("UPDATE invites SET record = NULL WHERE locator = ? AND claimer = ?");
    this.#revoke = db.prepare("DELETE FROM invites WHERE locator = ? AND creator = ? AND claimer IS NULL");
    this.#drop = db.prepare("DELETE FROM invites WHERE creator = ?");
    this.#collect = db.prepare(`DELETE FROM invites WHERE until <= ? ORDER BY until LIMIT ${collectRows}`);
  }

  /** See Store. */
  put(
    { locator, creator, record, expiresAtMs }: NewInvite,
    { nowMs, maxOpen, maxRemembered }: InviteBounds,
  ): InvitePut {
    const known = this.#get.get(locator) as Row | undefined;
    if (known) {
      const same = known.record && equal(known.record, record) && equal(known.creator, creator);
      return same ? { kind: "stored", expiresAtMs: known.expires } : { kind: "taken" };
    }
    const { open, remembered } = this.#count.get(creator, nowMs) as { open: number; remembered: number };
    if (open >= maxOpen || remembered >= maxRemembered) return { kind: "too_many", open, remembered };
    this.#insert.run(locator, creator, record, expiresAtMs, expiresAtMs);
    return { kind: "stored", expiresAtMs };
  }

  /** See Store. */
  claim(locator: Uint8Array, device: Uint8Array, times: { nowMs: number; keepUntilMs: number }): InviteClaim {
    const row = this.#get.get(locator) as Row | undefined;
    if (!row || row.until <= times.nowMs) return { kind: "unknown" };
    if (row.claimer && !equal(row.claimer, device)) return { kind: "used" };
    if (!row.record) return { kind: "used" };
    if (!row.claimer) this.#claim.run(device, times.keepUntilMs, locator);
    return { kind: "claimed", record: Uint8Array.from(row.record) };
  }

  /** See Store. */
  confirm(locator: Uint8Array, device: Uint8Array): boolean {
    return this.#confirm.run(locator, device).changes > 0;
  }

  /** See Store. */
  revoke(locator: Uint8Array, creator: Uint8Array): boolean {
    return this.#revoke.run(locator, creator).changes > 0;
  }

  /** All of a device whose account has ended, claimed or not. */
  drop(creator: Uint8Array): void {
    this.#drop.run(creator);
  }

  /** Removes some rows whose time is over; true when there may be more. */
  collect(nowMs: number): boolean {
    return this.#collect.run(nowMs).changes === collectRows;
  }
}

/**
 * Blobs in the writer: claims, chunks in order, and their end.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { crc32 } from "node:zlib";
import type { BlobBegun, ChunkPut, NewBlob } from "./blob_store.ts";
import type { Connection } from "./sqlite_connection.ts";
import type { Mailboxes } from "./sqlite_mailboxes.ts";
import type { StoreLimits } from "./store.ts";

/** States of a blob (migrations/0005_blobs.ts). */
export const COMING = 0, WHOLE = 1, GONE = 2;

/** Chunks that one step of collection removes: 2 MiB at most, so that nobody waits for long. */
const collectChunks = 8;
/** Claims and blobs that one step of collection ends. */
const collectRows = 256;

/** A blob without its bytes. */
interface Row {
  id: number;
  size: number;
  received: number;
  state: number;
}

/** Statements on blobs, all inside the transaction of the batch. */
export class Blobs {
  readonly #mailboxes: Mailboxes;
  readonly #find: Statement;
  readonly #insert: Statement;
  readonly #claim: Statement;
  readonly #claimed: Statement;
  readonly #hasClaim: Statement;
  readonly #unclaim: Statement;
  readonly #claimsOf: Statement;
  readonly #latest: Statement;
  readonly #keepUntil: Statement;
  readonly #addChunk: Statement;
  readonly #received: Statement;
  readonly #finish: Statement;
  readonly #drop: Statement;
  readonly #expire: Statement;
  readonly #expireClaims: Statement;
  readonly #gone: Statement;
  readonly #lastChunks: Statement;
  readonly #deleteChunk: Statement;
  readonly #delete: Statement;

  constructor(db: Connection, mailboxes: Mailboxes) {
    this.#mailboxes = mailboxes;
    this.#find = db.prepare(`SELECT id, size, received, state FROM blobs WHERE sha256 = ? AND state < ${GONE}`);
    this.#insert = db.prepare(
      `INSERT INTO blobs (sha256, size, received, state, expires) VALUES (?, ?, 0, ${COMING}, ?)`,
    );
    this.#claim = db.prepare(
      `INSERT INTO blob_claims (account, sha256, size, until) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET until = max(until, excluded.until) RETURNING until`,
    ).pluck();
    this.#claimed = db.prepare(
      "SELECT coalesce(sum(size), 0) FROM blob_claims WHERE account = ? AND sha256 <> ? AND until > ?",
    ).pluck();
    this.#hasClaim = db.prepare("SELECT 1 FROM blob_claims WHERE account = ? AND sha256 = ?");
    this.#claimsOf = db.prepare("SELECT sha256 FROM blob_claims WHERE account = ?").pluck();
    this.#unclaim = db.prepare("DELETE FROM blob_claims WHERE account = ? AND sha256 = ?");
    this.#latest = db.prepare("SELECT max(until) FROM blob_claims WHERE sha256 = ?").pluck();
    this.#keepUntil = db.prepare("UPDATE blobs SET expires = ? WHERE id = ?");
    this.#addChunk = db.prepare("INSERT INTO blob_chunks (slot, crc, sha256, bytes) VALUES ((? << 28) | ?, ?, ?, ?)");
    this.#received = db.prepare("UPDATE blobs SET received = received + ? WHERE id = ?");
    this.#finish = db.prepare(
      `UPDATE blobs SET state = ${WHOLE},
         expires = coalesce((SELECT max(until) FROM blob_claims c WHERE c.sha256 = blobs.sha256), expires)
       WHERE id = ? AND state = ${COMING} AND received = size`,
    );
    this.#drop = db.prepare(`UPDATE blobs SET state = ${GONE}, expires = 0 WHERE id = ? AND state = ${COMING}`);
    this.#expire = db.prepare(
      `UPDATE blobs SET state = ${GONE}, expires = 0 WHERE id IN
         (SELECT id FROM blobs WHERE state IN (${COMING}, ${WHOLE}) AND expires <= ? LIMIT ${collectRows})`,
    );
    this.#expireClaims = db.prepare(`DELETE FROM blob_claims WHERE until <= ? ORDER BY until LIMIT ${collectRows}`);
    this.#gone = db.prepare(`SELECT id FROM blobs WHERE state = ${GONE} LIMIT 1`).pluck();
    this.#lastChunks = db.prepare(
      `SELECT slot, length(bytes) AS size FROM blob_chunks WHERE slot BETWEEN ? << 28 AND (? << 28) | 268435455
       ORDER BY slot DESC LIMIT ?`,
    );
    this.#deleteChunk = db.prepare("DELETE FROM blob_chunks WHERE slot = ?");
    this.#delete = db.prepare("DELETE FROM blobs WHERE id = ?");
  }

  /** See BlobStore. */
  begin(blob: NewBlob, limits: StoreLimits): BlobBegun {
    const { account, sha256, size, untilMs, unfinishedUntilMs, nowMs, quota } = blob;
    const known = this.#find.get(sha256) as Row | undefined;
    if (known && known.size !== size) return { kind: "other_size", size: known.size };
    const claimed = this.#claimed.get(account, sha256, nowMs) as number;
    if (claimed + size > quota) return { kind: "over_quota", claimed };
    const grown = size - (known?.received ?? 0);
    if (grown > 0 && this.#mailboxes.totals.bytes + grown > limits.maxTotal) return { kind: "storage_full" };
    if (!known) this.#insert.run(sha256, size, unfinishedUntilMs);
    const { id, received, state } = known ?? this.#find.get(sha256) as Row;
    const until = this.#claim.get(account, sha256, size, untilMs) as number;
    const whole = state === WHOLE;
    this.#keepUntil.run(whole ? this.#latest.get(sha256) : unfinishedUntilMs, id);
    return { kind: "begun", untilMs: until, id, size, received, whole };
  }

  /** See BlobStore. */
  append(account: Uint8Array, sha256: Uint8Array, offset: number, data: Uint8Array, limits: StoreLimits): ChunkPut {
    const known = this.#find.get(sha256) as Row | undefined;
    if (!known || this.#hasClaim.get(account, sha256) === undefined) return { kind: "unknown" };
    const { id, size, received } = known;
    if (offset !== received || known.state === WHOLE) return { kind: "out_of_order", received };
    if (offset + data.length > size) return { kind: "too_long", size };
    if (this.#mailboxes.totals.bytes + data.length > limits.maxTotal) return { kind: "storage_full" };
    this.#addChunk.run(id, offset, crc32(data), sha256, data);
    this.#received.run(data.length, id);
    this.#mailboxes.totals.bytes += data.length;
    return { kind: "stored", id, size, received: received + data.length, whole: false };
  }

  /** See BlobStore. */
  settle(id: number, good: boolean): void {
    (good ? this.#finish : this.#drop).run(id);
  }

  /** See BlobStore. */
  forget(account: Uint8Array, sha256: Uint8Array): boolean {
    if (this.#unclaim.run(account, sha256).changes === 0) return false;
    const known = this.#find.get(sha256) as Row | undefined;
    if (!known) return true;
    const latest = this.#latest.get(sha256) as number | null;
    // Nobody wants it any more: the next collection takes it.
    if (latest === null) this.#keepUntil.run(0, known.id);
    else if (known.state === WHOLE) this.#keepUntil.run(latest, known.id);
    return true;
  }

  /** Gives all claims of an account up. */
  forgetAll(account: Uint8Array): void {
    for (const sha256 of this.#claimsOf.all(account) as Uint8Array[]) this.forget(account, Uint8Array.from(sha256));
  }

  /** Ends what is over and removes some chunks of what is gone; true when there may be more. */
  collect(nowMs: number): boolean {
    const ended = this.#expire.run(nowMs).changes + this.#expireClaims.run(nowMs).changes;
    const id = this.#gone.get() as number | undefined;
    if (id === undefined) return ended > 0;
    const chunks = this.#lastChunks.all(id, id, collectChunks) as { slot: number; size: number }[];
    for (const { slot, size } of chunks) {
      this.#deleteChunk.run(slot);
      this.#received.run(-size, id);
      this.#mailboxes.totals.bytes -= size;
    }
    if (chunks.length < collectChunks) this.#delete.run(id);
    return true;
  }
}

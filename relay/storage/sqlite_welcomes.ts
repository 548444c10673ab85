/**
 * Welcomes and join keys in the writer: how somebody comes into a group.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { crc32 } from "node:zlib";
import type { JoinKeyPut, NewCommit, NewJoinKey } from "./group_store.ts";
import type { Connection } from "./sqlite_connection.ts";
import type { GroupRow } from "./sqlite_group_rows.ts";

/** Statements on Welcomes and join keys, all inside the transaction of the batch. Sizes are of what went or came. */
export class Welcomes {
  readonly #insert: Statement;
  readonly #point: Statement;
  readonly #waiting: Statement;
  readonly #unpoint: Statement;
  readonly #pointers: Statement;
  readonly #delete: Statement;
  readonly #ofEpoch: Statement;
  readonly #ofGroup: Statement;
  readonly #unpointAll: Statement;
  readonly #joinKey: Statement;
  readonly #countJoinKeys: Statement;
  readonly #putJoinKey: Statement;
  readonly #deleteJoinKey: Statement;
  readonly #deleteJoinKeys: Statement;

  constructor(db: Connection) {
    this.#insert = db.prepare(
      "INSERT INTO welcomes (grp, epoch, device, until, crc, bytes) VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#point = db.prepare("INSERT OR REPLACE INTO welcomed (device, grp, welcome) VALUES (?, ?, ?)");
    this.#waiting = db.prepare(
      `SELECT p.welcome AS id, w.epoch, length(w.bytes) AS size FROM welcomed p JOIN welcomes w ON w.id = p.welcome
       WHERE p.device = ? AND p.grp = ?`,
    );
    this.#unpoint = db.prepare("DELETE FROM welcomed WHERE device = ? AND grp = ?");
    this.#pointers = db.prepare("SELECT count(*) FROM welcomed WHERE welcome = ?").pluck();
    this.#delete = db.prepare("DELETE FROM welcomes WHERE id = ? RETURNING length(bytes) AS size");
    this.#ofEpoch = db.prepare("SELECT id FROM welcomes WHERE grp = ? AND epoch = ?").pluck();
    this.#ofGroup = db.prepare("SELECT id FROM welcomes WHERE grp = ?").pluck();
    this.#unpointAll = db.prepare("DELETE FROM welcomed WHERE welcome = ?");
    this.#joinKey = db.prepare("SELECT until FROM join_keys WHERE grp = ? AND hash = ?").pluck();
    this.#countJoinKeys = db.prepare("SELECT count(*) FROM join_keys WHERE grp = ? AND until > ?").pluck();
    this.#putJoinKey = db.prepare("INSERT OR REPLACE INTO join_keys (grp, hash, until) VALUES (?, ?, ?)");
    this.#deleteJoinKey = db.prepare("DELETE FROM join_keys WHERE grp = ? AND hash = ?");
    this.#deleteJoinKeys = db.prepare("DELETE FROM join_keys WHERE grp = ?");
  }

  /** Stores the Welcome of a commit once, for all whom it welcomes. */
  put(group: GroupRow, commit: NewCommit & { readonly welcome: Uint8Array }): number {
    const { epoch, device, welcomeUntilMs, welcome, welcomed } = commit;
    let freed = 0;
    for (const each of welcomed) freed += this.drop(group, each);
    const { lastInsertRowid } = this.#insert.run(group.id, epoch + 1, device, welcomeUntilMs, crc32(welcome), welcome);
    for (const each of welcomed) this.#point.run(each, group.id, lastInsertRowid);
    return welcome.length - freed;
  }

  /** No Welcome waits for a device any more; the last one takes it away. */
  drop(group: GroupRow, device: Uint8Array): number {
    const waiting = this.#waiting.get(device, group.id) as { id: number; size: number } | undefined;
    if (waiting === undefined) return 0;
    this.#unpoint.run(device, group.id);
    if (this.#pointers.get(waiting.id) as number > 0) return 0;
    this.#delete.get(waiting.id);
    return waiting.size;
  }

  /** The device is in the epoch that its Welcome leads to, or beyond. */
  joined(group: GroupRow, device: Uint8Array, epoch: number): number {
    const waiting = this.#waiting.get(device, group.id) as { epoch: number } | undefined;
    return waiting !== undefined && waiting.epoch <= epoch ? this.drop(group, device) : 0;
  }

  /** The epoch is no more. */
  dropOfEpoch(group: GroupRow, epoch: number): number {
    return this.#dropAll(this.#ofEpoch.all(group.id, epoch) as number[]);
  }

  /** The group is no more. */
  forget(group: GroupRow): void {
    this.#dropAll(this.#ofGroup.all(group.id) as number[]);
    this.#deleteJoinKeys.run(group.id);
  }

  /** Removes a Welcome that is over, whoever still waits; answers its size. */
  expire(id: number): number {
    return this.#dropAll([id]);
  }

  /** See Store. */
  putJoinKey(group: GroupRow, { keyHash, nowMs, expiresAtMs, max }: NewJoinKey): JoinKeyPut {
    if (group.direct) return { kind: "not_here" };
    const known = this.#joinKey.get(group.id, keyHash) as number | undefined;
    if (known !== undefined && known > nowMs) return { kind: "stored", expiresAtMs: known };
    if (this.#countJoinKeys.get(group.id, nowMs) as number >= max) return { kind: "too_many" };
    this.#putJoinKey.run(group.id, keyHash, expiresAtMs);
    return { kind: "stored", expiresAtMs };
  }

  /** See Store. */
  revokeJoinKey(group: GroupRow, keyHash: Uint8Array): boolean {
    return this.#deleteJoinKey.run(group.id, keyHash).changes > 0;
  }

  #dropAll(ids: readonly number[]): number {
    let size = 0;
    for (const id of ids) {
      this.#unpointAll.run(id);
      size += (this.#delete.get(id) as { size: number } | undefined)?.size ?? 0;
    }
    return size;
  }
}

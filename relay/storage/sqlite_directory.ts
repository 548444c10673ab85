/**
 * Sealing keys, tokens and allow list in the writer.
 * @module
 */
import type { Statement } from "better-sqlite3";
import type { StoredSealingKey, StoredToken } from "./store.ts";
import type { Connection } from "./sqlite_connection.ts";

/** Changes of what is looked up, all inside the transaction of the batch. */
export class Directory {
  readonly #sealingKey: Statement;
  readonly #putSealingKey: Statement;
  readonly #dropSealingKey: Statement;
  readonly #putToken: Statement;
  readonly #deleteToken: Statement;
  readonly #allow: Statement;
  readonly #disallow: Statement;

  constructor(db: Connection) {
    this.#sealingKey = db.prepare("SELECT created, sealing_key FROM sealing_keys WHERE device = ?");
    this.#putSealingKey = db.prepare(
      "INSERT OR REPLACE INTO sealing_keys (device, created, expires, sealing_key) VALUES (?, ?, ?, ?)",
    );
    this.#dropSealingKey = db.prepare("DELETE FROM sealing_keys WHERE device = ?");
    this.#putToken = db.prepare(
      "INSERT OR REPLACE INTO tokens (id, name, hash, created, expires) VALUES (?, ?, ?, ?, ?)",
    );
    this.#deleteToken = db.prepare("DELETE FROM tokens WHERE id = ? OR name = ?");
    this.#allow = db.prepare("INSERT OR REPLACE INTO allowed (account, note) VALUES (?, ?)");
    this.#disallow = db.prepare("DELETE FROM allowed WHERE account = ?");
  }

  /** False when a newer one, or another one of the same instant, is stored; repeating the same one is fine. */
  putSealingKey(key: StoredSealingKey): boolean {
    const stored = this.#sealingKey.get(key.device) as { created: number; sealing_key: Uint8Array } | undefined;
    if (stored !== undefined && stored.created >= key.createdAtMs) {
      return stored.created === key.createdAtMs && hex(stored.sealing_key) === hex(key.sealingKey);
    }
    this.#putSealingKey.run(key.device, key.createdAtMs, key.expiresAtMs, key.sealingKey);
    return true;
  }

  /** A device is listed no more. */
  dropSealingKey(device: Uint8Array): void {
    this.#dropSealingKey.run(device);
  }

  /** Adds a token, or replaces the one with this id. */
  putToken(token: StoredToken): void {
    this.#putToken.run(token.id, token.name, token.hash, token.createdAtMs, token.expiresAtMs);
  }

  /** By id or name; false when there is none. */
  deleteToken(idOrName: string): boolean {
    return this.#deleteToken.run(idOrName, idOrName).changes > 0;
  }

  /** Puts an account on the list, or changes its note. */
  allowAccount(account: Uint8Array, note: string): void {
    this.#allow.run(account, note);
  }

  /** False when it was not on the list. */
  disallowAccount(account: Uint8Array): boolean {
    return this.#disallow.run(account).changes > 0;
  }
}

/** Device keys one after the other, 32 bytes each. */
export function joinDevices(devices: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(devices.length * 32);
  devices.forEach((device, i) => joined.set(device, i * 32));
  return joined;
}

/** The keys again. */
export function splitDevices(joined: Uint8Array): Uint8Array[] {
  const devices: Uint8Array[] = [];
  for (let at = 0; at < joined.length; at += 32) devices.push(Uint8Array.from(joined.subarray(at, at + 32)));
  return devices;
}

function hex(bytes: Uint8Array): string {
  return Uint8Array.from(bytes).toHex();
}

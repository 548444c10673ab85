/**
 * Bundles, sealing keys, tokens and allow list in the writer.
 * @module
 */
import type { Statement } from "better-sqlite3";
import type { BundlePut, StoredBundle, StoredSealingKey, StoredToken } from "./store.ts";
import type { Connection } from "./sqlite_connection.ts";
import type { Mailboxes } from "./sqlite_mailboxes.ts";

/** Changes of the directory, all inside the transaction of the batch. */
export class Directory {
  readonly #mailboxes: Mailboxes;
  readonly #account: Statement;
  readonly #owner: Statement;
  readonly #putAccount: Statement;
  readonly #sealingKey: Statement;
  readonly #putSealingKey: Statement;
  readonly #putToken: Statement;
  readonly #deleteToken: Statement;
  readonly #allow: Statement;
  readonly #disallow: Statement;

  constructor(db: Connection, mailboxes: Mailboxes) {
    this.#mailboxes = mailboxes;
    this.#account = db.prepare("SELECT version, devices FROM accounts WHERE account = ?");
    this.#owner = db.prepare("SELECT account FROM mailboxes WHERE device = ? AND account IS NOT NULL");
    this.#putAccount = db.prepare(
      `INSERT INTO accounts (account, version, bundle, devices, created_from_ip) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (account) DO UPDATE SET version = excluded.version, bundle = excluded.bundle,
         devices = excluded.devices, created_from_ip = coalesce(created_from_ip, excluded.created_from_ip)`,
    );
    this.#sealingKey = db.prepare("SELECT created, sealing_key FROM sealing_keys WHERE device = ?");
    this.#putSealingKey = db.prepare(
      "INSERT OR REPLACE INTO sealing_keys (device, created, expires, sealing_key) VALUES (?, ?, ?, ?)",
    );
    this.#putToken = db.prepare(
      "INSERT OR REPLACE INTO tokens (id, name, hash, created, expires) VALUES (?, ?, ?, ?, ?)",
    );
    this.#deleteToken = db.prepare("DELETE FROM tokens WHERE id = ? OR name = ?");
    this.#allow = db.prepare("INSERT OR REPLACE INTO allowed (account, note) VALUES (?, ?)");
    this.#disallow = db.prepare("DELETE FROM allowed WHERE account = ?");
  }

  /** Compare-and-set; devices that left the bundle keep their numbers and lose their mailbox; `leaves` hears of each before. */
  putBundle(next: StoredBundle, expectedVersion: number, leaves: (device: Uint8Array) => void): BundlePut {
    const stored = this.#account.get(next.account) as { version: number; devices: Uint8Array } | undefined;
    if ((stored?.version ?? 0) !== expectedVersion) return "version_conflict";
    for (const device of next.devices) {
      const owner = this.#owner.get(device) as { account: Uint8Array } | undefined;
      if (owner !== undefined && hex(owner.account) !== hex(next.account)) return "device_taken";
    }
    const devices = joinDevices(next.devices);
    this.#putAccount.run(next.account, next.version, next.bundle, devices, next.createdFromIp ?? null);
    const kept = new Set(next.devices.map(hex));
    for (const device of splitDevices(stored?.devices ?? new Uint8Array())) {
      if (kept.has(hex(device))) continue;
      leaves(device);
      this.#mailboxes.assign(device, null);
    }
    for (const device of next.devices) this.#mailboxes.assign(device, next.account);
    if (stored === undefined) this.#mailboxes.totals.accounts++;
    return "stored";
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

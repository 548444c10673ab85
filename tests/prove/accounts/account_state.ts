/**
 * What an account is at the relay, as its owner knows it and as the relay's database has it: compared word by word.
 * @module
 */
import Database from "better-sqlite3";
import { sha256 } from "../../../crypto/sha256.ts";
import type { Account } from "../../../crypto/account.ts";
import { recoveryKeys } from "../../../crypto/recovery.ts";
import type { Signer } from "../../../crypto/ed25519.ts";
import { Folder } from "../processes.ts";

/** An account between two changes. */
export interface AccountState {
  readonly account: Account;
  readonly name: string;
  readonly password: string;
  /** OPAQUE record; null before the registration. */
  readonly record: string | null;
  /** Of its list of devices. */
  readonly version: number;
  readonly devices: readonly Signer[];
  /** Device keys in hex, sorted. */
  readonly signedIn: readonly string[];
  /** Secrets of recovery codes. */
  readonly codes: readonly Uint8Array[];
  /** Made them: they end when it is taken off the list. */
  readonly codesBy: Signer | null;
  readonly ended: boolean;
}

/** The state in words: equal words, equal accounts. */
export async function inWords(state: AccountState): Promise<string> {
  if (state.ended) return "ended, name held back";
  if (state.record === null) return "nothing";
  const hashes = await Promise.all(state.codes.map((secret) => sha256(recoveryKeys(secret).locator)));
  return words({
    record: state.record,
    version: state.version,
    devices: state.devices.map(keyOf),
    mailboxes: state.devices.map(keyOf).sort(),
    signedIn: [...state.signedIn].sort(),
    codes: hashes.map((hash) => hash.toHex()).sort(),
  });
}

/** A device's key in hex. */
export function keyOf({ publicKey }: Signer): string {
  return publicKey.toHex();
}

/** What a relay's database holds, read from a copy as the kill left it. */
export class AccountsOnDisk implements Disposable {
  readonly #folder = new Folder();
  readonly #db: Database.Database;

  constructor(databasePath: string) {
    const copy = `${this.#folder.path}/copy.db`;
    Deno.copyFileSync(databasePath, copy);
    Deno.copyFileSync(`${databasePath}-wal`, `${copy}-wal`);
    this.#db = new Database(copy);
  }

  /** The same words as `inWords`, or others that name what does not fit together. */
  words({ account: { hash }, name }: AccountState): string {
    const named = this.#rows<{ record: string | null; account: Uint8Array | null }>(
      "SELECT record, account FROM names WHERE folded = ?",
      name,
    )[0];
    const list = this.#rows<{ version: number; devices: Uint8Array }>(
      "SELECT version, devices FROM accounts WHERE account = ?",
      hash,
    )[0];
    const keys = (sql: string) => this.#rows<{ key: Uint8Array }>(sql, hash).map(({ key }) => hexOf(key)).sort();
    const mailboxes = keys("SELECT device AS key FROM mailboxes WHERE account = ?");
    const signedIn = keys("SELECT device AS key FROM sessions WHERE account = ?");
    const codes = keys("SELECT locator_hash AS key FROM recovery_codes WHERE account = ?");
    const kept = this.#rows("SELECT made FROM recoveries WHERE account = ?", hash).length;
    const ended = this.#rows("SELECT 1 FROM ended_accounts WHERE account = ?", hash).length > 0;
    const nothing = !list && [mailboxes, signedIn, codes].every(({ length }) => length === 0) && kept === 0;
    if (nothing && !ended && !named) return "nothing";
    if (nothing && ended && named && named.account === null) return "ended, name held back";
    const fits = list && named?.account && hexOf(named.account) === hash.toHex() && !ended;
    if (!fits || (kept > 0) !== (codes.length > 0)) {
      const parts = { named: named !== undefined, list: list !== undefined, ended, kept, mailboxes, signedIn, codes };
      return `half: ${JSON.stringify(parts)}`;
    }
    const all = hexOf(list.devices).match(/.{64}/g) ?? [];
    return words({ record: named.record!, version: list.version, devices: all, mailboxes, signedIn, codes });
  }

  /** Hashes of the tokens of an account's sessions. */
  tokens({ account: { hash } }: Pick<AccountState, "account">): string[] {
    return this.#rows<{ key: Uint8Array }>("SELECT token_hash AS key FROM sessions WHERE account = ?", hash)
      .map(({ key }) => hexOf(key)).sort();
  }

  [Symbol.dispose](): void {
    this.#db.close();
    this.#folder[Symbol.dispose]();
  }

  #rows<Row>(sql: string, value: unknown): Row[] {
    return this.#db.prepare(sql).all(value) as Row[];
  }
}

function hexOf(bytes: Uint8Array): string {
  return new Uint8Array(bytes).toHex(); // the library gives Buffers
}

function words(parts: {
  record: string;
  version: number;
  devices: readonly string[];
  mailboxes: readonly string[];
  signedIn: readonly string[];
  codes: readonly string[];
}): string {
  const short = (keys: readonly string[]) => keys.map((key) => key.slice(0, 16)).join(" ");
  return [
    `record ${parts.record}`,
    `version ${parts.version}`,
    `devices ${short(parts.devices)}`,
    `mailboxes ${short(parts.mailboxes)}`,
    `signed in ${short(parts.signedIn)}`,
    `codes ${short(parts.codes)}`,
  ].join("; ");
}

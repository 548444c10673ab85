/**
 * The new database that salvaged rows go into. It is made in one go and worth nothing before `finish`, so it needs no log.
 * @module
 */
import Database, { type Statement } from "better-sqlite3";
import type { OpenedEnvelope } from "../../../crypto/envelope.ts";
import { migrate } from "../migrations/migrate.ts";
import type { Value } from "./cells.ts";
import { FoundAccounts } from "./found_accounts.ts";
import { FoundBlobs } from "./found_blobs.ts";
import { FoundGroups } from "./found_groups.ts";
import type { WrittenMailbox } from "./found_mailboxes.ts";

const dedupLife = 31 * 24 * 60 * 60 * 1000;

const inserts = {
  accounts:
    "INSERT OR IGNORE INTO accounts (account, version, bundle, devices, created_from_ip) VALUES (?, ?, ?, ?, ?)",
  sealing_keys: "INSERT OR IGNORE INTO sealing_keys (device, created, expires, sealing_key) VALUES (?, ?, ?, ?)",
  tokens: "INSERT OR IGNORE INTO tokens (id, name, hash, created, expires) VALUES (?, ?, ?, ?, ?)",
  allowed: "INSERT OR IGNORE INTO allowed (account, note) VALUES (?, ?)",
  expired: "INSERT OR IGNORE INTO expired (mailbox, first, last) VALUES (?, ?, ?)",
  // What the signed envelope says about a message goes before what its dedup row says.
  dedup: `INSERT INTO dedup (mailbox, id, sender, body_hash, seq, expires, until, received)
    VALUES (?, ?, ?, ?, ?, ?, ?, coalesce(?, 0))
    ON CONFLICT DO UPDATE SET until = max(until, excluded.until), received = max(received, excluded.received)`,
} as const;

/** One message to write. */
export interface SalvagedMessage {
  readonly slot: number;
  readonly id: number;
  readonly seq: number;
  readonly received: number;
  readonly expires: number;
  readonly crc: number;
  readonly opened: OpenedEnvelope;
  readonly bodyHash: Uint8Array;
}

/** The new database. */
export class Target implements Disposable {
  readonly #path: string;
  readonly #db: Database.Database;
  readonly #inserts: Record<keyof typeof inserts, Statement>;
  readonly #has: Statement;
  readonly #message: Statement;
  readonly #mailbox: Statement;
  readonly #unsigned: Statement;
  /** What goes in of groups. */
  readonly groups: FoundGroups;
  /** What goes in of files. */
  readonly blobs: FoundBlobs;
  /** What goes in of accounts besides their lists. */
  readonly accounts: FoundAccounts;

  /** Makes it (0600); throws `cannot_create` when it is there. */
  constructor(path: string) {
    Deno.openSync(path, { createNew: true, write: true, mode: 0o600 }).close();
    this.#path = path;
    this.#db = new Database(path);
    this.#db.pragma("journal_mode = OFF");
    this.#db.pragma("synchronous = OFF");
    migrate(this.#db);
    this.#db.exec("BEGIN");
    const prepared = Object.entries(inserts).map(([table, sql]) => [table, this.#db.prepare(sql)]);
    this.#inserts = Object.fromEntries(prepared);
    this.#has = this.#db.prepare("SELECT 1 FROM messages WHERE slot = ?");
    this.#message = this.#db.prepare(
      "INSERT INTO messages (slot, received, expires, crc, envelope) VALUES (?, ?, ?, ?, ?)",
    );
    this.#unsigned = this.#db.prepare(
      "INSERT INTO messages (slot, received, expires, crc, envelope, payload, size) VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    this.groups = new FoundGroups(this.#db);
    this.blobs = new FoundBlobs(this.#db);
    this.accounts = new FoundAccounts(this.#db);
    this.#mailbox = this.#db.prepare(
      "INSERT INTO mailboxes (id, device, account, next_seq, messages, bytes) VALUES (?, ?, ?, ?, ?, ?)",
    );
  }

  /** Writes a pointer to a payload, or a notice. */
  unsigned(row: {
    readonly slot: number;
    readonly received: number;
    readonly expires: number;
    readonly crc: number;
    readonly bytes: Uint8Array;
    readonly payload: number;
    readonly size: number | null;
  }): void {
    this.#unsigned.run(row.slot, row.received, row.expires, row.crc, row.bytes, row.payload, row.size);
  }

  /** Writes a row; false when one with its key is there. */
  row(table: keyof typeof inserts, values: readonly Value[]): boolean {
    const all = table === "dedup" && values.length === 7 ? [...values, null] : values;
    return this.#inserts[table].run(...all).changes > 0;
  }

  /** Whether a message has this place already. */
  has(slot: number): boolean {
    return this.#has.get(slot) !== undefined;
  }

  /** Writes a message, and that its id is known. */
  message({ slot, id, seq, received, expires, crc, opened, bodyHash }: SalvagedMessage): void {
    this.#message.run(slot, received, expires, crc, opened.bytes);
    this.known({ id, seq, received, expires, opened, bodyHash });
  }

  /** Writes that the id of a message is known. */
  known({ id, seq, received, expires, opened, bodyHash }: Omit<SalvagedMessage, "slot" | "crc">): void {
    const until = opened.createdAtMs + dedupLife;
    this.row("dedup", [id, opened.id, opened.sender, bodyHash, seq, expires, until, received]);
  }

  /** Writes a mailbox. */
  mailbox({ id, device, account, nextSeq, messages, bytes }: WrittenMailbox): void {
    this.#mailbox.run(id, device, account, nextSeq, messages, bytes);
  }

  /** Everything is on disk when this returns. */
  finish(): void {
    this.#db.exec("COMMIT");
    this.#db.close();
    using file = Deno.openSync(this.#path, { read: true, write: true });
    file.syncSync();
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

/**
 * Everything that is read, on a connection of its own that never waits for a commit.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { crc32 } from "node:zlib";
import { QightError } from "../../proto/errors.ts";
import type { Range, StoredBundle, StoredMessage, StoredSealingKey, StoredToken, Tombstone } from "./store.ts";
import type { Connection } from "./sqlite_connection.ts";
import { splitDevices } from "./sqlite_directory.ts";
import { decodeNotice } from "./notices.ts";
import { PageBuilder } from "./page_builder.ts";
import { type PackedPage, packPage } from "./sqlite_wire.ts";

interface MessageRow {
  seq: number;
  received: number;
  expires: number;
  crc: number;
  envelope: Uint8Array;
  payload: number | null;
  shared: Uint8Array | null;
}

interface BundleRow {
  account: Uint8Array;
  version: number;
  bundle: Uint8Array;
  devices: Uint8Array;
  created_from_ip: string | null;
}

/** Statements that read. */
export class Reader {
  readonly #mailbox: Statement;
  readonly #messages: Statement;
  readonly #expired: Statement;
  readonly #room: Statement;
  readonly #tombstone: Statement;
  readonly #byAccount: Statement;
  readonly #byDevice: Statement;
  readonly #sealingKey: Statement;
  readonly #tokens: Statement;
  readonly #allowed: Statement;
  readonly #snapshot: (read: () => PackedPage) => PackedPage;

  constructor(db: Connection) {
    this.#mailbox = db.prepare("SELECT id, next_seq FROM mailboxes WHERE device = ?");
    this.#messages = db.prepare(
      `SELECT m.slot & 68719476735 AS seq, m.received, m.expires, m.crc, m.envelope, m.payload, p.envelope AS shared
       FROM messages m LEFT JOIN payloads p ON p.id = m.payload
       WHERE m.slot BETWEEN (? << 36) | ? AND (? << 36) | 68719476735 ORDER BY m.slot`,
    );
    this.#expired = db.prepare("SELECT first, last FROM expired WHERE mailbox = ? AND last > ? ORDER BY first");
    this.#room = db.prepare("SELECT messages, bytes FROM mailboxes WHERE device = ? AND account IS NOT NULL");
    this.#tombstone = db.prepare(
      `SELECT d.seq, d.body_hash, d.received FROM mailboxes m JOIN dedup d ON d.mailbox = m.id
       WHERE m.device = ? AND d.id = ? AND d.sender = ?`,
    );
    const columns = "a.account, a.version, a.bundle, a.devices, a.created_from_ip";
    this.#byAccount = db.prepare(`SELECT ${columns} FROM accounts a WHERE a.account = ?`);
    this.#byDevice = db.prepare(
      `SELECT ${columns} FROM mailboxes m JOIN accounts a ON a.account = m.account WHERE m.device = ?`,
    );
    this.#sealingKey = db.prepare("SELECT device, created, expires, sealing_key FROM sealing_keys WHERE device = ?");
    this.#tokens = db.prepare("SELECT id, name, hash, created, expires FROM tokens ORDER BY created, id");
    this.#allowed = db.prepare("SELECT account, note FROM allowed ORDER BY account");
    this.#snapshot = db.transaction((read: () => PackedPage) => read());
  }

  /** A page of one moment; throws `store_damaged` when a row does not match its checksum. */
  fetch(device: Uint8Array, after: number, maxMessages: number, maxBytes: number, nowMs: number): PackedPage {
    return this.#snapshot(() => {
      const mailbox = this.#mailbox.get(device) as { id: number; next_seq: number } | undefined;
      if (mailbox === undefined) return packPage({ messages: [], expired: [], lastSeq: 0 });
      const remembered = this.#expired.all(mailbox.id, after) as Range[];
      const page = new PageBuilder(after, maxMessages, maxBytes, nowMs);
      const from = Math.min(Math.max(after, 0) + 1, 2 ** 36 - 1);
      for (const row of this.#messages.iterate(mailbox.id, from, mailbox.id) as Iterable<MessageRow>) {
        if (!page.add(messageOf(row))) break;
      }
      return packPage(page.finish(remembered, mailbox.next_seq - 1));
    });
  }

  /** Current size of a listed mailbox. */
  room(device: Uint8Array): { messages: number; bytes: number } | null {
    return (this.#room.get(device) as { messages: number; bytes: number } | undefined) ?? null;
  }

  /** What the dedup memory holds of a sender's message. */
  tombstone(device: Uint8Array, sender: Uint8Array, id: Uint8Array): Tombstone | null {
    const row = this.#tombstone.get(device, id, sender) as
      | { seq: number; body_hash: Uint8Array; received: number }
      | undefined;
    if (row === undefined) return null;
    return { seq: row.seq, bodyHash: Uint8Array.from(row.body_hash), receivedAtMs: row.received };
  }

  /** The bundle of an account. */
  bundleOfAccount(account: Uint8Array): StoredBundle | null {
    return bundleOf(this.#byAccount.get(account) as BundleRow | undefined);
  }

  /** The bundle that lists a device. */
  bundleOfDevice(device: Uint8Array): StoredBundle | null {
    return bundleOf(this.#byDevice.get(device) as BundleRow | undefined);
  }

  /** Sealing keys in the order asked; unknown devices are left out. */
  sealingKeys(devices: readonly Uint8Array[]): StoredSealingKey[] {
    return devices.flatMap((device) => {
      const row = this.#sealingKey.get(device) as
        | { device: Uint8Array; created: number; expires: number; sealing_key: Uint8Array }
        | undefined;
      if (row === undefined) return [];
      const sealingKey = Uint8Array.from(row.sealing_key);
      return [{ device: Uint8Array.from(row.device), createdAtMs: row.created, expiresAtMs: row.expires, sealingKey }];
    });
  }

  /** All tokens, oldest first. */
  tokens(): StoredToken[] {
    const rows = this.#tokens.all() as {
      id: string;
      name: string;
      hash: Uint8Array;
      created: number;
      expires: number | null;
    }[];
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      hash: Uint8Array.from(row.hash),
      createdAtMs: row.created,
      expiresAtMs: row.expires,
    }));
  }

  /** The allow list. */
  allowedAccounts(): { account: Uint8Array; note: string }[] {
    const rows = this.#allowed.all() as { account: Uint8Array; note: string }[];
    return rows.map((row) => ({ account: Uint8Array.from(row.account), note: row.note }));
  }
}

function messageOf(row: MessageRow): StoredMessage {
  const isPointer = row.payload !== null && row.payload > 0;
  const bytes = isPointer ? row.shared : row.envelope;
  if (bytes === null || crc32(bytes) !== row.crc) {
    throw new QightError("store_damaged", `The stored message ${row.seq} of a mailbox does not match its checksum`);
  }
  const message = { seq: row.seq, receivedAtMs: row.received, expiresAtMs: row.expires };
  return row.payload === 0
    ? { ...message, envelope: new Uint8Array(0), notice: decodeNotice(bytes) }
    : { ...message, envelope: bytes };
}

function bundleOf(row: BundleRow | undefined): StoredBundle | null {
  if (row === undefined) return null;
  const ip = row.created_from_ip === null ? {} : { createdFromIp: row.created_from_ip };
  return {
    account: Uint8Array.from(row.account),
    version: row.version,
    bundle: Uint8Array.from(row.bundle),
    devices: splitDevices(row.devices),
    ...ip,
  };
}

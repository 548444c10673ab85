/**
 * Accounts on the connection that reads.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { crc32 } from "node:zlib";
import { QightError } from "../../proto/errors.ts";
import type {
  Closure,
  FoundRecovery,
  NamedAccount,
  ReportSummary,
  StoredReport,
  StoredSession,
} from "./account_store.ts";
import type { Connection } from "./sqlite_connection.ts";

interface NameRow {
  folded: string;
  skeleton: string;
  name: string;
  account: Uint8Array;
  record: string;
  registered: number;
}

interface SessionRow {
  token_hash: Uint8Array;
  device: Uint8Array;
  account: Uint8Array;
  created: number;
  expires: number;
}

/** Statements that read accounts. */
export class AccountReader {
  readonly #opaqueSetup: Statement;
  readonly #named: Statement;
  readonly #nameOf: Statement;
  readonly #names: Statement;
  readonly #list: Statement;
  readonly #session: Statement;
  readonly #sessionsOf: Statement;
  readonly #seen: Statement;
  readonly #offLists: Statement;
  readonly #recovery: Statement;
  readonly #recoveryOf: Statement;
  readonly #ended: Statement;
  readonly #closures: Statement;
  readonly #blocks: Statement;
  readonly #reports: Statement;
  readonly #report: Statement;

  constructor(db: Connection) {
    this.#opaqueSetup = db.prepare("SELECT sealed FROM opaque_setup").pluck();
    const name = "SELECT folded, skeleton, name, account, record, registered FROM names";
    this.#named = db.prepare(`${name} WHERE folded = ? AND account IS NOT NULL`);
    this.#nameOf = db.prepare(`${name} WHERE account = ?`);
    this.#names = db.prepare("SELECT count(*) FROM names WHERE account IS NOT NULL").pluck();
    this.#list = db.prepare(`${name} WHERE folded > ? AND account IS NOT NULL ORDER BY folded LIMIT ?`);
    const session = "SELECT token_hash, device, account, created, expires FROM sessions";
    this.#session = db.prepare(`${session} WHERE token_hash = ?`);
    this.#sessionsOf = db.prepare(`${session} WHERE account = ? AND expires > ? ORDER BY created, device`);
    this.#seen = db.prepare("SELECT seen FROM devices_seen WHERE device = ?").pluck();
    this.#offLists = db.prepare("SELECT device FROM mailboxes WHERE account IS NULL ORDER BY id DESC LIMIT ?").pluck();
    this.#recovery = db.prepare(
      `SELECT r.account, r.sealed, r.crc, c.wrapped FROM recovery_codes c JOIN recoveries r ON r.account = c.account
       WHERE c.locator_hash = ?`,
    );
    this.#recoveryOf = db.prepare(
      `SELECT (SELECT count(*) FROM recovery_codes c WHERE c.account = r.account) AS codes, made AS madeAtMs
       FROM recoveries r WHERE account = ?`,
    );
    this.#ended = db.prepare("SELECT bytes FROM ended_accounts WHERE account = ?").pluck();
    this.#closures = db.prepare("SELECT account, kind, reason, since, until FROM closures ORDER BY account");
    this.#blocks = db.prepare("SELECT account, blocked FROM blocks ORDER BY id");
    this.#reports = db.prepare("SELECT id, reporter, accused, reason, at FROM abuse_reports ORDER BY at, id");
    this.#report = db.prepare(
      "SELECT id, reporter, accused, reason, at, crc, evidence FROM abuse_reports WHERE id = ?",
    );
  }

  /** Answers one of AccountStore's questions. */
  read(name: string, args: readonly unknown[]): unknown {
    switch (name) {
      case "opaqueSetup":
        return bytesOr(this.#opaqueSetup.get());
      case "named":
        return this.#nameFrom(this.#named.get(...args));
      case "nameOf":
        return this.#nameFrom(this.#nameOf.get(...args));
      case "names":
        return this.#names.get();
      case "list":
        return this.#list.all(...args).map((row) => this.#nameFrom(row));
      case "session":
        return this.#sessionFrom(this.#session.get(...args));
      case "sessionsOf":
        return this.#sessionsOf.all(...args).map((row) => this.#sessionFrom(row));
      case "lastSeen":
        return (args[0] as Uint8Array[]).map((device) => (this.#seen.get(device) as number | undefined) ?? 0);
      case "offLists":
        return (this.#offLists.all(...args) as Uint8Array[]).map((device) => Uint8Array.from(device));
      case "recovery":
        return this.#recoveryBy(args[0] as Uint8Array);
      case "recoveryOf":
        return this.#recoveryOf.get(...args) ?? null;
      case "ended":
        return bytesOr(this.#ended.get(...args));
      case "closures":
        return this.#closed();
      case "blocks":
        return (this.#blocks.all() as { account: Uint8Array; blocked: Uint8Array }[])
          .map(({ account, blocked }) => ({ account: Uint8Array.from(account), blocked: Uint8Array.from(blocked) }));
      case "reports":
        return (this.#reports.all() as ReportRow[]).map(summaryOf);
      case "report":
        return this.#reported(this.#report.get(...args) as WholeReportRow | undefined);
      default:
        throw new QightError("internal", `The store knows no question ${name} about accounts`);
    }
  }

  #nameFrom(row: unknown): NamedAccount | null {
    if (row === undefined) return null;
    const { folded, skeleton, name, account, record, registered } = row as NameRow;
    return { folded, skeleton, name, account: Uint8Array.from(account), record, registeredAtMs: registered };
  }

  #sessionFrom(row: unknown): StoredSession | null {
    if (row === undefined) return null;
    const { token_hash, device, account, created, expires } = row as SessionRow;
    return {
      tokenHash: Uint8Array.from(token_hash),
      device: Uint8Array.from(device),
      account: Uint8Array.from(account),
      createdAtMs: created,
      expiresAtMs: expires,
    };
  }

  #recoveryBy(locatorHash: Uint8Array): FoundRecovery | null {
    const row = this.#recovery.get(locatorHash) as
      | { account: Uint8Array; sealed: Uint8Array; crc: number; wrapped: Uint8Array }
      | undefined;
    if (row === undefined) return null;
    const { account, sealed, wrapped } = row;
    if (crc32(sealed) !== row.crc) throw damaged("What is stored for an account's recovery");
    return { account: Uint8Array.from(account), sealed: Uint8Array.from(sealed), wrapped: Uint8Array.from(wrapped) };
  }

  #closed(): Closure[] {
    const rows = this.#closures.all() as {
      account: Uint8Array;
      kind: Closure["kind"];
      reason: string;
      since: number;
      until: number | null;
    }[];
    return rows.map(({ account, kind, reason, since, until }) => (
      { account: Uint8Array.from(account), kind, reason, sinceMs: since, untilMs: until }
    ));
  }

  #reported(row: WholeReportRow | undefined): StoredReport | null {
    if (row === undefined) return null;
    if (crc32(row.evidence) !== row.crc) throw damaged(`The stored report ${row.id}`);
    return { ...summaryOf(row), evidence: Uint8Array.from(row.evidence) };
  }
}

interface ReportRow {
  readonly id: string;
  readonly reporter: Uint8Array;
  readonly accused: Uint8Array;
  readonly reason: string;
  readonly at: number;
}

interface WholeReportRow extends ReportRow {
  readonly crc: number;
  readonly evidence: Uint8Array;
}

function summaryOf({ id, reporter, accused, reason, at }: ReportRow): ReportSummary {
  return { id, reporter: Uint8Array.from(reporter), accused: Uint8Array.from(accused), reason, atMs: at };
}

function bytesOr(value: unknown): Uint8Array | null {
  return value === undefined ? null : Uint8Array.from(value as Uint8Array);
}

function damaged(what: string): QightError {
  return new QightError("store_damaged", `${what} does not match its checksum`);
}

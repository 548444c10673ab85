/**
 * Accounts in the database that is damaged: names, sessions, recovery, ends, closures, blocks, reports; and all their rows.
 * @module
 */
import { signAccountEnd } from "../../../crypto/account_end.ts";
import { AccountReader } from "../../../relay/storage/sqlite_account_reader.ts";
import type { Connection } from "../../../relay/storage/sqlite_connection.ts";
import type { SqliteStore } from "../../../relay/storage/sqlite.ts";
import { person } from "../../helpers/people.ts";

const day = 86_400_000;
/** People besides those who write. */
const OTHERS = 12;
const ENDED = 3;

/** The tables of accounts, and whether salvage brings them over: signing in makes new sessions. */
export const accountTables = {
  opaque_setup: true,
  names: true,
  sessions: false,
  devices_seen: false,
  recoveries: true,
  recovery_codes: true,
  ended_accounts: true,
  closures: true,
  blocks: true,
  abuse_reports: true,
} as const;

/** One of them. */
export type AccountTable = keyof typeof accountTables;

/** Their rows, in the order of their first column. */
export type AccountRows = ReadonlyMap<AccountTable, readonly Record<string, unknown>[]>;

/**
 * Columns that nothing at the start can check. What is secret in them opens with nobody's keys any more (a record and the
 * setup with no password, what a code wraps with no code), an end does not match its signatures, what a report is about is
 * in its evidence, and the rest is dates, words of the operator and which device made recovery codes.
 */
const checkedByOthers: readonly string[] = [
  "opaque_setup.sealed",
  "names.record",
  "names.name",
  "names.registered",
  "sessions.created",
  "devices_seen.seen",
  "recoveries.made",
  "recoveries.device",
  "recovery_codes.wrapped",
  "ended_accounts.bytes",
  "closures.reason",
  "closures.since",
  "closures.until",
  "abuse_reports.reporter",
  "abuse_reports.accused",
  "abuse_reports.reason",
  "abuse_reports.at",
];

/** Whether damage to this column (`table.column`) is seen by others than the relay. */
export function isCheckedByOthers(column: string): boolean {
  return checkedByOthers.includes(column);
}

/** Gives everybody a name, a session, codes, a block and a report; some are closed, and some end. */
export async function storeAccounts(store: SqliteStore, nowMs: number): Promise<void> {
  const { accounts } = store;
  const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
  const times = { nowMs, noticeUntilMs: nowMs + day };
  const people = await Promise.all(Array.from({ length: OTHERS }, (_, n) => person(10 + n, nowMs)));
  await accounts.putOpaqueSetup(random(200));
  for (const [n, { bundle, device }] of people.entries()) {
    const { account, version, bytes } = bundle;
    const next = people[(n + 1) % OTHERS].account.hash;
    const devices = [device.publicKey];
    const list = { put: { account, version, bundle: bytes, devices }, expectedVersion: 0 };
    const of = { account, device: device.publicKey };
    const [folded, dates] = [`person-${n}`, { createdAtMs: nowMs, expiresAtMs: nowMs + 30 * day }];
    const name = { folded, skeleton: `~${folded}`, name: folded, account, record: random(150).toBase64() };
    const change = { moving: null, ...times };
    await accounts.register({ ...name, registeredAtMs: nowMs }, { ...list, change }, {
      ...{ ...of, ...dates },
      tokenHash: random(32),
    });
    const codes = [0, 1, 2].map(() => ({ locatorHash: random(32), wrapped: random(72) }));
    await accounts.putRecovery({ ...of, sealed: random(600), codes, madeAtMs: nowMs });
    await accounts.seen(device.publicKey, nowMs);
    await accounts.block(account, next, 9);
    const report = { id: (0xbad0000 + n).toString(16).padStart(8, "0"), reporter: account, accused: next };
    await accounts.putReport({ ...report, reason: "spam", evidence: random(500), atMs: nowMs }, {
      max: 99,
      maxOfReporter: 99,
    });
  }
  for (const [n, { account }] of people.slice(0, ENDED).entries()) {
    const { bytes } = await signAccountEnd(account, nowMs);
    await accounts.end(account.hash, bytes, nowMs + day, times);
    const untilMs = n === 0 ? null : nowMs + day;
    const closed = people[OTHERS - 1 - n].account.hash;
    await accounts.close({
      account: closed,
      kind: n === 0 ? "banned" : "suspended",
      reason: "x",
      sinceMs: nowMs,
      untilMs,
    });
  }
}

/** Reads every row as a relay does, which may throw what reading throws, and answers them all. */
export function accountRows(db: Connection): AccountRows {
  const rows = new Map(
    (Object.keys(accountTables) as AccountTable[]).map((table) => {
      return [table, db.prepare(`SELECT * FROM ${table} ORDER BY 1`).all() as Record<string, unknown>[]] as const;
    }),
  );
  const reader = new AccountReader(db);
  for (const { locator_hash } of rows.get("recovery_codes")!) reader.read("recovery", [locator_hash]);
  for (const { id } of rows.get("abuse_reports")!) reader.read("report", [id]);
  return rows;
}

/** The rows that salvage has to bring over. */
export function salvagedRows(rows: AccountRows): AccountRows {
  return new Map([...rows].filter(([table]) => accountTables[table]));
}

/** `table.column` of everything that differs; `table.rows` where there are more or fewer. */
export function changedColumns(before: AccountRows, after: AccountRows): string[] {
  return [...before].flatMap(([table, rows]) => {
    const now = after.get(table)!;
    if (now.length !== rows.length) return [`${table}.rows`];
    return Object.keys(rows[0] ?? {})
      .filter((column) => rows.some((row, at) => told(row[column]) !== told(now[at][column])))
      .map((column) => `${table}.${column}`);
  });
}

/** A row in words. */
export function rowInWords(row: Record<string, unknown>): string {
  return Object.entries(row).map(([column, value]) => `${column}=${told(value)}`).join(" ");
}

function told(value: unknown): string {
  return value instanceof Uint8Array ? new Uint8Array(value).toHex() : String(value);
}

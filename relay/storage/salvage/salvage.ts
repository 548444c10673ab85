/**
 * Copies every row that can still be read out of a damaged database into a new one. What is signed must verify; the damaged
 * file is only read.
 * @module
 */
import Database from "better-sqlite3";
import { crc32 } from "node:zlib";
import { openBundle } from "../../../crypto/bundle.ts";
import { hashBody, type OpenedEnvelope, parseEnvelope, verifyEnvelope } from "../../../crypto/envelope.ts";
import { equal } from "../../../crypto/equal.ts";
import { openSealingKey } from "../../../crypto/sealing_key.ts";
import { QightError } from "../../../proto/errors.ts";
import { NOTICE_BYTES } from "../notices.ts";
import { splitDevices } from "../sqlite_directory.ts";
import { checkDatabase } from "../sqlite_upkeep.ts";
import { type Cell, cellsOf, type Value } from "./cells.ts";
import { FoundMailboxes } from "./found_mailboxes.ts";
import { Pages } from "./pages.ts";
import { unlessRefused } from "./refused.ts";
import { type AccountTable, type BlobTable, type GroupTable, type Table, tableOf } from "./rows.ts";
import { Target } from "./target.ts";

/** What was brought over and what was not. */
export interface SalvageReport {
  readonly pages: number;
  /** Pages with a row on them that cannot be read. */
  readonly damagedPages: number;
  /** What is wrong with the write-ahead log, or null. */
  readonly logDamage: string | null;
  readonly messages: number;
  readonly mailboxes: number;
  readonly accounts: number;
  readonly sealingKeys: number;
  readonly tokens: number;
  readonly allowed: number;
  /** Messages that were seen but do not parse or verify, by mailbox (device key, null when unknown) and number. */
  readonly damaged: readonly { readonly device: Uint8Array | null; readonly seq: number }[];
  /** Messages that the mailboxes' counters promise and that were not brought over, the damaged ones among them. */
  readonly lost: number;
  /** Groups, direct conversations among them, that are whole; and those of which only pieces were found. */
  readonly groups: number;
  readonly lostGroups: number;
  /** Files that are whole, and those that were and are not any more. */
  readonly blobs: number;
  readonly lostFiles: number;
  readonly names: number;
  /** Accounts that can be recovered by their codes, and those that could. */
  readonly recoveries: number;
  readonly lostRecoveries: number;
  /** False when there are names, and what all their passwords rest on is gone. */
  readonly passwords: boolean;
  /** Bundles and sealing keys whose signatures do not verify; their owners publish them again. */
  readonly lostKeys: number;
  /** Mailboxes whose last number is not known: they go on a million higher. */
  readonly renumbered: number;
}

const mailboxShift = 2 ** 36;
const groupTables: readonly GroupTable[] = ["payloads", "groups", "group_states", "commits", "welcomes", "welcomed"];
const blobTables: readonly BlobTable[] = ["blobs", "blob_claims", "blob_chunks"];
const accountTables: readonly AccountTable[] = [
  "opaque_setup",
  "names",
  "recoveries",
  "recovery_codes",
  "closures",
  "blocks",
  "abuse_reports",
];

/** Reads `source` and its log, writes `target`, which must not exist; `progress` hears pages done and all pages. */
export async function salvageDatabase(options: {
  source: string;
  log: Uint8Array;
  target: string;
  nowMs: number;
  progress?: (done: number, all: number) => void;
}): Promise<SalvageReport> {
  using pages = new Pages(options.source, options.log);
  using target = new Target(options.target);
  const salvage = new Salvage(pages, target, options.nowMs);
  await salvage.run(options.progress ?? (() => {}));
  target.finish();
  assertWhole(options.target);
  return salvage.report;
}

class Salvage {
  readonly #pages: Pages;
  readonly #target: Target;
  readonly #nowMs: number;
  readonly #mailboxes = new FoundMailboxes();
  readonly #damaged: { id: number; seq: number }[] = [];
  readonly #counts = {
    messages: 0,
    accounts: 0,
    sealing_keys: 0,
    tokens: 0,
    allowed: 0,
    mailboxes: 0,
    lostKeys: 0,
    groups: 0,
    lostGroups: 0,
    blobs: 0,
    lostFiles: 0,
    names: 0,
    recoveries: 0,
    lostRecoveries: 0,
    passwords: true,
  };
  #damagedPages = 0;

  constructor(pages: Pages, target: Target, nowMs: number) {
    this.#pages = pages;
    this.#target = target;
    this.#nowMs = nowMs;
  }

  async run(progress: (done: number, all: number) => void): Promise<void> {
    const all = this.#pages.count;
    // Which accounts have ended comes first: older images of their rows are not to come back.
    await this.#walk(["ended_accounts"], (page) => progress(page, all * 4));
    // Then who is there: it decides whose a message is.
    const first = [
      "mailboxes",
      "accounts",
      "sealing_keys",
      "tokens",
      "allowed",
      ...groupTables,
      ...blobTables,
      ...accountTables,
    ] as const;
    await this.#walk(first, (page) => progress(all + page, all * 4));
    await this.#walk(["messages"], (page) => progress(2 * all + page, all * 4));
    await this.#walk(["dedup", "expired"], (page) => progress(3 * all + page, all * 4));
    for (const mailbox of this.#mailboxes.written()) {
      this.#target.mailbox(mailbox);
      this.#counts.mailboxes++;
    }
    const { groups, blobs, accounts } = this.#target;
    Object.assign(this.#counts, groups.finish(), blobs.finish(), accounts.finish());
  }

  get report(): SalvageReport {
    const { sealing_keys: sealingKeys, ...counts } = this.#counts;
    const damaged = this.#damaged.map(({ id, seq }) => ({ device: this.#mailboxes.deviceOf(id), seq }));
    return {
      pages: this.#pages.count,
      damagedPages: this.#damagedPages,
      logDamage: this.#pages.logDamage,
      ...{ ...counts, sealingKeys, damaged },
      lost: Math.max(this.#mailboxes.missing, damaged.length),
      renumbered: this.#mailboxes.renumbered,
    };
  }

  async #walk(tables: readonly Table[], progress: (page: number) => void): Promise<void> {
    const free = this.#pages.free();
    for (let number = 1; number <= this.#pages.count; number++) {
      progress(number);
      if (free.has(number)) continue;
      const { cells, unreadable } = cellsOf(this.#pages, number);
      if (unreadable > 0 && tables.includes("messages")) this.#damagedPages++;
      await Promise.all(cells.map(async (cell) => {
        const table = tableOf(cell);
        if (table !== null && tables.includes(table)) await this.#take(table, cell);
      }));
    }
  }

  async #take(table: Table, { rowid, values }: Cell): Promise<void> {
    switch (table) {
      case "mailboxes":
        return this.#mailboxes.addRow(rowid, values);
      case "messages":
        return await this.#message(rowid as number, values);
      case "accounts":
        return await this.#account(values);
      case "sealing_keys":
        return await this.#sealingKey(values);
      case "dedup":
      case "expired":
        // The index of files by state and time has the same shape, a time where the first number of a range would be.
        if (table === "expired" && (values[1] as number) > (values[2] as number)) return;
        if (!this.#mailboxes.addNumber(values[0] as number, values[table === "dedup" ? 4 : 2] as number)) return;
        return void this.#target.row(table, values);
      case "payloads":
        if (await verified(values[2] as Uint8Array) === null) return;
        return this.#target.groups.add(table, rowid, values);
      case "groups":
      case "group_states":
      case "commits":
      case "welcomes":
      case "welcomed":
        return this.#target.groups.add(table, rowid, values);
      case "blobs":
      case "blob_claims":
      case "blob_chunks":
        return this.#target.blobs.add(table, rowid, values);
      case "opaque_setup":
      case "names":
      case "recoveries":
      case "recovery_codes":
      case "ended_accounts":
      case "closures":
      case "blocks":
      case "abuse_reports":
        return await this.#target.accounts.add(table, rowid, values);
      case "tokens":
      case "allowed":
        if (this.#target.row(table, values)) this.#counts[table]++;
    }
  }

  async #message(slot: number, values: readonly Value[]): Promise<void> {
    const [, received, expires, crc, envelope, payload = null, size = null] = values;
    const [id, seq] = [Math.floor(slot / mailboxShift), slot % mailboxShift];
    // A message whose payload column became 0 is no notice: a reader would refuse it, and the relay end.
    const isUnsigned = typeof payload === "number" &&
      (payload !== 0 || (envelope as Uint8Array).length === NOTICE_BYTES);
    if (isUnsigned) {
      const row = { slot, crc: crc as number, bytes: envelope as Uint8Array, payload, size: size as number | null };
      const dates = { received: received as number, expires: expires as number };
      return await this.#unsigned({ id, seq, ...row, ...dates });
    }
    const opened = await verified(envelope as Uint8Array);
    if (opened === null || id < 1 || seq < 1) return void this.#damaged.push({ id, seq });
    const bodyHash = await hashBody(opened);
    if (this.#target.has(slot)) return; // an older image of the same row
    if (!this.#mailboxes.addMessage(id, seq, opened.recipient, opened.bytes.length)) {
      return void this.#damaged.push({ id, seq });
    }
    const dates = datesOf(received as number, expires as number, opened.createdAtMs, this.#nowMs);
    this.#target.message({ slot, id, seq, ...dates, crc: crc32(opened.bytes), opened, bodyHash });
    this.#counts.messages++;
  }

  /** A pointer to a payload whose signature was checked, or a notice. */
  async #unsigned(
    row: Parameters<Target["unsigned"]>[0] & { readonly id: number; readonly seq: number },
  ): Promise<void> {
    const { id, seq, slot, payload, crc, size } = row;
    const bytes = payload === 0 ? row.bytes : this.#target.groups.payload(payload);
    const fits = bytes !== null && id >= 1 && seq >= 1 && crc32(bytes) === crc &&
      (payload === 0 || size === bytes.length);
    const opened = fits && payload > 0 ? parseEnvelope(bytes) : null;
    const bodyHash = opened && await hashBody(opened);
    if (!fits || (payload === 0 && size !== null)) return void this.#damaged.push({ id, seq });
    if (this.#target.has(slot)) return;
    if (!this.#mailboxes.addUnsigned(id, seq, bytes.length)) return void this.#damaged.push({ id, seq });
    const dates = datesOf(row.received, row.expires, opened?.createdAtMs ?? row.received, this.#nowMs);
    this.#target.unsigned({ ...row, ...dates });
    if (!opened || !bodyHash) return; // a notice: the relay's own word, no message
    this.#target.known({ id, seq, ...dates, opened, bodyHash });
    this.#counts.messages++;
  }

  async #account(values: readonly Value[]): Promise<void> {
    const bundle = await openBundle(values[2] as Uint8Array).catch(unlessRefused);
    if (bundle === null || !equal(bundle.account, values[0] as Uint8Array)) return void this.#counts.lostKeys++;
    if (this.#target.accounts.ended(bundle.account)) return;
    const devices = stillListed(values[3] as Uint8Array, bundle.devices.map(({ key }) => key));
    const joined = new Uint8Array(devices.length * 32);
    devices.forEach((device, i) => joined.set(device, i * 32));
    if (!this.#target.row("accounts", [bundle.account, bundle.version, bundle.bytes, joined, values[4]])) return;
    this.#mailboxes.addDevices(bundle.account, devices);
    this.#counts.accounts++;
  }

  async #sealingKey(values: readonly Value[]): Promise<void> {
    const key = await openSealingKey(values[3] as Uint8Array).catch(unlessRefused);
    if (key === null || !equal(key.device, values[0] as Uint8Array)) return void this.#counts.lostKeys++;
    if (this.#target.row("sealing_keys", [key.device, key.createdAtMs, key.expiresAtMs, key.bytes])) {
      this.#counts.sealing_keys++;
    }
  }
}

/** A device that moved to another account is off the list beside the bundle that is signed. */
function stillListed(column: Uint8Array, signed: readonly Uint8Array[]): readonly Uint8Array[] {
  const listed = column.length % 32 === 0 ? splitDevices(column) : [];
  const isSound = listed.length > 0 && listed.every((device) => signed.some((one) => equal(one, device)));
  return isSound ? listed : signed;
}

async function verified(bytes: Uint8Array): Promise<OpenedEnvelope | null> {
  try {
    const opened = parseEnvelope(bytes);
    await verifyEnvelope(opened);
    return opened;
  } catch (thrown) {
    return unlessRefused(thrown);
  }
}

/** Dates are not signed: impossible ones are damage, and the message gets a week from now. */
function datesOf(received: number, expires: number, createdAtMs: number, nowMs: number) {
  const day = 24 * 60 * 60 * 1000, year = 366 * day;
  const possible = Math.abs(received - createdAtMs) < year && expires > received && expires - received < year;
  return possible ? { received, expires } : { received: createdAtMs, expires: nowMs + 7 * day };
}

function assertWhole(path: string): void {
  const db = new Database(path, { readonly: true });
  try {
    const found = checkDatabase(db);
    if (found.length > 0) throw new QightError("invariant", `The salvaged database is not whole: ${found.join("; ")}`);
  } finally {
    db.close();
  }
}

/**
 * One whole database, damaged in a copy again and again and opened by the relay's own code.
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { openBundle } from "../../../crypto/bundle.ts";
import { openSealingKey } from "../../../crypto/sealing_key.ts";
import { QightError } from "../../../proto/errors.ts";
import { openForReading } from "../../../relay/storage/sqlite_connection.ts";
import { failureOf } from "../../../relay/storage/sqlite_failure.ts";
import { salvageDatabase } from "../../../relay/storage/salvage/salvage.ts";
import { memoryFolder } from "./memory_folder.ts";
import { Reopened } from "./reopened.ts";
import { AccountPages } from "./salvaged_accounts.ts";
import { changedColumns, isCheckedByOthers } from "./stored_accounts.ts";
import { growMail, type StoredMail, storeMail, type View, viewOf } from "./stored_mail.ts";

/** What became of one damage. */
type Outcome = "at_start" | "at_read" | "by_signature" | "harmless" | "unseen" | "silent";

/** A database file and its log. */
interface Files {
  readonly database: Uint8Array;
  readonly log: Uint8Array | null;
}

/** The bench; every damage is done to a copy. */
export class DamageBench implements Disposable {
  readonly complaints: string[] = [];
  readonly #counts = new Map<string, number>();
  readonly #folder = memoryFolder();
  readonly #chance: () => number;
  #mail!: StoredMail;
  #whole!: Files;
  #view!: View;
  #killed!: Files;
  #killedView!: View;
  /** Views as each of the last commits left them, oldest first. */
  #views: readonly View[] = [];
  #lastView!: View;
  #mailboxPages: readonly number[] = [];
  #accounts!: AccountPages;

  private constructor(chance: () => number) {
    this.#chance = chance;
  }

  /** Fills the database, closes it in order, and lets it grow again until it is left as by a kill. */
  static async fill(chance: () => number): Promise<DamageBench> {
    const bench = new DamageBench(chance);
    const path = `${bench.#folder.path}/relay.db`;
    bench.#mail = await storeMail(path, chance, 200);
    bench.#view = viewOf(path, bench.#mail);
    bench.#whole = { database: Deno.readFileSync(path), log: null };
    bench.#mailboxPages = mailboxPages(path);
    bench.#accounts = new AccountPages(path);
    const { views, database, log } = await growMail(path, bench.#mail);
    bench.#killed = { database, log };
    bench.#views = views;
    bench.#killedView = views.at(-1)!;
    return bench;
  }

  /** How many damages were seen where. */
  get counts(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }

  /** One bit somewhere in the database. */
  async flip(): Promise<void> {
    const { bytes, where } = this.#flipped(this.#whole.database);
    await this.#judge("flip", where, { database: bytes, log: null });
  }

  /** One bit in the tables of accounts. */
  async flipInAccounts(): Promise<void> {
    const { bytes, where } = this.#flipped(this.#whole.database, this.#accounts.place(this.#chance));
    await this.#judge("account_flip", where, { database: bytes, log: null });
  }

  /** The file ends early. */
  async cut(): Promise<void> {
    const length = Math.floor(this.#chance() * this.#whole.database.length);
    const database = this.#whole.database.slice(0, length);
    // Nothing at all is a new relay's database: root.key beside it tells the relay otherwise, not the database.
    await this.#judge("cut", `at ${length}`, { database: length === 0 ? new Uint8Array(1) : database, log: null });
  }

  /** One bit somewhere in the log of a killed relay; in its last two commits it looks like a commit that was cut off. */
  async flipInLog(): Promise<void> {
    const { bytes, where } = this.#flipped(this.#killed.log!);
    const seen = await this.#outcome({ database: this.#killed.database, log: bytes }, this.#killedView);
    if (seen !== "silent" && seen !== "unseen") return this.#count(`log_${seen}`);
    const kept = this.#views.findIndex((each) => isDeepStrictEqual(each, this.#lastView));
    const lost = this.#views.length - 1 - kept;
    if (lost <= 2) return this.#count("log_tail_unseen");
    this.complaints.push(`a bit ${where} of the log: ${lost} commits are gone and nothing is said`);
  }

  /** The log is gone. */
  async missingLog(): Promise<void> {
    const outcome = await this.#outcome({ database: this.#killed.database, log: null }, this.#killedView);
    if (outcome === "at_start") this.#count("missing_log_at_start");
    else this.complaints.push(`a missing log: ${outcome}`);
  }

  /** An older database: with its own (empty) log nothing can tell; with the newer log it must not pass for whole. */
  async oldCopies(): Promise<void> {
    const old = await this.#outcome(this.#whole, this.#killedView);
    this.#count(`old_copy_${old}`);
    const mixed = await this.#outcome({ database: this.#whole.database, log: this.#killed.log }, this.#killedView);
    this.#count(`old_copy_new_log_${mixed}`);
  }

  /** A tenth of the pages get a flipped bit, or the file is cut; the rest must come over. */
  async salvage(): Promise<void> {
    const database = this.#whole.database.slice(
      0,
      this.#chance() < 0.3 ? this.#whole.database.length * 0.7 : undefined,
    );
    const pages = Math.floor(database.length / 4096);
    for (let i = 0; i < pages / 10; i++) {
      database[Math.floor(this.#chance() * database.length)] ^= 1 << Math.floor(this.#chance() * 8);
    }
    const [source, target] = [`${this.#folder.path}/damaged.db`, `${this.#folder.path}/salvaged.db`];
    Deno.writeFileSync(source, database);
    try {
      const log = new Uint8Array(0);
      const report = await salvageDatabase({ source, log, target, nowMs: this.#mail.nowMs });
      this.#count("salvaged_messages", report.messages);
      this.#count("salvage_lost", report.lost);
      const known = new Set(this.#mail.everything);
      const view = viewOf(target, this.#mail);
      const found = view.mailboxes.flatMap(({ texts }) => texts.map(withoutNumber));
      const made = found.filter((text) => !known.has(text));
      if (made.length > 0) this.complaints.push(`salvage made up ${made.length} messages (${made[0]})`);
      const there = new Set(found);
      const all = this.#view.mailboxes.flatMap(({ texts }) => texts.map(withoutNumber));
      // A date is not signed: a message whose expiry lost a bit is told as expired.
      const expired = Math.max(0, expiredIn(view) - expiredIn(this.#view));
      const missing = all.filter((text) => !there.has(text)).length - expired;
      // The counters are what tells of losses: where they lie on a damaged page nobody can know the sum.
      if (missing > report.lost && this.#mailboxPages.every((page) => same(page, database, this.#whole.database))) {
        this.complaints.push(`salvage lost ${missing} messages and tells of ${report.lost}`);
      }
      const accounts = this.#accounts.compare(database, target);
      this.#count("salvaged_account_rows", accounts.back);
      this.#count("whole_account_rows", accounts.whole);
      this.complaints.push(...accounts.complaints);
      if (!isDeepStrictEqual(Deno.readFileSync(source), database)) this.complaints.push("salvage changed its source");
    } finally {
      for (const path of [source, target]) Deno.removeSync(path);
    }
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }

  #flipped(whole: Uint8Array, at = Math.floor(this.#chance() * whole.length)): { bytes: Uint8Array; where: string } {
    const bytes = whole.slice();
    bytes[at] ^= 1 << Math.floor(this.#chance() * 8);
    return { bytes, where: `in byte ${at}` };
  }

  async #judge(kind: string, where: string, files: Files): Promise<void> {
    const outcome = await this.#outcome(files, this.#view);
    this.#count(`${kind}_${outcome}`);
    if (outcome === "silent") {
      this.complaints.push(`a ${kind} ${where} changed what the relay tells, and nothing is said`);
    }
  }

  async #outcome(files: Files, expected: View): Promise<Outcome> {
    using folder = memoryFolder();
    const path = `${folder.path}/relay.db`;
    const { database, log } = files;
    Deno.writeFileSync(path, database);
    if (log) Deno.writeFileSync(`${path}-wal`, log);
    let seen: Outcome = "at_start";
    try {
      using _store = new Reopened(path, this.#mail.nowMs);
      seen = "at_read";
      this.#lastView = viewOf(path, this.#mail);
    } catch (thrown) {
      const { code, message } = failureOf(thrown);
      if (code !== "store_damaged") this.complaints.push(`damage is called ${code}: ${message}`);
      const left = [database, ...(log ? [log] : [])].every((bytes, i) =>
        isDeepStrictEqual(Deno.readFileSync(i === 0 ? path : `${path}-wal`), bytes)
      );
      if (seen === "at_start" && !left) this.complaints.push(`a refused database was changed: ${message}`);
      return seen;
    }
    const view = this.#lastView;
    if (isDeepStrictEqual(view, expected)) return "harmless";
    if (!isDeepStrictEqual(view.mailboxes.map(told), expected.mailboxes.map(told))) return "silent";
    const lower = view.mailboxes.some(({ lastSeq }, i) => lastSeq < expected.mailboxes[i].lastSeq);
    if (lower) return "silent";
    const columns = changedColumns(expected.ofAccounts, view.ofAccounts);
    if (!columns.every(isCheckedByOthers)) return "silent";
    return await refusedBySignature(view) ? "by_signature" : "unseen";
  }

  #count(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }
}

/** What a reader gets; a last number that is too high leaves a gap and no more. */
function told({ texts, expired, room }: View["mailboxes"][number]): unknown {
  return { texts, expired, room };
}

/** Numbers are not signed: damage to one moves a message within its mailbox. */
function withoutNumber(text: string): string {
  return text.slice(text.indexOf(" ") + 1);
}

function same(page: number, a: Uint8Array, b: Uint8Array): boolean {
  const [from, to] = [(page - 1) * 4096, page * 4096];
  return isDeepStrictEqual(a.subarray(from, to), b.subarray(from, to));
}

function mailboxPages(path: string): number[] {
  const db = openForReading(path);
  try {
    return db.prepare("SELECT pageno FROM dbstat WHERE name = 'mailboxes'").pluck().all() as number[];
  } finally {
    db.close();
  }
}

/** Numbers that a view tells as expired unread. */
function expiredIn({ mailboxes }: View): number {
  return mailboxes.flatMap(({ expired }) => expired).reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** Whether some bundle or sealing key that the relay would hand out is refused by whoever gets it. */
async function refusedBySignature({ accounts, sealingKeys }: View): Promise<boolean> {
  try {
    for (const bundle of accounts) if (bundle) await openBundle(bundle.bundle);
    for (const { sealingKey } of sealingKeys) await openSealingKey(sealingKey);
    return false;
  } catch (thrown) {
    if (thrown instanceof QightError && thrown.code === "bad_bundle") return true;
    throw thrown;
  }
}

/**
 * Accounts in the writer: what belongs together happens in one step.
 * @module
 */
import type { Statement } from "better-sqlite3";
import { equal } from "../../crypto/equal.ts";
import { QightError } from "../../proto/errors.ts";
import {
  type AccountStore,
  type BundleStep,
  type Closure,
  type Ended,
  type NamedAccount,
  NOTHING_CHANGED,
  type NoticeTimes,
  type Recovered,
  type Recovery,
  type Registered,
  type StoredRecovery,
  type StoredSession,
} from "./account_store.ts";
import type { Connection } from "./sqlite_connection.ts";
import type { Invites } from "./sqlite_invites.ts";
import type { Lists } from "./sqlite_lists.ts";
import { Moderation } from "./sqlite_moderation.ts";
import { Names } from "./sqlite_names.ts";
import type { Recoveries } from "./sqlite_recoveries.ts";
import type { Sessions } from "./sqlite_sessions.ts";
import type { StoreLimits } from "./store.ts";

/** Changes of accounts by the names of AccountStore, all inside the transaction of the batch. */
export class Accounts {
  readonly #lists: Lists;
  readonly #sessions: Sessions;
  readonly #invites: Invites;
  readonly #names: Names;
  readonly #recoveries: Recoveries;
  readonly #moderation: Moderation;
  readonly #opaqueSetup: Statement;
  readonly #putOpaqueSetup: Statement;

  constructor(db: Connection, lists: Lists, sessions: Sessions, recoveries: Recoveries, invites: Invites) {
    this.#lists = lists;
    this.#invites = invites;
    this.#sessions = sessions;
    this.#names = new Names(db);
    this.#recoveries = recoveries;
    this.#moderation = new Moderation(db);
    this.#opaqueSetup = db.prepare("SELECT sealed FROM opaque_setup").pluck();
    this.#putOpaqueSetup = db.prepare("INSERT OR IGNORE INTO opaque_setup (one, sealed) VALUES (1, ?)");
  }

  /** Runs one change; `storage_full` for one that grows while `mayGrow` is false. */
  change(name: string, args: readonly unknown[], limits: StoreLimits, mayGrow: boolean): unknown {
    switch (name) {
      case "end":
        return this.#end(...args as [Uint8Array, Uint8Array, number, NoticeTimes], limits);
      case "touchSession":
        return this.#sessions.touch(...args as [Uint8Array, number]);
      case "endSession":
        return this.#sessions.end(...args as [Uint8Array, Uint8Array]);
      case "seen":
        // A hint, that no sign-in fails for.
        return mayGrow ? this.#sessions.seen(...args as [Uint8Array, number]) : undefined;
      case "close":
        return this.#close(args[0] as Closure);
      case "reopen":
        return this.#moderation.reopen(args[0] as Uint8Array);
      case "unblock":
        return this.#moderation.unblock(...args as [Uint8Array, Uint8Array]);
      case "deleteReport":
        return this.#moderation.deleteReport(args[0] as string);
    }
    if (!mayGrow) throw new QightError("storage_full");
    switch (name) {
      case "putOpaqueSetup":
        this.#putOpaqueSetup.run(args[0]);
        return Uint8Array.from(this.#opaqueSetup.get() as Uint8Array);
      case "register":
        return this.#register(...args as [NamedAccount, BundleStep | null, StoredSession], limits);
      case "setRecord":
        return this.#setRecord(...args as [Uint8Array, string, Uint8Array | null]);
      case "putSession":
        return this.#sessions.put(args[0] as StoredSession);
      case "putRecovery":
        return this.#putRecovery(args[0] as StoredRecovery);
      case "renewRecovery":
        return this.#recoveries.renew(...args as [Uint8Array, Uint8Array]);
      case "recover":
        return this.#recover(args[0] as Recovery, limits);
      case "block":
        return this.#moderation.block(...args as [Uint8Array, Uint8Array, number]);
      case "putReport":
        return this.#moderation.putReport(...args as Parameters<AccountStore["putReport"]>);
      default:
        throw new QightError("internal", `The store knows no change ${name} of accounts`);
    }
  }

  /** Removes some of what is over; true when there may be more. */
  collect(nowMs: number): boolean {
    return [this.#sessions, this.#names, this.#moderation].map((each) => each.collect(nowMs)).includes(true);
  }

  #register(
    named: NamedAccount,
    bundle: BundleStep | null,
    session: StoredSession,
    limits: StoreLimits,
  ): Registered {
    const name = this.#names.of(named.account);
    if (name !== null) return { kind: "has_name", name };
    if (this.#lists.ended(named.account)) return { kind: "ended" };
    if (this.#names.isTaken(named)) return { kind: "name_taken" };
    const put = bundle && this.#lists.put(bundle.put, bundle.expectedVersion, bundle.change, { limits, mayGrow: true });
    if (put && put.kind !== "stored") return put;
    this.#names.add(named);
    this.#sessions.put(session);
    return { ...put ?? NOTHING_CHANGED, kind: "registered" };
  }

  #setRecord(account: Uint8Array, record: string, keep: Uint8Array | null): boolean {
    if (!this.#names.setRecord(account, record)) return false;
    this.#sessions.endAll(account, keep);
    return true;
  }

  /** Asked here once more: a device that was revoked while its call was under way leaves no codes. */
  #putRecovery(keeping: StoredRecovery): void {
    if (!this.#lists.isOf(keeping.device, keeping.account)) throw new QightError("not_listed");
    this.#recoveries.put(keeping);
  }

  #recover({ locatorHash, bundle, keeping, record, session }: Recovery, limits: StoreLimits): Recovered {
    const { account } = bundle.put;
    const owner = this.#recoveries.accountOf(locatorHash);
    if (owner === null || !equal(owner, account)) return { kind: "code_unknown" };
    const put = this.#lists.put(bundle.put, bundle.expectedVersion, bundle.change, { limits, mayGrow: true });
    if (put.kind !== "stored") return put;
    this.#recoveries.put(keeping);
    if (record !== null) this.#names.setRecord(account, record);
    this.#sessions.endAll(account, null);
    if (session) this.#sessions.put(session);
    return { ...put, kind: "recovered" };
  }

  #end(account: Uint8Array, end: Uint8Array, heldUntilMs: number, times: NoticeTimes, limits: StoreLimits): Ended {
    const ended = this.#lists.end(account, end, times, limits);
    for (const device of ended.dropped) this.#invites.drop(device);
    this.#names.hold(account, heldUntilMs);
    this.#sessions.endAll(account, null);
    this.#recoveries.drop(account);
    this.#moderation.unblockAll(account);
    return ended;
  }

  #close(closure: Closure): void {
    this.#moderation.close(closure);
    this.#sessions.endAll(closure.account, null);
  }
}

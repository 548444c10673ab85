/**
 * The steps of a batch, inside its transaction: which tables each change is about.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import type { BundleChange } from "./account_store.ts";
import type { NewBlob } from "./blob_store.ts";
import type { GroupBounds, GroupEnqueued, GroupStore, NewCommit, NewGroup, NewJoinKey } from "./group_store.ts";
import type { KeyPackageBounds, KeyPackageClaim, NewKeyPackage } from "./key_package_store.ts";
import { Accounts } from "./sqlite_accounts.ts";
import { Blobs } from "./sqlite_blobs.ts";
import type { Connection } from "./sqlite_connection.ts";
import { Directory } from "./sqlite_directory.ts";
import type { WireError } from "./sqlite_failure.ts";
import { FanOut } from "./sqlite_fan_out.ts";
import { GroupRows } from "./sqlite_group_rows.ts";
import { Groups } from "./sqlite_groups.ts";
import { Invites } from "./sqlite_invites.ts";
import { KeyPackages } from "./sqlite_key_packages.ts";
import { Lists } from "./sqlite_lists.ts";
import { Mailboxes, type Totals } from "./sqlite_mailboxes.ts";
import { type CollectStep, Messages } from "./sqlite_messages.ts";
import { Payloads } from "./sqlite_payloads.ts";
import { Recoveries } from "./sqlite_recoveries.ts";
import { Sessions } from "./sqlite_sessions.ts";
import { Outcomes, type Step, unpackMessages } from "./sqlite_wire.ts";
import type {
  BundlePut,
  InviteBounds,
  NewInvite,
  Range,
  StoredBundle,
  StoredSealingKey,
  StoredToken,
  StoreLimits,
} from "./store.ts";

/** What became of one step: packed outcomes of messages, a value, or an error. */
export type StepResult =
  | { outcomes: ArrayBuffer }
  | { offered: GroupEnqueued[] }
  | { value: unknown }
  | { error: WireError };

/** All tables of the one connection that writes. */
export class Steps {
  readonly #mailboxes: Mailboxes;
  readonly #messages: Messages;
  readonly #directory: Directory;
  readonly #invites: Invites;
  readonly #keyPackages: KeyPackages;
  readonly #blobs: Blobs;
  readonly #groupRows: GroupRows;
  readonly #groups: Groups;
  readonly #fanOut: FanOut;
  readonly #lists: Lists;
  readonly #sessions: Sessions;
  readonly #accounts: Accounts;
  readonly #mayGrow: () => boolean;

  /** `mayGrow` is false while the disk is full: what needs room is refused then. */
  constructor(db: Connection, mayGrow: () => boolean) {
    this.#mayGrow = mayGrow;
    this.#mailboxes = new Mailboxes(db);
    const payloads = new Payloads(db, this.#mailboxes);
    this.#messages = new Messages(db, this.#mailboxes, payloads);
    this.#directory = new Directory(db);
    this.#invites = new Invites(db);
    this.#keyPackages = new KeyPackages(db, this.#mailboxes, this.#messages);
    this.#blobs = new Blobs(db, this.#mailboxes);
    this.#groupRows = new GroupRows(db, this.#mailboxes);
    this.#groups = new Groups(db, this.#groupRows, this.#mailboxes, this.#messages);
    this.#fanOut = new FanOut(this.#groupRows, this.#mailboxes, this.#messages, payloads);
    const sessions = this.#sessions = new Sessions(db, this.#mailboxes);
    const recoveries = new Recoveries(db);
    this.#lists = new Lists(db, this.#mailboxes, this.#messages, this.#groups, {
      dropOfDevice: (device) => {
        sessions.drop(device);
        this.#directory.dropSealingKey(device);
        this.#keyPackages.drop(device);
      },
      dropCodesOf: (device, account) => recoveries.dropMadeBy(device, account),
      dropOfAccount: (account) => this.#blobs.forgetAll(account),
    });
    this.#accounts = new Accounts(db, this.#lists, sessions, recoveries, this.#invites);
  }

  /** Sums over all mailboxes. */
  get totals(): Totals {
    return this.#mailboxes.totals;
  }

  /** Call as the transaction begins; then the steps; then `flush`, and `committed` or `rolledBack` by how it ended. */
  begin(): void {
    this.#mailboxes.begin();
  }

  /** Writes what the steps only counted so far. */
  flush(): void {
    this.#mailboxes.flush();
  }

  committed(): void {
    this.#mailboxes.committed();
    this.#groupRows.committed();
  }

  rolledBack(): void {
    this.#mailboxes.rolledBack();
    this.#groupRows.forget();
  }

  /** Does one step; throws the reason why it cannot be done, or what SQLite says. */
  run(step: Step, limits: StoreLimits): StepResult {
    if ("change" in step) return { value: this.#change(step.change, step.args, limits) };
    const { epochs } = step;
    if (epochs) {
      const messages = [...unpackMessages(step.packed, step.count)];
      return { offered: messages.map((one, i) => this.#fanOut.enqueue(one, epochs[i], limits, this.#mayGrow())) };
    }
    const outcomes = new Outcomes(step.count);
    for (const message of unpackMessages(step.packed, step.count)) {
      this.#messages.enqueue(message, limits, this.#mayGrow(), outcomes);
    }
    return { outcomes: outcomes.buffer };
  }

  #change(name: string, args: readonly unknown[], limits: StoreLimits): unknown {
    switch (name) {
      case "account":
        return this.#accounts.change(args[0] as string, args[1] as readonly unknown[], limits, this.#mayGrow());
      case "putBundle":
        return this.#putBundle(...args as [StoredBundle, number, BundleChange | null], limits);
      case "acknowledge":
        return this.#messages.acknowledge(...args as [Uint8Array, readonly Range[]]);
      case "collect":
        return this.#collect(...args as [number]);
      case "confirmInvite":
        return this.#invites.confirm(...args as [Uint8Array, Uint8Array]);
      case "revokeInvite":
        return this.#invites.revoke(...args as [Uint8Array, Uint8Array]);
      case "leaveGroup":
        return this.#groups.leave(...args as [Uint8Array, Uint8Array]);
      case "welcomed":
        return this.#groups.welcomed(...args as [Uint8Array, Uint8Array, number]);
      case "reportCommit":
        return this.#groups.report(args[0] as Parameters<GroupStore["report"]>[0], limits);
      case "revokeJoinKey":
        return this.#groups.revokeJoinKey(...args as [Uint8Array, Uint8Array, Uint8Array]);
      case "settleBlob":
        return this.#blobs.settle(...args as [number, boolean]);
      case "forgetBlob":
        return this.#blobs.forget(...args as [Uint8Array, Uint8Array]);
      case "deleteToken":
        return this.#directory.deleteToken(...args as [string]);
      case "disallowAccount":
        return this.#directory.disallowAccount(...args as [Uint8Array]);
    }
    // Everything below grows the database.
    if (!this.#mayGrow()) throw new QightError("storage_full");
    switch (name) {
      case "putSealingKey":
        return this.#directory.putSealingKey(...args as [StoredSealingKey]);
      case "putToken":
        return this.#directory.putToken(...args as [StoredToken]);
      case "putInvite":
        return this.#invites.put(...args as [NewInvite, InviteBounds]);
      case "claimInvite":
        return this.#invites.claim(...args as [Uint8Array, Uint8Array, { nowMs: number; keepUntilMs: number }]);
      case "publishKeyPackages":
        return this.#keyPackages.publish(...args as [Uint8Array, number, NewKeyPackage[], KeyPackageBounds]);
      case "claimKeyPackages":
        return this.#keyPackages.claim(args[0] as KeyPackageClaim, limits);
      case "createGroup":
        return this.#groups.create(...args as [NewGroup, GroupBounds], limits);
      case "commit":
        return this.#groups.commit(...args as [NewCommit, GroupBounds], limits);
      case "putJoinKey":
        return this.#groups.putJoinKey(args[0] as NewJoinKey);
      case "beginBlob":
        return this.#blobs.begin(args[0] as NewBlob, limits);
      case "appendBlob":
        return this.#blobs.append(...args as [Uint8Array, Uint8Array, number, Uint8Array], limits);
      case "allowAccount":
        return this.#directory.allowAccount(...args as [Uint8Array, string]);
      default:
        throw new QightError("internal", `The store knows no change ${name}`);
    }
  }

  #putBundle(next: StoredBundle, expectedVersion: number, change: BundleChange | null, limits: StoreLimits): BundlePut {
    const put = this.#lists.put(next, expectedVersion, change, { limits, mayGrow: this.#mayGrow() });
    if (put.kind === "stored" && change?.session) this.#sessions.put(change.session);
    return put;
  }

  #collect(nowMs: number): CollectStep {
    const step = this.#messages.collect(nowMs);
    const more = [this.#invites, this.#keyPackages, this.#groups, this.#blobs, this.#accounts]
      .map((each) => each.collect(nowMs));
    return { ...step, more: step.more || more.includes(true) };
  }
}

/**
 * Takes in the commits that a group's relay has accepted, in order, a page in one transaction.
 * @module
 */
import { applyCommit, type CommitChange } from "../../crypto/mls/apply.ts";
import type { Member } from "../../crypto/mls/credential.ts";
import { describe, type GroupState } from "../../crypto/mls/state.ts";
import { equal } from "../../crypto/equal.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import type { Tables } from "../storage/store.ts";
import { hasEnded } from "../account_ends.ts";
import { goneAmong, neverListed, refreshBundles, unlisted } from "./authentication.ts";
import { type LoggedCommit, readLog } from "./commit_log.ts";
import { type HealReason, keepEvents, untold } from "./events.ts";
import { areGoneLater } from "./passing.ts";
import { adopt } from "./pending.ts";
import { dropSeat } from "./kept_seats.ts";
import { faultOf, removalsToJustify } from "./roles.ts";
import type { GroupRoom } from "./room.ts";
import { distinct, happeningsOf, localName, nextRow } from "./rows.ts";
import type { LoadedGroup } from "./states.ts";

/** How taking commits in ended. */
export type Taken =
  /** As far as was wanted, or to the end of the log. */
  | { readonly kind: "taken"; readonly epoch: number }
  /** This device is no member (any more), or knows no state. */
  | { readonly kind: "over" }
  /** A commit that breaks the rules or cannot be read; `newest`: nothing came after it. */
  | { readonly kind: "refused"; readonly commit: LoggedCommit; readonly newest: boolean }
  /** The state here cannot go on. */
  | { readonly kind: "broken"; readonly why: HealReason };

/** So many commits are asked for and taken in at once. */
const PAGE = 16;
/** Other processes of this device wait for the store no longer than this and one commit more. */
const TRANSACTION_MS = 500;

/** Takes accepted commits in until the group is at `wanted`, or all there are. */
export async function takeCommits(room: GroupRoom, group: Uint8Array, wanted: number): Promise<Taken> {
  const refreshed = new Set<string>();
  const passing = new Set<string>();
  for (;;) {
    const row = await room.store.read(({ groups }) => groups.get(room.relay, group));
    if (!row || row.status === "left" || row.status === "removed") return { kind: "over" };
    if (row.epoch >= wanted) return { kind: "taken", epoch: row.epoch };
    const page = await readLog(room, row, Math.min(PAGE, wanted - row.epoch));
    if (page === null) {
      await forgetState(room, group);
      return { kind: "over" };
    }
    const { commits, end } = page;
    const done = await room.store.write((tables) => takePage(room, tables, { group, commits, refreshed, passing }));
    if (done.kind === "needs") {
      await refreshBundles(room, done.accounts);
      for (const account of done.accounts) refreshed.add(account.toHex());
    } else if (done.kind === "unlisted") {
      const { commit, state, devices } = done;
      if (!await areGoneLater(room, { group, epoch: commit.epoch }, state, new Set(devices))) {
        return { kind: "refused", commit, newest: end !== null && end.epoch === commit.epoch + 1 };
      }
      for (const device of devices) passing.add(device);
    } else if (done.kind === "refused") {
      return { ...done, newest: end !== null && end.epoch === done.commit.epoch + 1 };
    } else if (done.kind !== "taken") return done;
    else if (end) {
      if (end.epoch < row.epoch) return { kind: "broken", why: "reopened" };
      if (end.oldest > done.epoch && end.epoch > done.epoch) return { kind: "broken", why: "too_old" };
      if (done.epoch >= end.epoch || done.epoch >= wanted) return { kind: "taken", epoch: done.epoch };
      if (commits.length === 0) return { kind: "taken", epoch: done.epoch };
    }
  }
}

type PageEnd =
  | { readonly kind: "taken"; readonly epoch: number }
  | { readonly kind: "over" }
  | { readonly kind: "needs"; readonly accounts: readonly Uint8Array[] }
  | { readonly kind: "refused"; readonly commit: LoggedCommit }
  | Unlisted
  | { readonly kind: "broken"; readonly why: HealReason };

/** A commit lets devices (hex) in that no list of their accounts has, not even the newest. */
interface Unlisted {
  readonly kind: "unlisted";
  /** Before the commit. */
  readonly state: GroupState;
  readonly commit: LoggedCommit;
  readonly devices: readonly string[];
}

/** Inside a transaction: takes commits in one by one; what was taken before a bad one stays. */
async function takePage(
  room: GroupRoom,
  tables: Tables,
  { group, commits, refreshed, passing }: {
    readonly group: Uint8Array;
    readonly commits: readonly LoggedCommit[];
    /** Accounts (hex) whose lists were asked for. */
    readonly refreshed: ReadonlySet<string>;
    /** Devices (hex) that are not listed, and out of the group again before its present epoch. */
    readonly passing: ReadonlySet<string>;
  },
): Promise<PageEnd> {
  const { groups } = tables;
  let loaded: LoadedGroup | null = await room.states.load(tables, room.relay, group);
  if (!loaded) return { kind: "over" };
  let unsaved = false;
  const finish = async (end: PageEnd): Promise<PageEnd> => {
    if (unsaved) await room.states.save(tables, loaded!.row, loaded!.state);
    groups.dropPendingBelow(room.relay, group, loaded!.row.epoch);
    return end;
  };
  const untilMs = room.clock.monotonic() + TRANSACTION_MS;
  for (const commit of commits) {
    if (room.clock.monotonic() > untilMs) break;
    const before: LoadedGroup = loaded;
    const { row, state } = before;
    if (commit.epoch < row.epoch) continue; // another process has taken it in
    if (commit.epoch > row.epoch) return await finish({ kind: "broken", why: "too_old" });
    const hash = await sha256(commit.commit);
    const own = groups.pending(room.relay, group).find((pending) => equal(pending.hash, hash));
    if (own) {
      await adopt(room, tables, own);
      loaded = (await room.states.load(tables, room.relay, group))!;
      unsaved = false;
      continue;
    }
    if (equal(commit.device, room.signer.publicKey)) return await finish({ kind: "broken", why: "restored" });
    const members = describe(state).members;
    const check = async (change: CommitChange) => {
      const gone = await goneOf(room, tables, change, { members, acceptedAtMs: commit.acceptedAtMs, refreshed });
      const fault = faultOf(change, members, gone);
      if (fault) throw new QightError("bad_group_message", `Cannot take the change: ${fault}`);
      const staying = change.added.filter(({ device }) => !passing.has(device.toHex()));
      const now = await unlisted(staying, (account) => room.directory.latestIn(tables, account));
      // When it was accepted is the relay's word, so that alone lets nobody in: another device of the account has to have
      // added this one. A stolen device that was revoked would come in again, or a made-up one of an account that has ended.
      const isVouched = ({ account }: Member) => !change.external && equal(account, change.committer.account);
      const missing = [
        ...now.filter((leaf) => !isVouched(leaf)),
        ...await neverListed(tables, now.filter(isVouched), commit.acceptedAtMs),
      ];
      const askable = distinct(missing).filter((account) => !refreshed.has(account.toHex()));
      if (askable.length > 0) throw new BundlesNeeded(askable);
      if (missing.length > 0) throw new DevicesUnlisted(missing.map(({ device }) => device.toHex()));
    };
    try {
      const nowMs = Math.min(commit.acceptedAtMs, room.clock.now());
      const { next, change } = await applyCommit(state, commit.commit, { nowMs, check });
      // By the relay's clock, as the times of messages that it is told among.
      const atMs = commit.acceptedAtMs;
      if (next === null) {
        room.states.saveRow(tables, { ...row, status: "removed", epoch: row.epoch + 1 }, "erase");
        keepEvents(tables, row, atMs, [{ kind: "removed_me", by: change.committer.account }]);
        return { kind: "over" };
      }
      const renamed = nextRow(row, next);
      loaded = { row: { ...renamed, name: localName(groups, renamed), stamp: row.stamp }, state: next };
      unsaved = true;
      const leavers = groups.leavers(room.relay, group);
      const ended = (account: Uint8Array) => hasEnded(tables, account);
      keepEvents(tables, row, atMs, untold(happeningsOf(change, members, ended), leavers));
      for (const { account } of [...change.removed, ...change.added]) groups.dropLeaver(room.relay, group, account);
      for (const { account } of change.added) dropSeat(tables, { relay: room.relay, group }, account);
    } catch (thrown) {
      if (thrown instanceof BundlesNeeded) return await finish({ kind: "needs", accounts: thrown.accounts });
      if (thrown instanceof DevicesUnlisted) {
        return await finish({ kind: "unlisted", state, commit, devices: thrown.devices });
      }
      if (asQightError(thrown).code !== "bad_group_message") throw thrown;
      return await finish({ kind: "refused", commit });
    }
  }
  return await finish({ kind: "taken", epoch: loaded.row.epoch });
}

/**
 * Of the leaves that somebody without rights removes those that their accounts do not list; the relay is asked before a
 * commit is refused for the others. Whoever comes late counts what was listed when the commit was made.
 */
async function goneOf(
  room: GroupRoom,
  tables: Tables,
  change: CommitChange,
  { members, acceptedAtMs, refreshed }: {
    readonly members: readonly Member[];
    readonly acceptedAtMs: number;
    readonly refreshed: ReadonlySet<string>;
  },
): Promise<Member[]> {
  const doubtful = removalsToJustify(change, members);
  const gone = await goneAmong(room, tables, doubtful, acceptedAtMs);
  const askable = distinct(doubtful.filter((leaf) => !gone.includes(leaf)))
    .filter((account) => !refreshed.has(account.toHex()));
  if (askable.length > 0) throw new BundlesNeeded(askable);
  return gone;
}

/** The relay says that this device is not on the roster: its state opens nothing more. */
export async function forgetState({ store, states, relay, clock }: GroupRoom, group: Uint8Array): Promise<void> {
  await store.write((tables) => {
    const row = tables.groups.get(relay, group);
    if (!row || row.status === "left" || row.status === "removed") return;
    states.saveRow(tables, { ...row, status: "removed" }, "erase");
    keepEvents(tables, row, clock.now(), [{ kind: "removed_me", by: null }]);
  });
}

/** Thrown inside a transaction: the network is asked outside of it, and the work done again. */
class BundlesNeeded extends Error {
  constructor(readonly accounts: readonly Uint8Array[]) {
    super("Bundles are needed");
  }
}

/** Thrown inside a transaction: whether these devices (hex) went again the log has to say. */
class DevicesUnlisted extends Error {
  constructor(readonly devices: readonly string[]) {
    super("Devices are on no list");
  }
}

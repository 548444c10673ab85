/**
 * Whose a leaf is: it counts when the verified bundle of its account lists its device (RFC 9420 section 5.3.1, the
 * Authentication Service). crypto/mls/ has checked that the device certified the leaf's key.
 * @module
 */
import { lists, openBundle, type VerifiedBundle } from "../../crypto/bundle.ts";
import { formatAccountId } from "../../crypto/account.ts";
import { equal } from "../../crypto/equal.ts";
import type { Member } from "../../crypto/mls/credential.ts";
import { QightError } from "../../proto/errors.ts";
import { endedAt, hasEnded, keepEnd } from "../account_ends.ts";
import type { Tables } from "../storage/store.ts";
import type { GroupRoom } from "./room.ts";
import { distinct } from "./rows.ts";

type Leaf = Pick<Member, "account" | "device">;
type Authority = Pick<GroupRoom, "directory" | "source" | "store">;

/** Bundles asked for side by side. */
const AT_ONCE = 16;

/** How to find the newest known bundle of an account: `directory.latest`, or `latestIn` inside a transaction. */
export type KnownBundles = (account: Uint8Array) => Promise<VerifiedBundle | null>;

/** Those of these leaves that the known bundles of their accounts do not list. */
export async function unlisted<T extends Leaf>(leaves: readonly T[], latest: KnownBundles): Promise<T[]> {
  const missing: T[] = [];
  for (const [, same] of Map.groupBy(leaves, ({ account }) => account.toHex())) {
    const bundle = await latest(same[0].account);
    missing.push(...same.filter(({ device }) => !lists(bundle, device)));
  }
  return missing;
}

/**
 * Asks the relay for the newest bundles of accounts and keeps them, and the end of those that have ended; a bundle that
 * is not valid is as good as none.
 */
export async function refreshBundles(room: Authority, accounts: readonly Uint8Array[]): Promise<void> {
  const client = await room.source.client();
  const left = [...accounts];
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, left.length) }, async () => {
    for (let account; (account = left.pop());) {
      const { bundle, end } = await client.getAccount(account);
      if (end) await keepEnd(room.store, account, end);
      else if (bundle) await keep(room.directory, account, bundle);
    }
  }));
}

/** Of these leaves those whose account does not list their device any more, or has ended; for use in a transaction. */
export async function goneAmong<T extends Leaf>(
  { directory }: Pick<Authority, "directory">,
  tables: Pick<Tables, "directory" | "meta">,
  leaves: readonly T[],
  /**
   * By the relay's clock (milliseconds since 1970): what came back onto its list after this moment counts as not listed
   * then. That it was listed before has to be known here: else a relay that dates a commit back could take anybody away.
   */
  atMs = Infinity,
): Promise<T[]> {
  const gone: T[] = [];
  for (const [, same] of Map.groupBy(leaves, ({ account }) => account.toHex())) {
    const [{ account }] = same;
    const bundle = await directory.latestIn(tables, account);
    const entryOf = (list: VerifiedBundle, { device }: T) => list.devices.find(({ key }) => equal(key, device));
    const isLate = (leaf: T) => bundle !== null && (entryOf(bundle, leaf)?.addedAtMs ?? 0) > atMs;
    const earlier = same.some(isLate) ? await earlierLists(tables, account) : [];
    const cameBack = (leaf: T) =>
      isLate(leaf) && earlier.some((list) => (entryOf(list, leaf)?.addedAtMs ?? Infinity) <= atMs);
    const isListed = (leaf: T) => bundle === null || (entryOf(bundle, leaf) !== undefined && !cameBack(leaf));
    gone.push(...hasEnded(tables, account) ? same : same.filter((leaf) => !isListed(leaf)));
  }
  return gone;
}

/**
 * Of these leaves those that were on no list that is known here at a moment (by the relay's clock, milliseconds since 1970): who
 * was, and is off the list since, came in by right, and goes by the next change.
 */
export async function neverListed<T extends Leaf>(
  tables: Pick<Tables, "directory" | "meta">,
  leaves: readonly T[],
  atMs: number,
): Promise<T[]> {
  const never: T[] = [];
  for (const [, same] of Map.groupBy(leaves, ({ account }) => account.toHex())) {
    // What an account listed that has ended since nobody can ask for any more.
    if (atMs <= (await endedAt(tables, same[0].account) ?? -1)) continue;
    const known = (await earlierLists(tables, same[0].account)).sort((a, b) => a.version - b.version);
    const wasThere = ({ device }: T) =>
      known.some((list, at) => {
        const next = known.slice(at + 1).find((later) => !lists(later, device));
        return lists(list, device) && next !== undefined && atMs <= next.createdAtMs;
      });
    never.push(...same.filter((leaf) => !wasThere(leaf)));
  }
  return never;
}

/** All lists of an account that were seen here. */
function earlierLists({ directory }: Pick<Tables, "directory">, account: Uint8Array): Promise<VerifiedBundle[]> {
  return Promise.all(directory.since(account, 0).map(({ bytes }) => openBundle(bytes)));
}

/** Those of these leaves that no bundle lists, after asking the relay for newer ones. */
export async function unvouched<T extends Leaf>(room: Authority, leaves: readonly T[]): Promise<T[]> {
  const latest: KnownBundles = (account) => room.directory.latest(account);
  const unknown = await unlisted(leaves, latest);
  if (unknown.length === 0) return [];
  await refreshBundles(room, distinct(unknown));
  return await unlisted(leaves, latest);
}

/** The error (`bad_group_message`) for a leaf that no bundle lists. */
export function notListed({ account }: Pick<Leaf, "account">): QightError {
  return new QightError(
    "bad_group_message",
    `A member's device is not listed by its account ${formatAccountId(account)}`,
  );
}

async function keep(directory: Authority["directory"], account: Uint8Array, offered: Uint8Array): Promise<void> {
  try {
    const bundle = await openBundle(offered);
    if (equal(bundle.account, account)) await directory.remember(bundle);
  } catch (thrown) {
    // What the relay offers is older or broken: then what is known here has to do.
    if (thrown instanceof QightError && (thrown.code === "bad_bundle" || thrown.code === "key_changed")) return;
    throw thrown;
  }
}

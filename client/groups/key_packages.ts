/**
 * Keeps KeyPackages of this device at the relay, so that others can add it while it is away. Secrets are on disk before a
 * package is published.
 * @module
 */
import type { LeafOwner } from "../../crypto/mls/credential.ts";
import { DEFAULT_SUITE, type MlsSuite } from "../../crypto/mls/suite.ts";
import { asQightError } from "../../proto/errors.ts";
import type { Clock } from "../clock.ts";
import { GroupCalls, type KeyPackageCount } from "../group_calls.ts";
import type { RelayClient } from "../relay_client.ts";
import type { ClientStore, KeyPackageRow, Tables } from "../storage/store.ts";

/** What publishing KeyPackages needs. */
export interface KeyPackageRoom {
  readonly relay: Pick<RelayClient, "rpc">;
  /** The relay's name as dialled. */
  readonly relayName: string;
  readonly store: ClientStore;
  readonly owner: LeafOwner;
  readonly clock: Pick<Clock, "now">;
}

/** How much may be done at once. */
export interface KeyPackageBudget {
  /** Most packages to make; a command that lives for a moment makes few. */
  readonly most: number;
  /** Look at the relay even if that was done a short while ago. */
  readonly lookNow?: boolean;
}

/** What a one-shot command makes: about 100 ms. */
export const ONE_SHOT: KeyPackageBudget = { most: 8 };
/** What a program that stays makes. */
export const IN_PEACE: KeyPackageBudget = { most: 100, lookNow: true };

/** Single-use packages of a full stock, and the number below which more are made. */
const FULL_STOCK = 100;
const LOW_STOCK = 50;
/** A relay takes at most 64 in one call. */
const BATCH = 32;
/** Life of a package: 90 days; a last-resort one is replaced at half of it. */
const LIFE_MS = 90 * 24 * 3600_000;
const LAST_RESORT_ROTATION_MS = LIFE_MS / 2;
/** Clocks of those who claim it may be behind ours. */
const BACKDATED_MS = 10 * 60_000;
/** One-shot commands ask the relay how many are left at most this often. */
const LOOK_EVERY_MS = 3600_000;

/**
 * Publishes what the relay lacks: a last-resort package, then single-use ones. Answers how many packages were published;
 * 0 also for a relay that knows no KeyPackages. Loads MLS only when there is something to make.
 */
export async function ensureKeyPackages(
  room: KeyPackageRoom,
  { most, lookNow = false }: KeyPackageBudget = ONE_SHOT,
  suite: MlsSuite = DEFAULT_SUITE,
): Promise<number> {
  const nowMs = room.clock.now();
  const { due, lookedAtMs, waiting } = await room.store.write(({ keyPackages, meta }) => {
    keyPackages.purge(nowMs - BACKDATED_MS);
    const lastResort = keyPackages.lastResort(room.relayName, suite);
    const due = !lastResort || lastResort.used || nowMs >= lastResort.createdAtMs + LAST_RESORT_ROTATION_MS;
    const unpublished = keyPackages.unpublished(room.relayName, suite);
    // Made and not published, by a process that ended in between: the relay takes one of last resort, so the newest counts.
    const old = unpublished.filter((row) => row.lastResort).slice(0, due ? undefined : -1);
    keyPackages.drop(old.map(({ ref }) => ref));
    return {
      due,
      lookedAtMs: Number(new TextDecoder().decode(meta.get(lookedName(room, suite)) ?? new Uint8Array(0))),
      waiting: unpublished.filter((row) => !old.includes(row)),
    };
  });
  if (!due && waiting.length === 0 && !lookNow && Math.abs(nowMs - lookedAtMs) < LOOK_EVERY_MS) return 0;
  const calls = new GroupCalls(room.relay.rpc);
  const count = await countAt(calls, suite);
  if (count === null) return 0;
  const stock = count.singleUse + waiting.filter((row) => !row.lastResort).length;
  const wanted = stock >= LOW_STOCK ? 0 : Math.min(most, FULL_STOCK - stock);
  const isWaiting = waiting.some((row) => row.lastResort);
  const terms = due || (!count.lastResort && !isWaiting) ? [true] : [];
  const made = await make(room, suite, [...terms, ...Array<boolean>(wanted).fill(false)]);
  await publish(room, calls, suite, [...waiting, ...made]);
  await room.store.write(({ meta }) => meta.put(lookedName(room, suite), new TextEncoder().encode(String(nowMs))));
  return waiting.length + made.length;
}

/** Inside a transaction: a Welcome used one up, so the next command asks the relay how many are left. */
export function lookAgain({ meta }: Pick<Tables, "meta">): void {
  meta.removeAll(LOOKED);
}

const LOOKED = "key_packages:";

function lookedName({ relayName }: KeyPackageRoom, suite: MlsSuite): string {
  return `${LOOKED}${suite}:${relayName}`;
}

async function countAt(calls: GroupCalls, suite: MlsSuite): Promise<KeyPackageCount | null> {
  try {
    return await calls.countKeyPackages(suite);
  } catch (thrown) {
    if (asQightError(thrown).code === "unknown_method") return null; // an older relay
    throw thrown;
  }
}

async function make(room: KeyPackageRoom, suite: MlsSuite, lastResorts: readonly boolean[]): Promise<KeyPackageRow[]> {
  if (lastResorts.length === 0) return [];
  const { makeKeyPackage } = await import("../../crypto/mls/key_package.ts");
  const createdAtMs = room.clock.now();
  const notBeforeMs = createdAtMs - BACKDATED_MS;
  const expiresAtMs = notBeforeMs + LIFE_MS;
  const rows: KeyPackageRow[] = [];
  for (const lastResort of lastResorts) {
    const made = await makeKeyPackage(suite, room.owner, { notBeforeMs, notAfterMs: expiresAtMs, lastResort });
    const about = { relay: room.relayName, suite, lastResort, createdAtMs, expiresAtMs };
    rows.push({ ...made, ...about, published: false, used: false });
  }
  // The secrets first: a package that is out without its secret would be a Welcome that nobody can open.
  await room.store.write(({ keyPackages }) => rows.forEach((row) => keyPackages.put(row)));
  return rows;
}

async function publish(
  { store }: KeyPackageRoom,
  calls: GroupCalls,
  suite: MlsSuite,
  rows: readonly KeyPackageRow[],
): Promise<void> {
  for (let at = 0; at < rows.length; at += BATCH) {
    const some = rows.slice(at, at + BATCH);
    try {
      await calls.publishKeyPackages(suite, some);
    } catch (thrown) {
      // Made while the clock was wrong, for example: the relay will never take them, and nobody has them.
      if (asQightError(thrown).code === "bad_group_message") {
        await store.write(({ keyPackages }) => keyPackages.drop(some.map(({ ref }) => ref)));
      }
      throw thrown;
    }
    await store.write(({ keyPackages }) => keyPackages.published(some.map(({ ref }) => ref)));
  }
}

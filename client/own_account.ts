/**
 * Which account a store's device belongs to: a device that was linked into another one, or recovered it, leaves the
 * conversations of the former behind, whatever crashed in between.
 * @module
 */
import { equal } from "../crypto/equal.ts";
import { QightError } from "../proto/errors.ts";
import type { Random } from "./clock.ts";
import { leaveFormer } from "./groups/former.ts";
import { voidAndRemove } from "./settlement.ts";
import type { Tables } from "./storage/store.ts";

const NAME = "own account";

/**
 * Refuses (`not_listed`) to go on as an account (hash, 32 bytes) that this machine's device has left meanwhile: a command
 * that began before would read the new account's mail as the former, which opens none of it, and take the device back.
 */
export function refuseMoved({ meta }: Pick<Tables, "meta">, account: Uint8Array): void {
  const known = meta.get(NAME);
  if (known && !equal(known, account)) throw hasMoved();
}

/** Whether this machine's device was of an account (hash, 32 bytes) when it was last looked at. */
export function isOfAccount({ meta }: Pick<Tables, "meta">, account: Uint8Array): boolean {
  const known = meta.get(NAME);
  return known !== null && equal(known, account);
}

/** What a command hears whose device went into another account while it ran. */
export function hasMoved(): QightError {
  return new QightError("not_listed", "This machine's device went into another account while this ran", {
    hint: "Start it again: it goes on as the account that the device is in now.",
  });
}

/**
 * Inside a transaction, before anything is done as this account (hash, 32 bytes): notes it, and leaves the former's
 * conversations and drops what waited to be sent as it when it is another one. Answers whether it was.
 */
export function followAccount(
  tables: Tables,
  account: Uint8Array,
  random: Random,
): boolean {
  const known = tables.meta.get(NAME);
  if (known && equal(known, account)) return false;
  if (known) {
    leaveFormer(tables, random);
    dropQueued(tables);
  }
  tables.meta.put(NAME, account);
  return known !== null;
}

/** What was written as the former account is not said by another one, also where a link or a recovery was cut off. */
function dropQueued(tables: Tables): void {
  const { outbox, history } = tables;
  const dropped = new Set<string>();
  for (const id of outbox.olderThan(Number.MAX_SAFE_INTEGER, "queued")) {
    voidAndRemove(tables, id);
    dropped.add(id.toHex());
  }
  if (dropped.size === 0) return;
  for (const { device, id } of history.inState("waiting")) {
    if (dropped.has(id.toHex())) history.setState(device, id, "failed");
  }
}

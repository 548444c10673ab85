/**
 * Which account a store's device belongs to: a device that was linked into another one, or recovered it, leaves the
 * conversations of the former behind, whatever crashed in between.
 * @module
 */
import { equal } from "../crypto/equal.ts";
import type { Random } from "./clock.ts";
import { leaveFormer } from "./groups/former.ts";
import type { Tables } from "./storage/store.ts";

const NAME = "own account";

/**
 * Inside a transaction, before anything is done as this account (hash, 32 bytes): notes it, and leaves the former's
 * conversations when it is another one. Answers whether it was.
 */
export function followAccount(
  tables: Pick<Tables, "groups" | "keyPackages" | "meta" | "recoveryMarks">,
  account: Uint8Array,
  random: Random,
): boolean {
  const known = tables.meta.get(NAME);
  if (known && equal(known, account)) return false;
  if (known) leaveFormer(tables, random);
  tables.meta.put(NAME, account);
  return known !== null;
}

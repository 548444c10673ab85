/**
 * A device that moved to another account has no conversations of the former one any more.
 * @module
 */
import type { Random } from "../clock.ts";
import type { Tables } from "../storage/store.ts";
import { lookAgain } from "./key_packages.ts";

/**
 * Inside the transaction that makes the move: groups are marked as left and their states dropped, direct conversations
 * forgotten (what was said stays in the history), and KeyPackages, which certify the former account, erased with their secrets.
 * Its recovery codes are no concern of this device any more.
 */
export function leaveFormer(
  tables: Pick<Tables, "groups" | "keyPackages" | "meta" | "recoveryMarks">,
  random: Random,
): void {
  const { groups, keyPackages, recoveryMarks } = tables;
  for (const row of groups.all()) {
    for (const { hash } of groups.pending(row.relay, row.group)) groups.dropPending(row.relay, row.group, hash);
    for (const account of groups.leavers(row.relay, row.group)) groups.dropLeaver(row.relay, row.group, account);
    // The new account has conversations of its own with the same people: nothing may be taken for them.
    if (row.kind === "direct") groups.remove(row.relay, row.group);
    else groups.put({ ...row, status: row.status === "removed" ? "removed" : "left", stamp: random(8) }, null);
  }
  recoveryMarks.forget();
  keyPackages.forgetAll();
  lookAgain(tables);
}

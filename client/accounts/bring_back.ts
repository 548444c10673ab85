/**
 * What a recovery brings back into the store, also when it was cut off after its code was used up.
 * @module
 */
import type { VerifiedBundle } from "../../crypto/bundle.ts";
import { wait } from "../groups/waiting.ts";
import { followAccount } from "../own_account.ts";
import type { Tables } from "../storage/store.ts";
import { begunRecovery, endRecovery, isBackNow } from "./begun.ts";
import { bringContacts } from "./kept.ts";
import { type OpenedRecovery, openIfKnown } from "./recover.ts";
import type { AccountRoom } from "./room.ts";
import { keepSession } from "./session_token.ts";

/**
 * Everything that must not be lost, inside one transaction; answers how many contacts are new here. `bundle`: the list that
 * has this device; `token`: its session, empty where the relay has no passwords.
 */
export function bringBack(
  tables: Tables,
  { relayName, identity: { account }, clock, random }: Omit<AccountRoom, "relay" | "store">,
  { kept, name }: Pick<OpenedRecovery, "kept" | "name">,
  { bundle, token }: { readonly bundle: VerifiedBundle; readonly token: string },
): number {
  keepSession(tables, relayName, token);
  followAccount(tables, account.hash, random);
  tables.directory.putBundle(bundle);
  // Whatever is cut off from here on, the next fetch comes back into them.
  wait(tables, relayName, { groups: kept.groups.map(({ group }) => group), nowMs: clock.now() });
  // What this device has beside what came back is written down with the next session.
  const changes = tables.recoveryMarks.begin(relayName);
  tables.recoveryMarks.made(relayName, { name, madeAtMs: clock.now(), changes });
  isBackNow(tables, relayName, account.hash);
  return bringContacts(tables, kept.contacts, account.hash);
}

/**
 * Before anything is published: brings back what a recovery of the own account was cut off before, if its code was used up.
 * Answers whether it did.
 */
export async function bringBackBegun(room: AccountRoom): Promise<boolean> {
  const { relay, relayName, store, identity: { account } } = room;
  const begun = await store.read((tables) => begunRecovery(tables, relayName, account.hash));
  if (!begun || begun.isBack) return false;
  const opened = await openIfKnown(relay, begun.codes[0]);
  if (opened === null) {
    // The code that let this device in was never used up, or there are newer ones.
    await store.write((tables) => endRecovery(tables, relayName));
    return false;
  }
  const { bundle } = opened;
  if (bundle) await store.write((tables) => bringBack(tables, room, opened, { bundle, token: "" }));
  return bundle !== null;
}

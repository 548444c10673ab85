/**
 * What a recovery brings back, and how it goes into the store of the machine that it is brought back to.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import { MAX_RECOVERY_BUNDLE_BYTES, recoveryBundleBytes } from "../../crypto/recovery.ts";
import type { RecoveryBundle } from "../../proto/gen/qight/v1/link_pb.ts";
import { isMember } from "../groups/member_row.ts";
import { waitingGroups } from "../groups/waiting.ts";
import type { ContactRow, Tables } from "../storage/store.ts";

/** The fields of a RecoveryBundle, and how many contacts and groups did not fit. */
export interface Gathered {
  readonly bundle: Pick<RecoveryBundle, "accountSeed" | "name" | "madeAtMs"> & {
    readonly contacts: { name: string; account: Uint8Array; verified: boolean; blocked: boolean; addedAtMs: bigint }[];
    readonly groups: { group: Uint8Array; name: string }[];
  };
  readonly left: number;
}

/**
 * Gathers contacts, and the groups at this relay that this device is in or tries to come back into; verified and blocked
 * contacts first, should not all fit.
 */
export function gather(
  { contacts, groups, meta }: Pick<Tables, "contacts" | "groups" | "meta">,
  about: { readonly relay: string; readonly accountSeed: Uint8Array; readonly name: string; readonly nowMs: number },
): Gathered {
  const { relay, accountSeed, name, nowMs } = about;
  const head = { accountSeed, name, madeAtMs: BigInt(nowMs) };
  let room = MAX_RECOVERY_BUNDLE_BYTES - recoveryBundleBytes({ ...head, version: 1 });
  // A repeated field takes as much as its rows do one by one.
  const fits = (bytes: number) => bytes <= room && (room -= bytes) >= 0;
  const joined = groups.all().filter((row) => row.relay === relay && isMember(row))
    .map(({ group, name, kind }) => ({ group, name: kind === "group" ? name : "" }));
  const waiting = waitingGroups({ meta }, relay).filter((group) => !joined.some((row) => equal(row.group, group)));
  const mine = [...joined, ...waiting.map((group) => ({ group, name: "" }))];
  const people = contacts.all().sort((a, b) => weight(b) - weight(a))
    .map(({ name, account, verified, blocked, addedAtMs }) => {
      return { name, account, verified, blocked, addedAtMs: BigInt(addedAtMs) };
    });
  const bundle = {
    ...head,
    groups: mine.filter((row) => fits(recoveryBundleBytes({ groups: [row] }))),
    contacts: people.filter((row) => fits(recoveryBundleBytes({ contacts: [row] }))),
  };
  return { bundle, left: mine.length + people.length - bundle.groups.length - bundle.contacts.length };
}

/** Inside a transaction: contacts that are not known here are added, others keep what is known of them. */
export function bringContacts(
  { contacts }: Pick<Tables, "contacts">,
  kept: RecoveryBundle["contacts"],
  own: Uint8Array,
): number {
  let added = 0;
  for (const { name, account, verified, blocked, addedAtMs } of kept) {
    if (account.length !== own.length || equal(account, own)) continue;
    const known = contacts.ofAccount(account);
    if (known) contacts.put({ ...known, verified: known.verified || verified, blocked: known.blocked || blocked });
    else {
      const row = { account, verified, blocked, addedAtMs: Number(addedAtMs), offered: null };
      contacts.put({ ...row, name: freeName(contacts, name) });
      added++;
    }
  }
  return added;
}

function weight({ verified, blocked }: ContactRow): number {
  return Number(verified) + Number(blocked);
}

/** A name that somebody else has here meanwhile gets a number. */
function freeName(contacts: Tables["contacts"], name: string): string {
  for (let number = 1;; number++) {
    const free = number === 1 ? name : `${name}-${number}`;
    if (!contacts.get(free)) return free;
  }
}

/**
 * Which leaves of a group should not be there any more, and which devices have none and may get one.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import type { Member } from "../../crypto/mls/credential.ts";
import type { GroupDescription } from "../../crypto/mls/state.ts";
import { hasEnded } from "../account_ends.ts";
import type { Tables } from "../storage/store.ts";
import { goneAmong } from "./authentication.ts";
import type { GroupRoom } from "./room.ts";
import { distinct } from "./rows.ts";

/** How a group differs from the device lists of its accounts, as far as they are known here. */
export interface Seats {
  /** Leaves whose accounts list their devices no more, or have ended. */
  readonly gone: readonly Member[];
  /** Devices without a leaf that this device should let in. */
  readonly absent: readonly Absent[];
  /** Accounts (hashes) that have no other leaves than those that go, and list devices: they lose their seat. */
  readonly homeless: readonly Uint8Array[];
}

/** A device that is listed and has no leaf. */
export interface Absent {
  readonly account: Uint8Array;
  readonly device: Uint8Array;
}

/**
 * Compares a group with what is known of its accounts; inside a transaction. Let in are the own other devices, in a direct
 * conversation those of both sides, and of an account that would lose its last leaf what it lists now. Nothing is to do
 * for a device that its own account does not list.
 */
export async function seatsOf(
  { directory, account: own, signer }: Pick<GroupRoom, "directory" | "account" | "signer">,
  tables: Pick<Tables, "directory" | "meta">,
  { members, data }: Pick<GroupDescription, "members" | "data">,
): Promise<Seats> {
  const gone = await goneAmong({ directory }, tables, members);
  if (gone.some(({ device }) => equal(device, signer.publicKey))) return NOTHING;
  const stays = members.filter((member) => !gone.includes(member));
  const homeless = distinct(gone).filter((account) =>
    !hasEnded(tables, account) && !stays.some((member) => equal(member.account, account))
  );
  const accounts = distinct([own, ...data.direct ?? [], ...homeless].map((account) => ({ account })));
  const absent: Absent[] = [];
  for (const account of accounts) {
    if (hasEnded(tables, account)) continue;
    for (const { key: device } of (await directory.latestIn(tables, account))?.devices ?? []) {
      if (!stays.some((member) => equal(member.device, device))) absent.push({ account, device });
    }
  }
  return { gone, absent, homeless };
}

/** A group that is as it should be, as far as is known. */
export const NOTHING: Seats = { gone: [], absent: [], homeless: [] };

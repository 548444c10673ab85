/**
 * KeyPackages of people who shall be added: claimed at the relay, and checked against what their account says.
 * @module
 */
import { formatAccountId } from "../../crypto/account.ts";
import { lists, openBundle } from "../../crypto/bundle.ts";
import { equal, isOneOf } from "../../crypto/equal.ts";
import { openKeyPackage } from "../../crypto/mls/key_package.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import { callsOf, type GroupRoom } from "./room.ts";

/** A device that can be added. */
export interface Addable {
  readonly account: Uint8Array;
  readonly device: Uint8Array;
  readonly keyPackage: Uint8Array;
  readonly expiresAtMs: number;
}

/**
 * One KeyPackage of each device of an account (hash, 32 bytes), or of these `only`. `no_key_package` when no device has a good one,
 * `no_such_recipient` when the relay does not know the account, `account_ended` when it has ended, `key_changed` when it rolled its device list back.
 */
export async function claimDevices(
  room: GroupRoom,
  account: Uint8Array,
  suite: number,
  only?: readonly Uint8Array[],
): Promise<Addable[]> {
  const { calls, client } = await callsOf(room);
  const nowMs = room.clock.now();
  const { bundle: offered, packages } = await calls.claimKeyPackages(account, suite, only);
  const id = formatAccountId(account);
  if (!offered) {
    await room.directory.lookUp(client, account); // says why: an account may have ended
    throw new QightError("no_such_recipient", `The relay knows no ${id}`);
  }
  const bundle = await openBundle(offered, nowMs);
  if (!equal(bundle.account, account)) {
    throw new QightError("bad_bundle", `The relay answered with another account than ${id}`);
  }
  await room.directory.remember(bundle);
  const good: Addable[] = [];
  for (const { device, keyPackage } of packages) {
    if (!lists(bundle, device) || equal(device, room.signer.publicKey)) continue;
    if (only && !isOneOf(device, only)) continue; // an older relay hands out those of all
    if (good.some((other) => equal(other.device, device))) continue;
    const expiresAtMs = await usableUntil(keyPackage, { account, device, suite }, nowMs);
    if (expiresAtMs !== null) good.push({ account, device, keyPackage, expiresAtMs });
  }
  if (good.length > 0) return good;
  throw new QightError("no_key_package", `No device of ${id} can be added to a conversation yet`);
}

/** Devices that can be added, by account hash in hex: a KeyPackage that was claimed is good for another try. */
export type Claimed = Map<string, Addable[]>;

/** Accounts asked for side by side. */
const AT_ONCE = 8;

/** Claims devices of all these accounts that are not in `claimed` yet. The first one that has none ends it. */
export async function claimAll(
  room: GroupRoom,
  accounts: readonly Uint8Array[],
  suite: number,
  claimed: Claimed,
): Promise<void> {
  const left = [...new Map(accounts.map((account) => [account.toHex(), account]))].reverse();
  const claimSome = async () => {
    for (let next; (next = left.pop());) {
      const [name, account] = next;
      if (claimed.has(name)) continue;
      const own = equal(account, room.account);
      claimed.set(name, await (own ? ownOthers(room, suite) : claimDevices(room, account, suite)));
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, left.length) }, claimSome));
}

/** This device may be the only one of its account, and it is in. */
async function ownOthers(room: GroupRoom, suite: number): Promise<Addable[]> {
  try {
    return await claimDevices(room, room.account, suite);
  } catch (thrown) {
    if (asQightError(thrown).code === "no_key_package") return [];
    throw thrown;
  }
}

/** When a KeyPackage expires; null when it is not what was asked for: the relay or its maker is at fault. */
async function usableUntil(
  keyPackage: Uint8Array,
  { account, device, suite }: { account: Uint8Array; device: Uint8Array; suite: number },
  nowMs: number,
): Promise<number | null> {
  try {
    const opened = await openKeyPackage(keyPackage, nowMs);
    const fits = opened.suite === suite && equal(opened.account, account) && equal(opened.device, device);
    return fits ? opened.expiresAtMs : null;
  } catch (thrown) {
    if (asQightError(thrown).code === "bad_group_message") return null;
    throw thrown;
  }
}

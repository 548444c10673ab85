/**
 * A recovery under way, as the store keeps it from before its code is used up until its new codes were handed over: whatever
 * is cut off in between, they and what they bring back are not lost with the process.
 * @module
 */
import { equal } from "../../crypto/equal.ts";
import type { Random } from "../clock.ts";
import { leaveFormer } from "../groups/former.ts";
import { isOfAccount } from "../own_account.ts";
import type { MetaTable, Tables } from "../storage/store.ts";

const NAME = "recovery under way:";
const ACCOUNT_BYTES = 32;

/** What is known of a recovery under way. */
export interface BegunRecovery {
  /** The new codes; they work if the relay had come that far. */
  readonly codes: readonly string[];
  /** Contacts and conversations are back; only the codes were not handed over. */
  readonly isBack: boolean;
}

/**
 * Inside a transaction, before the code is used up at a relay (name as dialled): keeps the new codes. A device that comes back
 * into the account (hash) whose list it is off leaves what it has of conversations and KeyPackages: they count for nothing.
 */
export function beginRecovery(
  tables: Tables,
  relay: string,
  { account, codes, wasListed }: {
    readonly account: Uint8Array;
    readonly codes: readonly string[];
    readonly wasListed: boolean;
  },
  random: Random,
): void {
  if (!wasListed && isOfAccount(tables, account)) leaveFormer(tables, random);
  put(tables, relay, account, { codes, isBack: false });
}

/** The recovery of this account (hash) that is under way; null without one. */
export function begunRecovery(
  { meta }: { readonly meta: Pick<MetaTable, "get"> },
  relay: string,
  account: Uint8Array,
): BegunRecovery | null {
  const kept = meta.get(NAME + relay);
  if (!kept || !equal(kept.subarray(0, ACCOUNT_BYTES), account)) return null;
  const codes = new TextDecoder().decode(kept.subarray(ACCOUNT_BYTES + 1)).split("\n");
  return { codes, isBack: kept[ACCOUNT_BYTES] === 1 };
}

/** Inside a transaction: contacts and conversations are back, the codes are still to be handed over. */
export function isBackNow(tables: Pick<Tables, "meta">, relay: string, account: Uint8Array): void {
  const begun = begunRecovery(tables, relay, account);
  if (begun) put(tables, relay, account, { ...begun, isBack: true });
}

/** The codes were handed over, or are worth nothing. */
export function endRecovery({ meta }: Pick<Tables, "meta">, relay: string): void {
  // Not `removeAll`, which takes the beginning of a name: host:443 is one of host:4433.
  if (meta.get(NAME + relay)) meta.put(NAME + relay, new Uint8Array(0));
}

function put({ meta }: Pick<Tables, "meta">, relay: string, account: Uint8Array, begun: BegunRecovery): void {
  const text = new TextEncoder().encode(begun.codes.join("\n"));
  meta.put(NAME + relay, new Uint8Array([...account, Number(begun.isBack), ...text]));
}

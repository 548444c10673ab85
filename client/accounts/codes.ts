/**
 * Recovery codes: eight at a time, each good for one way back in. New ones replace the old, and what they open.
 * @module
 */
import { RECOVERY_CODES, type SealedRecovery, sealRecovery } from "../../crypto/recovery.ts";
import { formatRecoveryCode, RECOVERY_SECRET_BYTES } from "../../crypto/recovery_code.ts";
import { AccountCalls } from "../account_calls.ts";
import type { Random } from "../clock.ts";
import { endRecovery } from "./begun.ts";
import { gather, type Gathered } from "./kept.ts";
import type { AccountRoom } from "./room.ts";

/** Codes for a person, and what the relay keeps for them. */
export interface NewCodes {
  /** `qrc1…`, eight. */
  readonly codes: readonly string[];
  readonly keeping: SealedRecovery;
}

/** Makes eight codes for what was gathered of an account (hash). */
export function newCodes(bundle: Gathered["bundle"], account: Uint8Array, random: Random): NewCodes {
  const secrets = Array.from({ length: RECOVERY_CODES }, () => random(RECOVERY_SECRET_BYTES));
  const keeping = sealRecovery(bundle, account, secrets);
  return { codes: secrets.map(formatRecoveryCode), keeping };
}

/**
 * New codes for the own account, which bring back what is in the store now, and later what `renewKept` finds; `left`
 * contacts or groups did not fit. The old ones are worth nothing from then on.
 */
export async function renewCodes(
  { relay, relayName, store, identity: { account }, clock, random }: AccountRoom,
  accountSeed: Uint8Array,
): Promise<{ readonly codes: readonly string[]; readonly name: string; readonly left: number }> {
  const calls = new AccountCalls(relay.rpc);
  const { name } = await calls.show();
  const about = { relay: relayName, accountSeed, name, nowMs: clock.now() };
  const { bundle, left, changes } = await store.write((tables) => (
    { changes: tables.recoveryMarks.begin(relayName), ...gather(tables, about) }
  ));
  const { codes, keeping } = newCodes(bundle, account.hash, random);
  await calls.putRecovery(keeping);
  await store.write((tables) => {
    tables.recoveryMarks.made(relayName, { name, madeAtMs: clock.now(), changes });
    // Codes that a recovery made and nobody has seen are worth nothing now.
    endRecovery(tables, relayName);
  });
  return { codes, name, left };
}

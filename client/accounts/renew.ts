/**
 * Keeps what recovery codes bring back as it is now: contacts and conversations of today, under the codes that there are.
 * @module
 */
import { resealRecovery } from "../../crypto/recovery.ts";
import { asQightError } from "../../proto/errors.ts";
import { AccountCalls } from "../account_calls.ts";
import { gather } from "./kept.ts";
import type { AccountRoom } from "./room.ts";

/**
 * One call, which replaces what the codes open. False when there are no codes any more: from then on nothing is renewed
 * until new ones are made. Throws what the relay threw.
 */
export async function renewKept(
  { relay, relayName, store, identity: { account }, clock }: Omit<AccountRoom, "random">,
  accountSeed: Uint8Array,
): Promise<boolean> {
  const gathered = await store.read((tables) => {
    const mark = tables.recoveryMarks.get(relayName);
    if (!mark) return null;
    const about = { relay: relayName, accountSeed, name: mark.name, nowMs: clock.now() };
    return { ...gather(tables, about), changes: mark.changes };
  });
  if (!gathered) return false;
  const { bundle, changes } = gathered;
  try {
    await new AccountCalls(relay.rpc).renewRecovery(resealRecovery(bundle, account.hash));
  } catch (thrown) {
    if (asQightError(thrown).code !== "code_unknown") throw thrown;
    await store.write(({ recoveryMarks }) => recoveryMarks.none(relayName, clock.now()));
    return false;
  }
  await store.write(({ recoveryMarks }) => recoveryMarks.renewed(relayName, changes));
  return true;
}

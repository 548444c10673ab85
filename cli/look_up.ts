/** Finds somebody's bundle: the own one without asking, others at the relay. @module */
import { RelayClient } from "../client/relay_client.ts";
import { formatAccountId } from "../crypto/account.ts";
import { openBundle, type VerifiedBundle } from "../crypto/bundle.ts";
import { equal } from "../crypto/equal.ts";
import { openSealingKey, type VerifiedSealingKey } from "../crypto/sealing_key.ts";
import { QightError } from "../proto/errors.ts";
import { chosenRelay } from "./relay_choice.ts";
import type { Settings } from "./settings.ts";
import { accessToken } from "./token.ts";

/** What the relay says about an account, verified. */
export interface PublicAccount {
  readonly bundle: VerifiedBundle;
  readonly sealingKeys: readonly VerifiedSealingKey[];
}

/** Asks the chosen relay; `no_such_recipient` when it knows no such account. Nothing is remembered. */
export async function lookUpAccount(settings: Settings, account: Uint8Array): Promise<PublicAccount> {
  const token = await accessToken(settings);
  await using relay = await RelayClient.connect(chosenRelay(settings), {
    timeoutMs: settings.timeoutMs,
    ...(token === undefined ? {} : { token }),
  });
  const reply = await relay.getSealingKeys(account);
  const who = formatAccountId(account);
  if (!reply.bundle) throw new QightError("no_such_recipient", `The relay knows no ${who}`);
  const bundle = await openBundle(reply.bundle, Date.now());
  if (!equal(bundle.account, account)) {
    throw new QightError("bad_bundle", `The relay answered with another account than ${who}`);
  }
  const keys = await Promise.all(reply.sealingKeys.map(openSealingKey));
  const listed = keys.filter((key) => bundle.devices.some((device) => equal(device.key, key.device)));
  return { bundle, sealingKeys: listed };
}

/** Finds somebody's bundle: the own one without asking, others at the relay. @module */
import { RelayClient } from "../client/relay_client.ts";
import { formatAccountId } from "../crypto/account.ts";
import { openBundle, type VerifiedBundle } from "../crypto/bundle.ts";
import { equal } from "../crypto/equal.ts";
import { openSealingKey, type VerifiedSealingKey } from "../crypto/sealing_key.ts";
import { QightError } from "../proto/errors.ts";
import { type Identity, openIdentityUnasked } from "./identity.ts";
import { Messenger } from "./messenger.ts";
import type { Output } from "./output.ts";
import { chosenOrOfferedRelay } from "./relay_choice.ts";
import type { Settings } from "./settings.ts";
import { accessToken } from "./token.ts";

/** What the relay says about an account, verified. */
export interface PublicAccount {
  readonly bundle: VerifiedBundle;
  readonly sealingKeys: readonly VerifiedSealingKey[];
}

/**
 * Asks the chosen relay; `no_such_recipient` when it knows no such account. What it answers is not remembered. The own
 * device is proven when its key opens without a question: an allow list admits accounts, not strangers.
 */
export async function lookUpAccount(settings: Settings, out: Output, account: Uint8Array): Promise<PublicAccount> {
  const address = await chosenOrOfferedRelay(settings, out);
  const identity = await openIdentityUnasked(settings, out);
  await using relay = await dial({ ...settings, relay: address }, out, address, identity);
  const reply = await relay.getSealingKeys(account).catch((thrown) => {
    if (identity !== "locked" || !(thrown instanceof QightError) || thrown.code !== "not_allowed") throw thrown;
    throw new QightError("not_allowed", "The relay admits listed accounts only, and the own key was not opened", {
      hint: "Give its passphrase with --passphrase-file FILE.",
      cause: thrown,
    });
  });
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

async function dial(
  settings: Settings,
  out: Output,
  address: string,
  identity: Identity | "absent" | "locked",
): Promise<RelayClient> {
  if (typeof identity !== "string") {
    await using messenger = await Messenger.open(settings, out, identity);
    return await messenger.dial();
  }
  const token = await accessToken(settings);
  return await RelayClient.connect(address, {
    timeoutMs: settings.timeoutMs,
    ...(token === undefined ? {} : { token }),
  });
}

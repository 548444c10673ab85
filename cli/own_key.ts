/** The key of this machine, made when there is none yet, as `qight key gen` does. @module */
import { QightError } from "../proto/errors.ts";
import { type Identity, identityFrom, makeSecrets, openIdentity } from "./identity.ts";
import type { Output } from "./output.ts";
import { newPassphrase } from "./passphrase.ts";
import type { Settings } from "./settings.ts";

/** An identity, and whether its key file is still to be written. */
export interface OwnKey {
  readonly identity: Identity;
  readonly isNew: boolean;
}

/** Opens the chosen key file, or makes a key in memory with the passphrase rules of `key gen`; nothing is written. */
export async function openOrMakeKey(
  settings: Settings,
  out: Output,
  { passphrase }: { readonly passphrase?: boolean },
): Promise<OwnKey> {
  try {
    return { identity: await openIdentity(settings, out), isNew: false };
  } catch (thrown) {
    if (!(thrown instanceof QightError) || thrown.code !== "no_key") throw thrown;
  }
  const path = settings.identity;
  const chosen = passphrase === false ? null : await newPassphrase(settings, path, { without: "--no-passphrase" });
  return { identity: await identityFrom(makeSecrets(), path, chosen), isNew: true };
}

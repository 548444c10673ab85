/** `qight key passwd`: another passphrase, or none. @module */
import { openIdentity, saveIdentity } from "../identity.ts";
import { newPassphrase } from "../passphrase.ts";
import type { keyPasswdSpec } from "../tree/key.ts";
import type { Call } from "../tree/spec.ts";

/** Opens the key file with the old passphrase and writes it again under the new one. */
export async function run({ options, settings, out }: Call<typeof keyPasswdSpec>): Promise<void> {
  const identity = await openIdentity(settings, out);
  // The old passphrase's file is not where the new one comes from.
  const passphrase = options.passphrase === false
    ? null
    : await newPassphrase({ ...settings, passphraseFile: undefined }, identity.path, {
      without: "--no-passphrase",
      file: options.newPassphraseFile,
      fileFlag: "--new-passphrase-file",
    });
  await saveIdentity({ ...identity, passphrase }, { overwrite: true, now: Date.now() });
  const { id } = identity.account;
  await out.result({ id, identity: identity.path, passphrase: passphrase !== null }, id);
}

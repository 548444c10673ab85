/** `qight key export`: the secret half, to keep or to move. @module */
import { fstatSync } from "node:fs";
import { sealVault } from "../../crypto/vault.ts";
import { openIdentity } from "../identity.ts";
import { encodeIdentity } from "../identity_bytes.ts";
import type { keyExportSpec } from "../tree/key.ts";
import type { Call } from "../tree/spec.ts";

/** Prints the account seed (and the device with `--with-device`), sealed by the passphrase of the key file. */
export async function run({ options, settings, out }: Call<typeof keyExportSpec>): Promise<void> {
  const identity = await openIdentity(settings, out);
  const { accountSeed, device } = identity.secrets;
  if (identity.passphrase === null) out.note("warning: this export is not protected by a passphrase; keep it safe");
  if (isReadableByOthers()) out.note("warning: others can read the file that this goes to; use umask 077");
  const bytes = encodeIdentity(options.withDevice ? { accountSeed, device } : { accountSeed });
  const text = await sealVault(bytes, identity.passphrase);
  await out.result({ id: identity.account.id, with_device: options.withDevice ?? false, key: text }, text.trimEnd());
}

function isReadableByOthers(): boolean {
  const stat = fstatSync(Deno.stdout.isTerminal() ? 2 : 1);
  return stat.isFile() && (stat.mode & 0o044) !== 0;
}

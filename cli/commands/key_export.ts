/** `qight key export`: the secret half, to keep or to move. @module */
import { fstatSync } from "node:fs";
import { packConversations } from "../../client/groups/carried.ts";
import { encodeIdentity, type IdentitySecrets } from "../../crypto/identity_bytes.ts";
import { sealVault } from "../../crypto/vault.ts";
import { type Identity, openIdentity } from "../identity.ts";
import { openStore } from "../messenger.ts";
import type { Output } from "../output.ts";
import { passphraseFrom } from "../passphrase.ts";
import type { Settings } from "../settings.ts";
import type { keyExportSpec } from "../tree/key.ts";
import type { Call } from "../tree/spec.ts";

/** Prints the account seed (and the device with `--with-device`), sealed by the passphrase of the key file. */
export async function run({ options, settings, out }: Call<typeof keyExportSpec>): Promise<void> {
  const identity = await openIdentity(settings, out);
  const { accountSeed, device, retired } = identity.secrets;
  // A passphrase that was handed in is meant for this file, also when the key itself has none.
  const passphrase = identity.passphrase ??
    (settings.passphraseFile === undefined
      ? null
      : await passphraseFrom(settings.passphraseFile, "Put a passphrase on its first line."));
  if (passphrase === null) out.note("warning: this export is not protected by a passphrase; keep it safe");
  if (isReadableByOthers()) out.note("warning: others can read the file that this goes to; use umask 077");
  const bytes = encodeIdentity(
    options.withDevice
      ? { accountSeed, device, ...(retired ? { retired } : {}), ...await mailOnItsWay(settings, identity, out) }
      : { accountSeed },
  );
  const text = await sealVault(bytes, passphrase);
  await out.result({ id: identity.account.id, with_device: options.withDevice ?? false, key: text }, text.trimEnd());
}

/** Mail that waits at the relay is sealed to these keys; without them the other machine could not open it. */
async function mailOnItsWay(
  settings: Settings,
  identity: Identity,
  out: Output,
): Promise<Pick<IdentitySecrets, "sealing" | "conversations">> {
  await using store = await openStore(settings, identity);
  const { sealing, carried } = await store.read((tables) => {
    return { sealing: tables.secrets.newest(), carried: packConversations(tables) };
  });
  if (!sealing) return {};
  if (carried.left > 0) {
    out.note(`${carried.left} conversations do not fit: they go on there, without what waits in them now`);
  }
  return { sealing, conversations: carried.bytes };
}

function isReadableByOthers(): boolean {
  const stat = fstatSync(Deno.stdout.isTerminal() ? 2 : 1);
  return stat.isFile() && (stat.mode & 0o044) !== 0;
}

/** The identity that a command acts as: its key file, its account and its device. @module */
import { type Identity, identityOf, readKeyFile, secretsIn } from "../client/storage/key_file.ts";
import { vaultNeedsPassphrase } from "../crypto/vault.ts";
import { QightError } from "../proto/errors.ts";
import type { Output } from "./output.ts";
import { existingPassphrase } from "./passphrase.ts";
import type { Settings } from "./settings.ts";

export { identityFrom, makeSecrets, readKeyFile, readPublicHalf, saveIdentity } from "../client/storage/key_file.ts";
export type { Identity, PublicHalf, WholeSecrets } from "../client/storage/key_file.ts";
export { storePath } from "../client/storage/store_path.ts";

/** Opens the chosen key file, asking for its passphrase when it has one; `no_key` when it is not there. */
export async function openIdentity(settings: Settings, out: Output): Promise<Identity> {
  const path = settings.identity;
  const text = await readKeyFile(path);
  await warnOfOpenMode(path, out);
  const { passphrase, secrets } = await unlock(text, settings, out);
  return await identityOf(secrets, path, passphrase);
}

/** Opens the vault; a person who mistypes the passphrase may try again, a file may not. */
async function unlock(text: string, settings: Settings, out: Output) {
  if (!vaultNeedsPassphrase(text)) return { passphrase: null, secrets: await secretsIn(text, null) };
  for (let left = settings.passphraseFile === undefined ? TRIES : 1;; left--) {
    const passphrase = await existingPassphrase(settings, settings.identity);
    try {
      return { passphrase, secrets: await secretsIn(text, passphrase) };
    } catch (thrown) {
      if (left === 1 || !(thrown instanceof QightError) || thrown.code !== "wrong_passphrase") throw thrown;
      out.error(`${thrown.message}. Try again.`);
    }
  }
}

const TRIES = 3;

/** Like `openIdentity` without ever asking: "absent" without a key file, "locked" when no passphrase was handed in. */
export async function openIdentityUnasked(settings: Settings, out: Output): Promise<Identity | "absent" | "locked"> {
  let text: string;
  try {
    text = await readKeyFile(settings.identity);
  } catch (error) {
    if (error instanceof QightError && error.code === "no_key") return "absent";
    throw error;
  }
  if (vaultNeedsPassphrase(text) && settings.passphraseFile === undefined) return "locked";
  return await openIdentity(settings, out);
}

/** Says so when others may read a file that holds a secret. */
export async function warnOfOpenMode(path: string, out: Output): Promise<void> {
  const { mode } = await Deno.stat(path);
  if (mode !== null && (mode & 0o077) !== 0) {
    out.note(`warning: ${path} can be read by others; chmod 600 it`);
  }
}

/** The identity that a command acts as: its key file, its account and its device. @module */
import { dirname, join } from "node:path";
import { type Account, accountFromSeed, deviceFingerprint } from "../crypto/account.ts";
import { generateSeed, type Signer, signerFromSeed } from "../crypto/ed25519.ts";
import { hex } from "../crypto/hex.ts";
import { openVault, sealVault, vaultNeedsPassphrase } from "../crypto/vault.ts";
import { QightError } from "../proto/errors.ts";
import { decodeIdentity, encodeIdentity, type IdentitySecrets } from "./identity_bytes.ts";
import type { Output } from "./output.ts";
import { existingPassphrase } from "./passphrase.ts";
import { makePrivateFolder, writePrivateFile } from "./paths.ts";
import type { Settings } from "./settings.ts";

/** Secrets of an identity that can act: account and device. */
export type WholeSecrets = IdentitySecrets & { readonly device: NonNullable<IdentitySecrets["device"]> };

/** An opened key file. */
export interface Identity {
  readonly path: string;
  readonly account: Account;
  readonly device: Signer;
  /** `SHA256:` + base64, as ssh-keygen shows keys. */
  readonly fingerprint: string;
  readonly secrets: WholeSecrets;
  /** The passphrase that opened it; null when there is none. */
  readonly passphrase: string | null;
}

/** What anybody may know about a key file, kept beside it so that listing keys asks for no passphrase. */
export interface PublicHalf {
  readonly id: string;
  readonly device: string;
  readonly created_at: string;
}

/** Opens the chosen key file, asking for its passphrase when it has one; `no_key` when it is not there. */
export async function openIdentity(settings: Settings, out: Output): Promise<Identity> {
  const path = settings.identity;
  const text = await readKeyFile(path);
  await warnOfOpenMode(path, out);
  const { passphrase, secrets } = await unlock(text, settings, out);
  if (!secrets.device) throw new QightError("bad_key_file", `${path} is an export: use qight key import ${path}`);
  return await identityFrom(secrets as WholeSecrets, path, passphrase);
}

/** Opens the vault; a person who mistypes the passphrase may try again, a file may not. */
async function unlock(text: string, settings: Settings, out: Output) {
  if (!vaultNeedsPassphrase(text)) return { passphrase: null, secrets: decodeIdentity(await openVault(text, null)) };
  for (let left = settings.passphraseFile === undefined ? TRIES : 1;; left--) {
    const passphrase = await existingPassphrase(settings, settings.identity);
    try {
      return { passphrase, secrets: decodeIdentity(await openVault(text, passphrase)) };
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

/** Text of a key file; `no_key` when there is none. */
export async function readKeyFile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new QightError("no_key", `There is no key at ${path}`);
    throw new QightError("no_input", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** New secrets: a fresh account unless one is given, always a fresh device. */
export function makeSecrets(accountSeed: Uint8Array = generateSeed()): WholeSecrets {
  return { accountSeed, device: { seed: generateSeed(), dataKey: generateSeed() } };
}

/** The identity that these secrets make. */
export async function identityFrom(
  secrets: WholeSecrets,
  path: string,
  passphrase: string | null,
): Promise<Identity> {
  const device = await signerFromSeed(secrets.device.seed);
  return {
    path,
    account: await accountFromSeed(secrets.accountSeed),
    device,
    fingerprint: await deviceFingerprint(device.publicKey),
    secrets,
    passphrase,
  };
}

/** Writes the key file (0600) and its public half beside it. */
export async function saveIdentity(identity: Identity, options: { overwrite: boolean; now: number }): Promise<void> {
  await makePrivateFolder(dirname(identity.path));
  const { accountSeed, device } = identity.secrets;
  const text = await sealVault(encodeIdentity({ accountSeed, device }), identity.passphrase);
  await writePrivateFile(identity.path, text, options);
  const half: PublicHalf = {
    id: identity.account.id,
    device: identity.fingerprint,
    created_at: new Date(options.now).toISOString(),
  };
  await writePrivateFile(`${identity.path}.pub`, `${JSON.stringify(half)}\n`, { overwrite: true });
}

/** The public half beside a key file, or null when it is missing or unreadable as such. */
export async function readPublicHalf(path: string): Promise<PublicHalf | null> {
  try {
    return JSON.parse(await Deno.readTextFile(`${path}.pub`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return null;
    throw new QightError("io", `Cannot read ${path}.pub: ${(error as Error).message}`, { cause: error });
  }
}

/** Where the encrypted store of a device lives under the data folder. */
export function storePath(dataDir: string, device: Uint8Array): string {
  return join(dataDir, "stores", `${hex(device).slice(0, 32)}.db`);
}

async function warnOfOpenMode(path: string, out: Output): Promise<void> {
  const { mode } = await Deno.stat(path);
  if (mode !== null && (mode & 0o077) !== 0) {
    out.note(`warning: ${path} can be read by others; chmod 600 it`);
  }
}

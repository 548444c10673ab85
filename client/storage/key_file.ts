/**
 * Key files: the secrets of an identity behind a passphrase, or without one.
 * @module
 */
import { dirname } from "node:path";
import { type Account, accountFromSeed, deviceFingerprint } from "../../crypto/account.ts";
import { generateSeed, type Signer, signerFromSeed } from "../../crypto/ed25519.ts";
import { decodeIdentity, encodeIdentity, type IdentitySecrets } from "../../crypto/identity_bytes.ts";
import { openVault, sealVault } from "../../crypto/vault.ts";
import { QightError } from "../../proto/errors.ts";
import { makePrivateFolder, writePrivateFile } from "./private_file.ts";

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

/** Text of a key file; `no_key` when there is none. */
export async function readKeyFile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new QightError("no_key", `There is no key at ${path}`);
    throw new QightError("no_input", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** The secrets in the text of a key file; `wrong_passphrase`, or `bad_key_file` for what is none. */
export async function secretsIn(text: string, passphrase: string | null): Promise<IdentitySecrets> {
  return decodeIdentity(await openVault(text, passphrase));
}

/** The identity that the secrets of a key file make; `bad_key_file` for an export without a device. */
export async function identityOf(
  secrets: IdentitySecrets,
  path: string,
  passphrase: string | null,
): Promise<Identity> {
  if (!secrets.device) throw new QightError("bad_key_file", `${path} is an export: use qight key import ${path}`);
  return await identityFrom(secrets as WholeSecrets, path, passphrase);
}

/** Opens a key file. `no_key` when there is none, `wrong_passphrase`. */
export async function openKeyFile(path: string, passphrase: string | null): Promise<Identity> {
  return await identityOf(await secretsIn(await readKeyFile(path), passphrase), path, passphrase);
}

/** Like `openKeyFile`; `make` writes a new one when there is none, dated `nowMs` (milliseconds since 1970). */
export async function openOrMakeKeyFile(
  path: string,
  { passphrase, make, nowMs }: { readonly passphrase: string | null; readonly make: boolean; readonly nowMs: number },
): Promise<Identity> {
  try {
    return await openKeyFile(path, passphrase);
  } catch (thrown) {
    if (!make || !(thrown instanceof QightError) || thrown.code !== "no_key") throw thrown;
    const fresh = await identityFrom(makeSecrets(), path, passphrase);
    await saveIdentity(fresh, { overwrite: false, now: nowMs });
    return fresh;
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
  const { accountSeed, device, retired } = identity.secrets;
  const bytes = encodeIdentity({ accountSeed, device, ...(retired ? { retired } : {}) });
  const text = await sealVault(bytes, identity.passphrase);
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

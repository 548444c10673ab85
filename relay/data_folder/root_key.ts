/**
 * The relay's long-lived Ed25519 root key: read from systemd's credentials or the data folder, made on first run.
 * @module
 */

import { join } from "node:path";
import type { Signer } from "../../crypto/ed25519.ts";
import { QightError } from "../../proto/errors.ts";
import { octal, pathError } from "./folder.ts";
import { writePrivateFile } from "./private_file.ts";

/** The root key. Never log `seed`. */
export interface RootKey {
  /** 32 secret bytes (RFC 8032 §5.1.5). */
  readonly seed: Uint8Array;
  /** 32 bytes; ROOT of the relay's address. */
  readonly publicKey: Uint8Array;
  /** Signs leaves; cannot be exported. */
  readonly privateKey: CryptoKey;
}

const prefix = "QIGHT-RELAY-ROOT-1-";

/** The key of a folder; made when there is neither a key nor a database that was written under another one. */
export async function loadRootKey(from: {
  folder: string;
  dbPath: string;
  credentialsDirectory: string;
}): Promise<RootKey> {
  if (from.credentialsDirectory !== "") {
    // systemd gives the unit's user read access by an ACL, which shows as group read; only "others" count here.
    const credential = await readKeyFile(join(from.credentialsDirectory, "root.key"), 0o007);
    if (credential) return rootKeyFromSeed(credential);
  }
  const path = join(from.folder, "root.key");
  const stored = await readKeyFile(path, 0o077);
  if (stored) return rootKeyFromSeed(stored);
  if (await exists(from.dbPath)) {
    throw new QightError("config", `${from.dbPath} is there but its root key ${path} is missing`, {
      hint: "With a new key nobody would recognise this relay: put root.key back, or restore a backup.",
    });
  }
  const seed = crypto.getRandomValues(new Uint8Array(32));
  await writePrivateFile(path, rootKeyText(seed), { isNew: true });
  return rootKeyFromSeed(seed);
}

/** Text of a root.key file. */
export function rootKeyText(seed: Uint8Array): string {
  const note = "# Root key of a qight relay. Whoever has it is this relay: keep it secret, keep a copy.";
  return `${note}\n${prefix}${seed.toBase64({ alphabet: "base64url", omitPadding: true })}\n`;
}

/** The seed in a root.key file's text; throws `bad_key_file`, never quoting the text. */
export function parseRootKey(text: string, path: string): Uint8Array {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  const encoded = lines.length === 1 && lines[0].startsWith(prefix) ? lines[0].slice(prefix.length) : "";
  if (/^[A-Za-z0-9_-]{43}$/.test(encoded)) {
    const seed = Uint8Array.fromBase64(encoded, { alphabet: "base64url" });
    if (seed.length === 32) return seed;
  }
  throw new QightError("bad_key_file", `${path} is not a root key`);
}

/** Derives the public half. */
export async function rootKeyFromSeed(seed: Uint8Array): Promise<RootKey> {
  // RFC 8410 §7: PrivateKeyInfo around the seed; WebCrypto has no raw form for Ed25519 secrets.
  const pkcs8 = new Uint8Array(48);
  pkcs8.set(Uint8Array.fromHex("302e020100300506032b657004220420"));
  pkcs8.set(seed, 16);
  const exportable = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", exportable);
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  return { seed, publicKey: Uint8Array.fromBase64(x as string, { alphabet: "base64url" }), privateKey };
}

/** Signs with the root key; callers put a domain in front (crypto/domains.ts). */
export function rootSigner({ publicKey, privateKey }: RootKey): Signer {
  return {
    publicKey,
    async sign(message) {
      return new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, message as Uint8Array<ArrayBuffer>));
    },
  };
}

async function readKeyFile(path: string, forbidden: number): Promise<Uint8Array | null> {
  try {
    using file = await Deno.open(path, { read: true });
    const { mode, size } = await file.stat(); // of the open file, so it cannot be swapped in between
    if (mode !== null && (mode & forbidden) !== 0) {
      throw new QightError("insecure_config", `${path} can be read by other users (mode ${octal(mode)})`, {
        hint: `Run: chmod 600 ${path} (and if somebody may have read it, make a new root key)`,
      });
    }
    if (size > 4096) throw new QightError("bad_key_file", `${path} is not a root key`);
    const buffer = new Uint8Array(4096);
    let length = 0;
    for (let read; (read = await file.read(buffer.subarray(length))) !== null && length < 4096;) length += read;
    return parseRootKey(new TextDecoder().decode(buffer.subarray(0, length)), path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return null;
    if (thrown instanceof QightError) throw thrown;
    throw pathError("io", "Cannot read", path, thrown);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw pathError("io", "Cannot read", path, thrown);
  }
}

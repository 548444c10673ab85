/**
 * The relay's OPAQUE setup: made once, kept in the database under a key that only the root key gives. It never changes,
 * since no password record opens with another one; a backup has both halves.
 * @module
 */
import { xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat } from "../crypto/concat.ts";
import { domains } from "../crypto/domains.ts";
import { QightError } from "../proto/errors.ts";
import type { AccountStore } from "./storage/account_store.ts";

const NONCE_BYTES = 24;

/** The setup of this relay, made when there is none; throws `config` when it was sealed under another root key. */
export async function openOpaqueSetup(
  accounts: Pick<AccountStore, "opaqueSetup" | "putOpaqueSetup">,
  rootSeed: Uint8Array,
): Promise<string> {
  const { makeOpaqueSetup } = await import("../crypto/opaque.ts");
  const stored = await accounts.opaqueSetup();
  if (stored) return unseal(stored, rootSeed);
  return unseal(await accounts.putOpaqueSetup(seal(await makeOpaqueSetup(), rootSeed)), rootSeed);
}

function seal(setup: string, rootSeed: Uint8Array): Uint8Array {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  return concat(nonce, cipher(rootSeed, nonce).encrypt(new TextEncoder().encode(setup)));
}

function unseal(sealed: Uint8Array, rootSeed: Uint8Array): string {
  try {
    const nonce = sealed.slice(0, NONCE_BYTES);
    return new TextDecoder().decode(cipher(rootSeed, nonce).decrypt(sealed.subarray(NONCE_BYTES)));
  } catch (cause) {
    throw new QightError("config", "The database's password setup was made under another root key", {
      hint: "Put the root.key back that belongs to this database, or restore a backup: it has both.",
      cause,
    });
  }
}

function cipher(rootSeed: Uint8Array, nonce: Uint8Array) {
  const key = hkdf(sha256, rootSeed, undefined, domains.opaqueSetup, 32);
  return xchacha20poly1305(key, nonce, domains.opaqueSetup);
}

/**
 * What an account says counts only with both of its signatures: Ed25519 (RFC 8032) and ML-DSA-65 (FIPS 204).
 * @module
 */
import type { Account, AccountPublicKeys } from "./account.ts";
import { verifyEd25519 } from "./ed25519.ts";
import { ML_DSA_SIGNATURE_BYTES, mlDsa } from "./ml_dsa.ts";

/** Both signatures of an account over the same bytes, as protobuf messages name them. */
export interface AccountSignatures {
  readonly ed25519Signature: Uint8Array; // 64 bytes
  readonly mlDsa65Signature: Uint8Array; // 3,309 bytes
}

/** Signs the bytes, which begin with a domain, by both keys. */
export async function signByAccount(account: Account, signed: Uint8Array): Promise<AccountSignatures> {
  return {
    ed25519Signature: await account.signEd25519(signed),
    mlDsa65Signature: await account.signMlDsa65(signed),
  };
}

/** Which signature is not the account's over these bytes, in words; null when both are. */
export async function signatureFault(
  keys: AccountPublicKeys,
  signed: Uint8Array,
  { ed25519Signature, mlDsa65Signature }: AccountSignatures,
): Promise<string | null> {
  if (mlDsa65Signature.length !== ML_DSA_SIGNATURE_BYTES) return "its ML-DSA-65 signature is not 3309 bytes";
  if (!await verifyEd25519(keys.ed25519, signed, ed25519Signature)) return "its Ed25519 signature is not valid";
  const dsa = await mlDsa();
  if (!await dsa.verify(keys.mlDsa65, signed, mlDsa65Signature)) return "its ML-DSA-65 signature is not valid";
  return null;
}

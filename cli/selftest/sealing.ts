/** Selftest: seals with X-Wing and opens. @module */
import { openBase, sealBase } from "../../crypto/hpke.ts";
import { xwing } from "../../crypto/xwing.ts";
import { QightError } from "../../proto/errors.ts";
import { type Check, ok } from "../doctor/check.ts";

/** Seals to a fresh key and opens; a changed ciphertext must not open. */
export async function checkSealing(): Promise<Check> {
  const kem = await xwing();
  const keys = await kem.keypairFromSeed(crypto.getRandomValues(new Uint8Array(32)));
  const text = new TextEncoder().encode("sealed");
  const context = { aead: 2, info: new Uint8Array(), aad: new Uint8Array() } as const;
  const { enc, ct } = await sealBase(await kem.recipient(keys.publicKey), context, text);
  const opened = await openBase(keys, context, enc, ct);
  if (new TextDecoder().decode(opened) !== "sealed") throw new QightError("invariant", "What was sealed is not opened");
  ct[0] ^= 1;
  const forged = await openBase(keys, context, enc, ct).then(() => true, () => false);
  if (forged) throw new QightError("invariant", "A changed ciphertext opens");
  return ok("seal", "X-Wing seals and opens");
}

/**
 * Whose device a key is by the account's own signature. A row of the database alone admits nobody: who can write there
 * cannot sign for an account.
 * @module
 */
import { lists, openBundle, type VerifiedBundle } from "../crypto/bundle.ts";
import { equal } from "../crypto/equal.ts";
import { QightError } from "../proto/errors.ts";
import type { Store } from "./storage/store.ts";

/** The stored bundle that lists this device, verified; null when there is none, or its signatures do not say so. */
export async function listedDevice(
  store: Pick<Store, "bundleOfDevice">,
  device: Uint8Array,
): Promise<VerifiedBundle | null> {
  const stored = await store.bundleOfDevice(device);
  if (!stored) return null;
  try {
    const bundle = await openBundle(stored.bundle);
    return equal(bundle.account, stored.account) && lists(bundle, device) ? bundle : null;
  } catch (thrown) {
    if (thrown instanceof QightError && thrown.code === "bad_bundle") return null;
    throw thrown;
  }
}

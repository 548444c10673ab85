/**
 * The name of a device's store in its data folder; a file of its own because commands ask for it without opening SQLite.
 * @module
 */
import { join } from "node:path";
import { hex } from "../../crypto/hex.ts";

/** Where the encrypted store of a device lives under the data folder. */
export function storePath(dataDir: string, device: Uint8Array): string {
  return join(dataDir, "stores", `${hex(device).slice(0, 32)}.db`);
}

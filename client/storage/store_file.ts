/**
 * The encrypted store of an identity as a file in its data folder.
 * @module
 */
import { dirname } from "node:path";
import { systemRandom } from "../clock.ts";
import { noticeRestored } from "../restored.ts";
import { makePrivateFolder } from "./private_file.ts";
import { openSqliteStore } from "./sqlite.ts";
import type { ClientStore } from "./store.ts";
import { storePath } from "./store_path.ts";

/**
 * Opens the store of a device, making its folder (0700) when it is absent. `key` is the data key of the key file. A
 * store that is a copy of another one is noticed here.
 */
export async function openStoreFile(dataDir: string, device: Uint8Array, key: Uint8Array): Promise<ClientStore> {
  const path = storePath(dataDir, device);
  await makePrivateFolder(dirname(path));
  const store = await openSqliteStore({ path, key });
  await noticeRestored(store, await placeOf(path), systemRandom);
  return store;
}

/** A copy has another inode or another date of birth, also under the same name; Windows has the date alone. */
async function placeOf(path: string): Promise<string> {
  const { ino, birthtime } = await Deno.stat(path);
  return `${ino ?? ""}:${birthtime?.getTime() ?? ""}`;
}

/** What members of a group compare: its epoch, and the tag of its history. @module */
import { GroupStates } from "../../client/groups/states.ts";
import { systemRandom } from "../../client/clock.ts";
import { openKeyFile } from "../../client/storage/key_file.ts";
import { openStoreFile } from "../../client/storage/store_file.ts";
import { describe, epochTag } from "../../crypto/mls/state.ts";
import { dirname } from "node:path";
import type { Machine } from "./machine.ts";

/** The view that a machine has of a group by its name; null when it is not in. */
export async function viewOf({ keyFile }: Machine, name: string): Promise<string | null> {
  const { device, secrets } = await openKeyFile(keyFile, null);
  await using store = await openStoreFile(dirname(keyFile), device.publicKey, secrets.device.dataKey);
  const states = new GroupStates(systemRandom);
  return await store.write(async (tables) => {
    const row = tables.groups.all().find((one) => one.kind === "group" && one.name === name && one.status === "active");
    const loaded = row && await states.load(tables, row.relay, row.group);
    return loaded ? `${describe(loaded.state).epoch} ${epochTag(loaded.state).toHex()}` : null;
  });
}

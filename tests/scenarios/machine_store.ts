/** What is in a machine's store: what members of a group compare, and what was not read. @module */
import { GroupStates } from "../../client/groups/states.ts";
import { systemRandom } from "../../client/clock.ts";
import { openKeyFile } from "../../client/storage/key_file.ts";
import { openStoreFile } from "../../client/storage/store_file.ts";
import { describe, epochTag } from "../../crypto/mls/state.ts";
import { dirname } from "node:path";
import type { ClientStore } from "../../client/storage/store.ts";
import type { Machine } from "./machine.ts";

/** The view that a machine has of a group by its name, its epoch and the tag of its history; null when it is not in. */
export async function viewOf(machine: Machine, name: string): Promise<string | null> {
  await using store = await storeOf(machine);
  const states = new GroupStates(systemRandom);
  return await store.write(async (tables) => {
    const row = tables.groups.all().find((one) => one.kind === "group" && one.name === name && one.status === "active");
    const loaded = row && await states.load(tables, row.relay, row.group);
    return loaded ? `${describe(loaded.state).epoch} ${epochTag(loaded.state).toHex()}` : null;
  });
}

/** Lines that nobody has looked at on a machine, in all conversations. */
export async function unreadOn(machine: Machine): Promise<number> {
  await using store = await storeOf(machine);
  const rows = await store.read(({ history }) => history.conversations());
  return rows.reduce((sum, { unread }) => sum + unread, 0);
}

async function storeOf({ keyFile }: Machine): Promise<ClientStore> {
  const { device, secrets } = await openKeyFile(keyFile, null);
  return await openStoreFile(dirname(keyFile), device.publicKey, secrets.device.dataKey);
}

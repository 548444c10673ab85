/**
 * Lets the other side of a direct conversation in anew, to whom the relay delivers nothing although their leaf is there:
 * they had blocked this account when it began, or lost their place otherwise.
 * @module
 */
import { change } from "./change.ts";
import type { GroupRoom } from "./room.ts";

/** Replaces the leaves of an account (hash). `no_key_package` when none of its devices can be added now. */
export async function readmit(room: GroupRoom, group: Uint8Array, account: Uint8Array): Promise<void> {
  await room.store.write(({ groups }) => groups.addLeaver(room.relay, group, account, "put_out"));
  await change(room, group, { add: [account] });
}

/**
 * Groups as they are known here: no relay is asked, and nothing is loaded that changes groups.
 * @module
 */
import { QightError } from "../proto/errors.ts";
import type { GroupView } from "./groups/view.ts";
import type { Participant } from "./participant.ts";
import type { GroupRow } from "./storage/store.ts";

/** The group that `#NAME`, `NAME` or 64 hex digits mean. `no_such_group`; `not_a_member` for one that is over. */
export async function findKnownGroup({ store, relayName: relay }: Participant, word: string): Promise<GroupRow> {
  const { findGroup } = await import("./groups/view.ts");
  return await findGroup({ store, relay }, word);
}

/** One group with its members. `no_such_group`. */
export async function knownGroup(participant: Participant, group: Uint8Array): Promise<GroupView> {
  const { store, states, relayName, self } = participant;
  const row = await store.read(({ groups }) => groups.get(relayName, group));
  if (!row) throw new QightError("no_such_group");
  const { viewOf } = await import("./groups/view.ts");
  return await viewOf({ store, states, account: self.account.hash }, row);
}

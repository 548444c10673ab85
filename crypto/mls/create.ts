/** The beginning of a group: one member, epoch 0. @module */
import { QightError } from "../../proto/errors.ts";
import type { LeafOwner } from "./credential.ts";
import type { GroupDataFields } from "./group_data.ts";
import type { GroupState } from "./state.ts";
import type { MlsSuite } from "./suite.ts";

/** Begins a group whose only member is the owner's device. `group` is 32 bytes. */
export function createGroup(_options: {
  suite: MlsSuite;
  group: Uint8Array;
  owner: LeafOwner;
  data: GroupDataFields;
  nowMs: number;
}): Promise<{ state: GroupState; groupInfo: Uint8Array }> {
  throw new QightError("internal", "crypto/mls is not here yet");
}

/** Making a commit: it ends an epoch and begins the next with fresh keys. @module */
import { QightError } from "../../proto/errors.ts";
import type { GroupDataFields } from "./group_data.ts";
import type { GroupState } from "./state.ts";

/** What a commit shall do; with nothing of it, it only renews keys. */
export interface CommitWish {
  /** Serialized KeyPackages of devices that are not members yet. */
  readonly add?: readonly Uint8Array[];
  /** Leaves that shall go; never the own one. */
  readonly remove?: readonly number[];
  /** What all shall agree on from then on. */
  readonly data?: GroupDataFields;
  /** Milliseconds since 1970: KeyPackages must be valid now. */
  readonly nowMs: number;
}

/** A commit that nobody has accepted yet. */
export interface MadeCommit {
  /** Serialized MLSMessage (a PrivateMessage). */
  readonly commit: Uint8Array;
  /** Serialized MLSMessage for all that were added; null when nobody was. */
  readonly welcome: Uint8Array | null;
  /** Serialized MLSMessage: the new epoch, for external joins. */
  readonly groupInfo: Uint8Array;
  /** The state of the new epoch; it counts when the relay has accepted the commit. */
  readonly next: GroupState;
  /**
   * The state of the old epoch with the commit's key used up. Keep it instead of the one that was handed in when the
   * commit may have left this machine: then no other commit is encrypted under the same key.
   */
  readonly spent: GroupState;
  /** SHA-256 of `commit`, 32 bytes. */
  readonly hash: Uint8Array;
}

/** Makes a commit. It always carries a path, so whoever is removed has no key of the next epoch. */
export function commit(_state: GroupState, _wish: CommitWish): Promise<MadeCommit> {
  throw new QightError("internal", "crypto/mls is not here yet");
}

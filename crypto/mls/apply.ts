/** Taking in a commit of somebody else. @module */
import { QightError } from "../../proto/errors.ts";
import type { Member } from "./credential.ts";
import type { GroupDataFields } from "./group_data.ts";
import type { GroupState } from "./state.ts";

/** What a commit changes. */
export interface CommitChange {
  /** Who made it; of an external one, the new member. */
  readonly committer: Member;
  /** Whether its maker came in by it (and is in `added` too). */
  readonly external: boolean;
  readonly added: readonly Member[];
  /** An own old leaf that an external commit replaces is here too. */
  readonly removed: readonly Member[];
  readonly before: GroupDataFields;
  readonly after: GroupDataFields;
}

/** How a commit is taken in. */
export interface ApplyOptions {
  /**
   * When the relay accepted it, milliseconds since 1970. KeyPackages in it may have expired up to 30 days before (as
   * long as the log is kept), so that a member who comes late does not refuse what the others took.
   */
  readonly nowMs: number;
  /** Throws when the change is not allowed; what it throws is thrown on. */
  check(change: CommitChange): void | Promise<void>;
}

/** A commit taken in; `next` is null when we were removed by it. */
export interface AppliedCommit {
  readonly next: GroupState | null;
  readonly change: CommitChange;
}

/**
 * Applies a serialized commit: a PrivateMessage of a member, or the PublicMessage of an external join. Throws
 * `bad_group_message` when anything is wrong with it; the given state stays good.
 */
export function applyCommit(_state: GroupState, _message: Uint8Array, _options: ApplyOptions): Promise<AppliedCommit> {
  throw new QightError("internal", "crypto/mls is not here yet");
}

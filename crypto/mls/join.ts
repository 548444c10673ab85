/** Coming into a group: by the Welcome of a member, or by an external commit of one's own. @module */
import { QightError } from "../../proto/errors.ts";
import type { LeafOwner, Member } from "./credential.ts";
import type { GroupDataFields } from "./group_data.ts";
import type { GroupState } from "./state.ts";

/** How to come in. */
export interface JoinOptions {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Throws when this group is not one to be in; `members` includes oneself. What it throws is thrown on. */
  check(members: readonly Member[], data: GroupDataFields): void | Promise<void>;
}

/** The public and private half of an own KeyPackage, as `makeKeyPackage` gave them. */
export interface StoredKeyPackage {
  readonly keyPackage: Uint8Array;
  readonly secret: Uint8Array;
}

/** Finds an own KeyPackage by the lower-case hex of its `ref`; null when it is not one of ours. */
export type FindKeyPackage = (ref: string) => StoredKeyPackage | null | Promise<StoredKeyPackage | null>;

/** Joins by a serialized Welcome; throws `bad_group_message`. `ref` says which KeyPackage was used. */
export function joinFromWelcome(
  _welcome: Uint8Array,
  _ownPackage: FindKeyPackage,
  _options: JoinOptions,
): Promise<{ state: GroupState; ref: Uint8Array }> {
  throw new QightError("internal", "crypto/mls is not here yet");
}

/**
 * Joins by an external commit from a serialized GroupInfo; a leaf of the same device is removed by it (resync). `next`
 * counts when the relay has accepted the commit. Throws `bad_group_message`.
 */
export function joinExternally(
  _groupInfo: Uint8Array,
  _owner: LeafOwner,
  _options: JoinOptions,
): Promise<{ commit: Uint8Array; next: GroupState; groupInfo: Uint8Array; hash: Uint8Array }> {
  throw new QightError("internal", "crypto/mls is not here yet");
}

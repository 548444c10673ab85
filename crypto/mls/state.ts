/**
 * A group as one member sees it. A state is never changed: every step gives a new one, and the old one stays good until
 * somebody throws it away.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import type { Member } from "./credential.ts";
import type { GroupDataFields } from "./group_data.ts";
import type { MlsSuite } from "./suite.ts";

/** A group's state in memory. Only crypto/mls/ looks inside; hand it from step to step. It is full of secrets. */
export interface GroupState {
  readonly suite: MlsSuite;
}

/** A state on disk, in two parts, because messages are many and change little. Both are secret. */
export interface GroupParts {
  /** Tree, context and keys of the epoch: as long as no commit was applied it is the very same object (`===`). */
  readonly epochPart: Uint8Array;
  /** Ratchets: changes with each message sealed or opened; about 150 bytes for each member. */
  readonly messagePart: Uint8Array;
}

/** What may be known of a state. */
export interface GroupDescription {
  /** Group id, as it was created. */
  readonly group: Uint8Array;
  readonly epoch: number;
  readonly suite: MlsSuite;
  /** The own place among the leaves. */
  readonly ownLeaf: number;
  /** All members, in the order of their leaves. */
  readonly members: readonly Member[];
  readonly data: GroupDataFields;
}

/** The state as bytes, to be kept in one transaction with whatever was sealed or opened by it. */
export function encodeState(_state: GroupState): GroupParts {
  throw new QightError("internal", "crypto/mls is not here yet");
}

/** The state behind what `encodeState` gave; throws `bad_group_message` for anything else. */
export function decodeState(_parts: GroupParts): Promise<GroupState> {
  throw new QightError("internal", "crypto/mls is not here yet");
}

/** What may be known of a state. */
export function describe(_state: GroupState): GroupDescription {
  throw new QightError("internal", "crypto/mls is not here yet");
}

/** What members compare to see whether they are in the same epoch of the same history; 16 bytes, no secret. */
export function epochTag(_state: GroupState): Uint8Array {
  throw new QightError("internal", "crypto/mls is not here yet");
}

/** Whether messages of this epoch can be opened: the current one, and past ones as long as their keys are kept. */
export function canOpen(_state: GroupState, _epoch: number): boolean {
  throw new QightError("internal", "crypto/mls is not here yet");
}

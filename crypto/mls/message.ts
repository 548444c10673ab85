/** Messages of a group: one key for each, used once. @module */
import { QightError } from "../../proto/errors.ts";
import type { Member } from "./credential.ts";
import type { GroupState } from "./state.ts";

/** A message that was opened. */
export interface OpenedMessage {
  readonly plaintext: Uint8Array;
  /** The leaf that signed it. */
  readonly sender: Member;
  /** The epoch it was sealed in: the current one, or a past one whose keys were kept. */
  readonly epoch: number;
  /** The sender's epoch tag, 16 bytes. */
  readonly tag: Uint8Array;
  /** Whether the sender's tag is another than ours for that epoch: the views of the group differ. */
  readonly forked: boolean;
  /** The state without the message's key; the same message does not open again. */
  readonly next: GroupState;
}

/** Seals content (padded to the size classes) in the current epoch. Keep `next` before the message goes out. */
export function sealMessage(
  _state: GroupState,
  _plaintext: Uint8Array,
): Promise<{ message: Uint8Array; next: GroupState }> {
  throw new QightError("internal", "crypto/mls is not here yet");
}

/** Opens a serialized PrivateMessage with content; throws `bad_group_message`, and the given state stays good. */
export function openMessage(_state: GroupState, _message: Uint8Array): Promise<OpenedMessage> {
  throw new QightError("internal", "crypto/mls is not here yet");
}

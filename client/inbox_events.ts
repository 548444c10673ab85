/**
 * What an inbox tells: messages, and everything else a reader must know. Times are milliseconds since 1970.
 * @module
 */
import { equal } from "../crypto/equal.ts";
import type { Content } from "../proto/gen/qight/v1/seal_pb.ts";
import type { DeviceNews } from "./device_news.ts";
import type { GroupEvent } from "./groups/events.ts";
import type { OwnNews } from "./own_sync/take.ts";
import type { Via } from "./send_room.ts";

/** Where something was said: between two people (account hash of the other one), or in a group. */
export type Where =
  | { readonly kind: "direct"; readonly peer: Uint8Array }
  | { readonly kind: "group"; readonly group: Uint8Array; readonly name: string };

/** A message that was opened and attributed. */
export interface InboxMessage extends Said {
  readonly type: "message";
  /** Signature, seal and bundle agree, or the group vouches for the sender; false only for plain content. */
  readonly verified: boolean;
  /** It was being printed before, and whether that ended is not known. */
  readonly redelivered: boolean;
}

/** What somebody did in a conversation without saying anything: `content.action` tells it. Acknowledged by itself. */
export interface ActionEvent extends Said {
  readonly type: "action";
}

/** What messages and actions have in common. */
export interface Said {
  readonly id: Uint8Array; // 16 bytes
  /** Sender's account hash, 32 bytes. */
  readonly from: Uint8Array;
  /** Sender's device key, 32 bytes. */
  readonly fromDevice: Uint8Array;
  readonly seq: number;
  /** By the sender's clock. */
  readonly sentAtMs: number;
  /** By the relay's clock. */
  readonly receivedAtMs: number;
  readonly in: Where;
  readonly via: Via;
  readonly content: Content;
  /** SHA-256 of the envelope's body, 32 bytes. */
  readonly bodyHash: Uint8Array;
  /** What proves to others that it was sent so; null where the sender committed to nothing. */
  readonly franked: Franked | null;
}

/** An envelope with what opens its commitment; checked. */
export interface Franked {
  /** Serialized SignedEnvelope, as it was received. */
  readonly envelope: Uint8Array;
  readonly frankingKey: Uint8Array; // 32 bytes; empty with plain content
  /** Serialized Content, as it was sent. */
  readonly content: Uint8Array;
}

/** Why something could not be opened or attributed. */
export type UnreadableReason =
  | "malformed"
  | "not_for_this_device"
  | "bad_signature"
  | "too_old"
  | "id_reused"
  | "unknown_key"
  | "cannot_open"
  | "unknown_content"
  /** The envelope commits to something else than what it carries: who reads it could not prove what was sent. */
  | "bad_commitment"
  | "bad_invite"
  | "invite_used"
  | "unknown_sender"
  | "bad_bundle"
  | "not_listed"
  | "revoked"
  /** To a group that this device is not in, or has no state of. */
  | "unknown_group"
  /** Of an epoch of its group that is over for so long that its keys are erased, or in which this device was no member. */
  | "keys_gone"
  /** In a group: the leaf that said it is not the device that signed the envelope. */
  | "wrong_sender"
  /** In a group: what was said before, in another envelope. */
  | "replayed";

/** Something that arrived and is never printed as a message; its bytes are kept for a week. */
export interface UnreadableEvent {
  readonly type: "unreadable";
  /** Null when not even the envelope could be read. */
  readonly id: Uint8Array | null;
  readonly seq: number;
  readonly fromDevice: Uint8Array | null;
  readonly reason: UnreadableReason;
}

/** Numbers of a sender device that never came; `from` is null when its account is not known here. */
export interface GapEvent {
  readonly type: "gap";
  readonly fromDevice: Uint8Array;
  readonly from: Uint8Array | null;
  readonly first: number;
  readonly last: number;
  /** So many of them may be numbers that were told as expired; absent when none can be. */
  readonly perhapsExpired?: number;
}

/** One event of an inbox. */
export type InboxEvent =
  | InboxMessage
  | ActionEvent
  /** Members came or went, a name changed, a conversation was joined anew. */
  | GroupEvent
  | UnreadableEvent
  | GapEvent
  /** These sequence numbers of the mailbox expired unread. */
  | { readonly type: "expired"; readonly first: number; readonly last: number }
  /** An account that we know, perhaps our own, added a device or dropped one. */
  | DeviceNews
  /** Something that another device of this account told. */
  | OwnNews
  /** Somebody took an invite of ours (locator, 32 bytes) and is a verified contact now. */
  | {
    readonly type: "invite_accepted";
    readonly invite: Uint8Array;
    readonly account: Uint8Array;
    readonly name: string;
  }
  /** A sender device began to count anew: a restored or fresh store, or another relay. */
  | { readonly type: "lineage"; readonly from: Uint8Array; readonly fromDevice: Uint8Array }
  /** Everything that was stored has been told. */
  | { readonly type: "caught_up"; readonly lastSeq: number };

/** Under this name a message is found again: its sender device and id, as hex. */
export function messageName({ fromDevice, id }: Pick<InboxMessage, "fromDevice" | "id">): string {
  return fromDevice.toHex() + id.toHex();
}

/**
 * Whether it is a copy of what another device of the own account (hash) said to others; notes to oneself are none. A program
 * that answers would answer its own words, and two of them each other for ever.
 */
export function isOwnCopy({ from, in: where }: Pick<InboxMessage, "from" | "in">, own: Uint8Array): boolean {
  return equal(from, own) && !(where.kind === "direct" && equal(where.peer, own));
}

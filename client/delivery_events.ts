/**
 * What fetch and watch deliver, as typed events.
 * @module
 */
import { QightError } from "../proto/errors.ts";
import { type FetchResponse, type GroupNotice, GroupNotice_Kind } from "../proto/gen/qight/v1/delivery_pb.ts";

/** What the relay says of a group: a hint, for what is true stands in the commits. */
export interface GroupHint {
  readonly group: Uint8Array; // 32 bytes; zeros with key_packages
  /**
   * A Welcome waits; an epoch has ended; the own device is off the roster; the newest commit was taken back; the devices
   * of a member's account are others now; or, about no group, few KeyPackages of this device are left.
   */
  readonly kind: "welcome" | "commit" | "removed" | "reopened" | "key_packages" | "members";
  /** Where the group is; with key_packages how many are left. */
  readonly epoch: number;
}

/** One event of a fetch or watch. Times are the relay's, in milliseconds since 1970. */
export type DeliveryEvent =
  | { readonly type: "lease"; readonly lease: Uint8Array }
  | {
    readonly type: "delivered";
    readonly seq: number;
    readonly receivedAtMs: number;
    readonly expiresAtMs: number;
    /** Serialized SignedEnvelope. */
    readonly envelope: Uint8Array;
  }
  /** Something happened to a group; it has a place in the mailbox and is acknowledged like a message. */
  | { readonly type: "notice"; readonly seq: number; readonly notice: GroupHint | null }
  | { readonly type: "expired"; readonly first: number; readonly last: number }
  | { readonly type: "caught_up"; readonly lastSeq: number };

/** Turns the relay's replies into events; kinds that this version does not know are passed over. */
export async function* deliveryEvents(replies: AsyncIterable<FetchResponse>): AsyncGenerator<DeliveryEvent> {
  for await (const { kind } of replies) {
    switch (kind.case) {
      case "delivered": {
        const { seq, receivedAtMs, expiresAtMs, envelope, notice } = kind.value;
        if (notice) {
          yield { type: "notice", seq: sequence(seq), notice: hintOf(notice) };
          break;
        }
        yield {
          type: "delivered",
          seq: sequence(seq),
          receivedAtMs: Number(receivedAtMs),
          expiresAtMs: Number(expiresAtMs),
          envelope,
        };
        break;
      }
      case "lease":
        yield { type: "lease", lease: kind.value.id };
        break;
      case "expired":
        yield { type: "expired", first: sequence(kind.value.first), last: sequence(kind.value.last) };
        break;
      case "caughtUp":
        yield { type: "caught_up", lastSeq: Number(kind.value.lastSeq) };
    }
  }
}

/** A place in a mailbox. A number that nothing here can hold exactly would be acknowledged as another one. */
function sequence(number: bigint): number {
  if (number >= 1n && number <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(number);
  throw new QightError("protocol", `The relay numbers a message ${number}`);
}

const HINTS = {
  [GroupNotice_Kind.WELCOME]: "welcome",
  [GroupNotice_Kind.COMMIT]: "commit",
  [GroupNotice_Kind.REMOVED]: "removed",
  [GroupNotice_Kind.REOPENED]: "reopened",
  [GroupNotice_Kind.KEY_PACKAGES]: "key_packages",
  [GroupNotice_Kind.MEMBERS]: "members",
} as const;

/** Null for a kind that this version does not know: what it wants to say, the commits say too. */
function hintOf({ group, kind, epoch }: GroupNotice): GroupHint | null {
  if (kind === GroupNotice_Kind.UNSPECIFIED || !(kind in HINTS) || epoch > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  return { group, kind: HINTS[kind], epoch: Number(epoch) };
}

/**
 * What sending needs, and what it answers.
 * @module
 */
import type { QightError } from "../proto/errors.ts";
import type { KeyDirectory } from "./directory.ts";
import type { Author } from "./identity.ts";
import type { Outbox } from "./outbox.ts";
import type { RelayClient, SendReceipt } from "./relay_client.ts";

/** What became of a message at each device of its recipient. */
export interface Delivery {
  readonly id: Uint8Array;
  /** How it went: in a conversation, sealed to each device, or readable for the relay. */
  readonly via: Via;
  /** The group that it went to, 32 bytes; null for one that went to devices. */
  readonly group: Uint8Array | null;
  readonly devices: readonly DeviceOutcome[];
  /** The first refusal; null when every device's mailbox has the message, of a group at least one. */
  readonly error: QightError | null;
  /** Why it went sealed although it was meant for a conversation; absent when it was not, or did not. */
  readonly sealedBecause?: QightError;
}

/** How a message travels. */
export type Via = "mls" | "sealed" | "plain";

/** One device's mailbox: either a receipt or an error. */
export interface DeviceOutcome {
  readonly device: Uint8Array;
  readonly receipt: SendReceipt | null;
  readonly error: QightError | null;
}

/** What sending needs. */
export interface SendRoom {
  readonly relay: RelayClient;
  readonly outbox: Outbox;
  readonly directory: KeyDirectory;
  readonly author: Author;
  /** Conversations; without it what is meant for the one with an account goes sealed. */
  readonly groups?: GroupReach;
  /** What is meant for a conversation never goes sealed instead: it is refused with the reason. */
  readonly neverSealed?: boolean;
  /** Wait for the relay's signed receipts too, and keep them beside the sent messages. */
  readonly receipts?: boolean;
}

/** What sending needs of the groups of an identity; client/groups/ is behind it. */
export interface GroupReach {
  /**
   * The group of the direct conversation with an account (hash), begun when there is none. `no_key_package` when no device
   * of theirs can be added yet, `unknown_method` when the relay knows no groups.
   */
  direct(account: Uint8Array): Promise<Uint8Array>;
  /** Those of these devices that have no leaf in a group: they could not open what is said there. */
  absent(group: Uint8Array, devices: readonly Uint8Array[]): Promise<Uint8Array[]>;
  /** Adds devices of a direct conversation that have no leaf and can be added; answers nothing, `absent` says what is left. */
  complete(group: Uint8Array): Promise<void>;
  /** Lets the other side of a direct conversation (account hash) in anew, to whom the relay delivers nothing any more. */
  readmit(group: Uint8Array, account: Uint8Array): Promise<void>;
  /** Takes commits in until the group is at this epoch at least. */
  bringTo(group: Uint8Array, epoch: number): Promise<void>;
}

/** How the messenger of the library is opened and asked. @module */
import type { Clock } from "./clock.ts";
import type { Identity } from "./identity.ts";
import type { InboxEvent } from "./inbox_events.ts";
import type { Via } from "./send.ts";
import type { ClientStore } from "./storage/store.ts";

/** Whose messages, where they are kept, and over which relay they go. */
export interface MessengerOptions {
  /** Address of the relay, `qight://ROOT@host:port`. */
  readonly relay: string;
  /** Folder of key file and store, private to its owner; the folder of the `qight` command does. */
  readonly dataDir?: string;
  /** Path of the key file; `identity.key` in `dataDir` unless given. */
  readonly keyFile?: string;
  /** Opens the key file; absent for one without a passphrase. */
  readonly passphrase?: string;
  /** Makes the key file when there is none. */
  readonly makeKey?: boolean;
  /** Instead of a key file: keys that the caller keeps. Needs `store`. */
  readonly identity?: Pick<Identity, "account" | "signer"> & { readonly deviceName?: string };
  /** Instead of a file in `dataDir`: a store of the caller. It is closed with the messenger. */
  readonly store?: ClientStore;
  /** Access token of a relay in token mode. */
  readonly token?: string;
  /** How long dialling and sending may take, milliseconds; 30,000 unless given. */
  readonly timeoutMs?: number;
  /** Keep what is sent and read as lines; true unless given. */
  readonly history?: boolean;
  /** Tell contacts what has reached this device; true unless given. */
  readonly receipts?: boolean;
  /** Hears what a user would be told beside messages; nobody unless given. */
  readonly onNote?: (text: string) => void;
  readonly clock?: Clock;
}

/** How to send one message. */
export interface SendChoices {
  /** 32 hex digits: the same id with the same message is sent once, however often it is tried. */
  readonly id?: string;
  /** How long the relay keeps it unread, seconds; its own default unless given. */
  readonly ttlS?: number;
  /** Outside of conversations, for machines that are copies of others. */
  readonly sealed?: boolean;
  readonly signal?: AbortSignal;
}

/** A message that the relay has on its disk. */
export interface SentMessage {
  readonly id: string;
  /** `qid1…`, or `#NAME`. */
  readonly to: string;
  readonly via: Via;
  /** How many devices did not get it, because their mailboxes were full for example; a retry under the same id reaches them. */
  readonly missed: number;
}

/** How to read. */
export interface MessagesChoices {
  /** Go on as messages arrive (true unless given), or end when the mailbox is drained. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
  /** Hears what is no message: members who came and went, gaps, reactions. */
  readonly onEvent?: (event: Exclude<InboxEvent, { type: "message" }>) => void;
}

/**
 * How an inbox is set up and asked.
 * @module
 */
import type { Clock } from "./clock.ts";
import type { KeyDirectory } from "./directory.ts";
import type { GroupInbox } from "./group_opener.ts";
import type { GroupEvent } from "./groups.ts";
import type { ActionEvent, InboxEvent, InboxMessage, Said } from "./inbox_events.ts";
import type { RelaySource } from "./reconnect.ts";
import type { RelayClient } from "./relay_client.ts";
import type { ClientStore, Tables } from "./storage/store.ts";

/** How to read. */
export interface ReadOptions {
  /** Go on as messages arrive, and come back after a lost session, until the signal aborts. */
  follow?: boolean;
  /** Wait so long for the first message, milliseconds (not with `follow`). */
  waitMs?: number;
  /** Leave everything as it is: no lease, no marks, no acknowledgement. */
  peek?: boolean;
  /** End after so many messages. */
  max?: number;
  /** Messages that this refuses stay in the mailbox untouched. */
  only?: (message: InboxMessage) => boolean;
  signal?: AbortSignal;
}

/** Settings of an Inbox. */
export interface InboxOptions {
  source: RelaySource;
  store: ClientStore;
  directory: KeyDirectory;
  /** Own device key, 32 bytes. */
  device: Uint8Array;
  clock: Clock;
  /** Runs in the transaction that marks messages as shown: the history keeps them. */
  onShown?: ((tables: Tables, messages: readonly InboxMessage[]) => void) | undefined;
  /** Runs in the transaction that lets an action go: what somebody did to lines of a conversation. */
  onAction?: ((tables: Tables, action: ActionEvent) => void) | undefined;
  /** Takes in what an own other device told, in the transaction that lets it go; answers what a reader should know. */
  onSync?: ((tables: Tables, said: Said) => InboxEvent[]) | undefined;
  /** Runs in the transaction after which these events are not told again. */
  onGroups?: ((tables: Tables, events: readonly GroupEvent[]) => void) | undefined;
  /** Groups; without it nothing that was said in one can be read. */
  groups?: GroupInbox | undefined;
  /** Whether what proves that something was sent is kept for a while, so that it can be reported; true unless given. */
  proofs?: boolean | undefined;
  /** Hears of messages that were shown or kept, to tell their senders. */
  arrivals?: Arrivals | undefined;
}

/** Tells senders what reached this device. */
export interface Arrivals {
  /** These were shown or kept. */
  arrived(messages: readonly InboxMessage[]): void;
  /** Tells what was not told yet. Never throws: it is a courtesy. */
  tell(relay: RelayClient): Promise<void>;
}

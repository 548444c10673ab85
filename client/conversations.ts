/**
 * Conversations: what they are called in the store, and what people see of them.
 * @module
 */
import { ACCOUNT_HASH_BYTES, formatAccountId } from "../crypto/account.ts";
import { fromHex, hex } from "../crypto/hex.ts";
import type { Contacts } from "./contacts.ts";
import type { Where } from "./inbox_events.ts";
import { mutedConversations } from "./muted.ts";
import type { ClientStore } from "./storage/store.ts";

/** A conversation as a list shows it. */
export interface Conversation {
  /** Its name in the store. */
  readonly key: string;
  /** The other side: account hash, 32 bytes; null for a group. */
  readonly peer: Uint8Array | null;
  /** Id of the group, 32 bytes; null for a conversation with one person. */
  readonly group: Uint8Array | null;
  /** Contact name, `notes` for the own account, `#name` of a group, else a short id. */
  readonly title: string;
  readonly messages: number;
  readonly unread: number;
  /** When its newest line came, milliseconds since 1970; 0 when it has none. */
  readonly lastAtMs: number;
  /** Until when it was muted, milliseconds since 1970: 0 for never, and it may be over. */
  readonly mutedUntilMs: number;
}

/** The store's name of the conversation with an account (hash, 32 bytes), sealed or in a direct conversation of MLS. */
export function conversationWith(account: Uint8Array): string {
  return ACCOUNT_PREFIX + hex(account);
}

/** The account of a conversation with one person; null for a conversation of another kind. */
export function peerOf(key: string): Uint8Array | null {
  return key.startsWith(ACCOUNT_PREFIX) ? fromHex(key.slice(ACCOUNT_PREFIX.length), ACCOUNT_HASH_BYTES) : null;
}

/** The store's name of a group's conversation (id, 32 bytes). */
export function conversationOfGroup(group: Uint8Array): string {
  return GROUP_PREFIX + hex(group);
}

/** The store's name of where something was said. */
export function conversationIn(where: Where): string {
  return where.kind === "group" ? conversationOfGroup(where.group) : conversationWith(where.peer);
}

/** The id of a group by its conversation; null for a conversation of another kind. */
export function groupOf(key: string): Uint8Array | null {
  return key.startsWith(GROUP_PREFIX) ? fromHex(key.slice(GROUP_PREFIX.length), GROUP_ID_BYTES) : null;
}

/** Account hash or group, 32 bytes: what own devices call a conversation among themselves; null for one of another kind. */
export function conversationId(key: string): Uint8Array | null {
  return peerOf(key) ?? groupOf(key);
}

/** The beginning of an id, for those who have no name; no contact can be called like it. */
export function shortId(account: Uint8Array): string {
  return formatAccountId(account).slice(0, SHORT_ID);
}

const ACCOUNT_PREFIX = "account:";
const GROUP_PREFIX = "group:";
const GROUP_ID_BYTES = 32;
const SHORT_ID = 12;

/** Tells what groups are called now, `#name` each. */
export type GroupTitles = () => Promise<(group: Uint8Array) => string>;

/** What a group is called whose name is not known here. */
export function shortGroupId(group: Uint8Array): string {
  return `#${hex(group).slice(0, 8)}`;
}

/** The conversations of one identity. */
export class Conversations {
  readonly #store: ClientStore;
  readonly #contacts: Contacts;
  readonly #own: Uint8Array;
  readonly #groupTitles: GroupTitles;

  /** `groupTitles` tells what groups are called; without it they are called by the beginning of their id. */
  constructor(options: { store: ClientStore; contacts: Contacts; own: Uint8Array; groupTitles?: GroupTitles }) {
    this.#store = options.store;
    this.#contacts = options.contacts;
    this.#own = options.own;
    this.#groupTitles = options.groupTitles ?? (() => Promise.resolve(shortGroupId));
  }

  /** All that have lines, the liveliest first. */
  async list(): Promise<Conversation[]> {
    const rows = await this.#store.read(({ history }) => history.conversations());
    const [titleOf, mutedUntil] = [await this.titlesOfKeys(), await mutedConversations(this.#store)];
    return rows.map(({ name: key, messages, unread, lastAtMs }) => {
      const [id, peer, group] = [conversationId(key), peerOf(key), groupOf(key)];
      const mutedUntilMs = id ? mutedUntil(id) : 0;
      return { key, peer, group, title: titleOf(key), messages, unread, lastAtMs, mutedUntilMs };
    });
  }

  /** What conversations are called now, by their names in the store. */
  async titlesOfKeys(): Promise<(key: string) => string> {
    const [accounts, groups] = await Promise.all([this.titles(), this.#groupTitles()]);
    return (key) => {
      const peer = peerOf(key);
      const group = groupOf(key);
      return peer ? accounts(peer) : group ? groups(group) : key;
    };
  }

  /** What accounts are called now. */
  async titles(): Promise<(account: Uint8Array) => string> {
    const names = await this.#contacts.names();
    const own = hex(this.#own);
    return (account) => names.get(hex(account)) ?? (hex(account) === own ? NOTES : shortId(account));
  }
}

/** What the conversation with oneself is called. */
export const NOTES = "notes";

/**
 * Conversations: what they are called in the store, and what people see of them.
 * @module
 */
import { ACCOUNT_HASH_BYTES, formatAccountId } from "../crypto/account.ts";
import { fromHex, hex } from "../crypto/hex.ts";
import type { Contacts } from "./contacts.ts";
import type { ClientStore } from "./storage/store.ts";

/** A conversation as a list shows it. */
export interface Conversation {
  /** Its name in the store. */
  readonly key: string;
  /** The other side: account hash, 32 bytes. */
  readonly peer: Uint8Array;
  /** Contact name, `notes` for the own account, else a short id. */
  readonly title: string;
  readonly messages: number;
  readonly unread: number;
  /** When its newest line came, milliseconds since 1970; 0 when it has none. */
  readonly lastAtMs: number;
}

/** The store's name of the conversation with an account (hash, 32 bytes). Other kinds will have other prefixes. */
export function conversationWith(account: Uint8Array): string {
  return ACCOUNT_PREFIX + hex(account);
}

/** The account of a conversation with one person; null for a conversation of another kind. */
export function peerOf(key: string): Uint8Array | null {
  return key.startsWith(ACCOUNT_PREFIX) ? fromHex(key.slice(ACCOUNT_PREFIX.length), ACCOUNT_HASH_BYTES) : null;
}

/** The beginning of an id, for those who have no name; no contact can be called like it. */
export function shortId(account: Uint8Array): string {
  return formatAccountId(account).slice(0, SHORT_ID);
}

const ACCOUNT_PREFIX = "account:";
const SHORT_ID = 12;

/** The conversations of one identity. */
export class Conversations {
  readonly #store: ClientStore;
  readonly #contacts: Contacts;
  readonly #own: Uint8Array;

  constructor(options: { store: ClientStore; contacts: Contacts; own: Uint8Array }) {
    this.#store = options.store;
    this.#contacts = options.contacts;
    this.#own = options.own;
  }

  /** All that have lines, the liveliest first. */
  async list(): Promise<Conversation[]> {
    const rows = await this.#store.read(({ history }) => history.conversations());
    const titles = await this.titles();
    return rows.flatMap(({ name, messages, unread, lastAtMs }) => {
      const peer = peerOf(name);
      return peer ? [{ key: name, peer, title: titles(peer), messages, unread, lastAtMs }] : [];
    });
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

/**
 * Names for people: a name pins an account, and nothing but its owner's comparison of digits can change that.
 * @module
 */
import { formatAccountId } from "../crypto/account.ts";
import { equal } from "../crypto/equal.ts";
import { QightError } from "../proto/errors.ts";
import type { Clock } from "./clock.ts";
import type { ClientStore, ContactRow, ContactTable } from "./storage/store.ts";

/** Somebody with a name. */
export type Contact = ContactRow;

/** The contacts of one identity. */
export class Contacts {
  readonly #store: ClientStore;
  readonly #clock: Pick<Clock, "now">;

  constructor(store: ClientStore, clock: Pick<Clock, "now">) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Pins an account (hash, 32 bytes) to a name; the same again only withdraws another one's offer. Another account under a name that is
   * taken is noted and refused with `key_changed` until `verify`; an account that has a name already is
   * `would_overwrite`, unless that is the beginning of its id, which an invite without names gave it; a name that cannot be
   * one is `bad_name`.
   */
  async add(name: string, account: Uint8Array, options: { verified?: boolean } = {}): Promise<Contact> {
    const asWritten = contactName(name);
    const { verified = false } = options;
    // The refusal is thrown after the commit, so that the offer is kept.
    const { row, offered } = await this.#store.write(({ contacts }) => {
      const present = contacts.get(asWritten);
      if (present && !equal(present.account, account)) {
        contacts.put({ ...present, offered: account });
        return { row: present, offered: true };
      }
      const known = contacts.ofAccount(account);
      if (!present && known && isShortId(known.name)) {
        const row = { ...renamed(contacts, known, asWritten), verified: known.verified || verified };
        contacts.put(row);
        return { row, offered: false };
      }
      refuseSecondName(known, asWritten);
      const fresh = { name: asWritten, account, verified, blocked: false, addedAtMs: this.#clock.now(), offered: null };
      const row = present ? { ...present, verified: present.verified || verified, offered: null } : fresh;
      contacts.put(row);
      return { row, offered: false };
    });
    if (offered) throw changed(row.name);
    return row;
  }

  /** Gives a contact another name; its pin, and that it was verified, stay. `would_overwrite` when somebody else has it. */
  async rename(name: string, next: string): Promise<Contact> {
    const asWritten = contactName(next);
    return await this.#store.write(({ contacts }) => renamed(contacts, found(contacts.get(name), name), asWritten));
  }

  /** All contacts, by name. */
  list(): Promise<Contact[]> {
    return this.#store.read(({ contacts }) => contacts.all());
  }

  /** Names by account hash in hex. */
  async names(): Promise<ReadonlyMap<string, string>> {
    return new Map((await this.list()).map(({ account, name }) => [account.toHex(), name]));
  }

  /** The contact of that name in any case; `no_such_contact` when there is none. */
  async get(name: string): Promise<Contact> {
    return found(await this.#store.read(({ contacts }) => contacts.get(name)), name);
  }

  /** The contact that pins this account, or null. */
  ofAccount(account: Uint8Array): Promise<Contact | null> {
    return this.#store.read(({ contacts }) => contacts.ofAccount(account));
  }

  /**
   * The account to write to under a name. `key_changed` (77) while another account waits for `verify`; `blocked` (77).
   */
  async reachable(name: string): Promise<Uint8Array> {
    const contact = await this.get(name);
    if (contact.offered) throw changed(contact.name);
    refuseBlocked(contact);
    return contact.account;
  }

  /** Refuses (`blocked`, 77) to write to an account whose contact is blocked. */
  async refuseBlocked(account: Uint8Array): Promise<void> {
    refuseBlocked(await this.ofAccount(account));
  }

  /** The digits of `account`, pinned or offered, were compared and are the same: the name means it from now on. */
  verify(name: string, account: Uint8Array): Promise<Contact> {
    return this.#change(name, (contact, contacts) => {
      if (![contact.account, contact.offered].some((known) => known && equal(known, account))) {
        throw new QightError("version_conflict", `"${contact.name}" changed meanwhile`);
      }
      refuseSecondName(contacts.ofAccount(account), contact.name);
      return { ...contact, account, verified: true, offered: null };
    });
  }

  /** From now on what they write is not shown, and nothing is sent to them; or the other way round. */
  block(name: string, blocked: boolean): Promise<Contact> {
    return this.#change(name, (contact) => ({ ...contact, blocked }));
  }

  /** Forgets the name and its pin. */
  async remove(name: string): Promise<Contact> {
    return await this.#store.write(({ contacts }) => {
      const contact = found(contacts.get(name), name);
      contacts.remove(contact.name);
      return contact;
    });
  }

  async #change(name: string, make: (contact: Contact, contacts: ContactTable) => Contact): Promise<Contact> {
    return await this.#store.write(({ contacts }) => {
      const contact = make(found(contacts.get(name), name), contacts);
      contacts.put(contact);
      return contact;
    });
  }
}

/**
 * A name as it is kept (Unicode NFC); `bad_name` for what a shell, a list or a reader could take for something else.
 */
export function contactName(text: string): string {
  const name = text.normalize("NFC");
  if (!NAME.test(name) || looksLikeId(name)) {
    throw new QightError("bad_name", `"${text}" cannot be the name of a contact`);
  }
  return name;
}

/** Whether a word is meant as an id: it begins with `qid1`, or is a long row of hex digits. */
export function looksLikeId(text: string): boolean {
  return /^(?:qid1|[0-9a-f]{32})/i.test(text);
}

/** Whether a word is the beginning of an id as a contact without a better name has it (client/invite_contact.ts). */
export function isShortId(text: string): boolean {
  return /^qid1[02-9ac-hj-np-z]{8}(?:-\d{1,3})?$/i.test(text);
}

// Letters, marks and digits of any script, then also . _ - inside; no spaces, nothing that steers a terminal.
const NAME = /^[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}._-]{0,62}[\p{L}\p{M}\p{N}_-])?$/u;

function found(contact: Contact | null, name: string): Contact {
  if (contact) return contact;
  if (isShortId(name)) {
    throw new QightError("bad_id", `"${name}" is only the beginning of an id`, {
      hint: "The whole one is in qight fetch --json and qight history --json.",
    });
  }
  throw new QightError("no_such_contact", `There is no contact "${name}"`);
}

function renamed(contacts: ContactTable, contact: Contact, name: string): Contact {
  const taken = contacts.get(name);
  if (taken && !equal(taken.account, contact.account)) {
    throw new QightError("would_overwrite", `"${taken.name}" is somebody else`, { hint: "Choose another name." });
  }
  const row = { ...contact, name };
  contacts.remove(contact.name);
  contacts.put(row);
  return row;
}

function refuseSecondName(contact: Contact | null, name: string): void {
  if (!contact || contact.name.toLowerCase() === name.toLowerCase()) return;
  throw new QightError("would_overwrite", `${formatAccountId(contact.account)} is "${contact.name}" already`, {
    hint: `To rename: qight contact add ${name} ${contact.name}.`,
  });
}

function refuseBlocked(contact: Contact | null): void {
  if (!contact?.blocked) return;
  throw new QightError("blocked", `"${contact.name}" is blocked`, {
    hint: `To write to them again: qight contact block ${contact.name} --undo.`,
  });
}

function changed(name: string): QightError {
  return new QightError("key_changed", `"${name}" is pinned to another account than the one offered now`, {
    hint:
      `Compare the digits with them: qight contact verify ${name}. To keep the old one: qight contact add ${name} OLD-ID.`,
  });
}

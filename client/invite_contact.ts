/**
 * The contact that an invite makes: verified, under a name that nobody else has.
 * @module
 */
import { formatAccountId } from "../crypto/account.ts";
import { contactName } from "./contacts.ts";
import type { ContactRow, ContactTable } from "./storage/store.ts";

/**
 * Inside a transaction: makes the account (hash, 32 bytes) a verified contact. One that has a name keeps it; else the
 * first of `names` that can be one, with a number when it is taken; else the first 12 characters of the id.
 */
export function meetVerified(
  contacts: ContactTable,
  account: Uint8Array,
  names: readonly string[],
  nowMs: number,
): ContactRow {
  const known = contacts.ofAccount(account);
  const row = known
    ? { ...known, verified: true }
    : { name: freeName(contacts, account, names), account, verified: true, ...FRESH, addedAtMs: nowMs };
  contacts.put(row);
  return row;
}

const FRESH = { blocked: false, offered: null } as const;

/** A name from somebody else as one that a contact may have, or null when nothing of it is left. */
export function cleanName(text: string): string | null {
  const kept = text.slice(0, LONGEST * 4).normalize("NFC").replace(/[^\p{L}\p{M}\p{N}._-]+/gu, "-")
    .replace(/^[^\p{L}\p{N}]+/u, "");
  const short = [...kept].slice(0, LONGEST).join("").replace(/[._-]+$/, "");
  try {
    return contactName(short);
  } catch {
    return null; // nothing but signs, or something that looks like an id: the caller has another name
  }
}

function freeName(contacts: ContactTable, account: Uint8Array, names: readonly string[]): string {
  const id = formatAccountId(account);
  const clean = names.map(cleanName).find((name) => name !== null);
  for (const wanted of clean ? [clean, id.slice(0, 12)] : [id.slice(0, 12)]) {
    for (let number = 1; number <= MOST_NAMESAKES; number++) {
      const name = number === 1 ? wanted : `${wanted}-${number}`;
      if (contacts.get(name) === null) return name;
    }
  }
  return id.slice(0, 20); // 999 contacts share both names: no two accounts share this many digits by chance
}

/** Characters of a contact's name, less what a number behind it needs. */
const LONGEST = 60;
const MOST_NAMESAKES = 999;

/** What is compared when a contact is verified, in the shell and in the chat alike. @module */
import type { Contact } from "../client/contacts.ts";
import { formatAccountId } from "../crypto/account.ts";
import { safetyNumber } from "../crypto/safety_number.ts";
import { compareDigits, sameDigits } from "./safety_number.ts";

/** The account whose digits are shown: the one that was offered under the name, else the one that it pins. */
export function accountToVerify({ account, offered }: Contact): Uint8Array {
  return offered ?? account;
}

/**
 * The account that digits from the other side prove. Both may be compared while another one is offered: whose digits they
 * are says which is right. Throws what `compareDigits` throws.
 */
export async function accountOfDigits(
  own: Uint8Array,
  contact: Contact,
  given: readonly string[],
): Promise<Uint8Array> {
  const digits = given.join("");
  if (contact.offered && sameDigits(digits, await safetyNumber(own, contact.account))) return contact.account;
  const account = accountToVerify(contact);
  compareDigits(digits, await safetyNumber(own, account), contact.name);
  return account;
}

/** What a yes would do when another id was offered, and how to keep the old one by the command `add`; else nothing. */
export function aboutOffer({ name, account, offered }: Contact, add: string): string[] {
  if (!offered) return [];
  const pinned = formatAccountId(account);
  return [
    `${name} means ${pinned} now, and ${formatAccountId(offered)} was offered.`,
    `These are the digits of the one that was offered; with yes ${name} means it from now on.`,
    `To keep the old one: ${add} ${name} ${pinned}`,
  ];
}

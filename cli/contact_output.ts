/** A contact as JSON and as a line. @module */
import type { Contact } from "../client/contacts.ts";
import { formatAccountId } from "../crypto/account.ts";
import type { Output } from "./output.ts";

/** The JSON form of a contact; fields are only ever added. */
export function contactFields({ name, account, verified, blocked, addedAtMs, offered }: Contact) {
  return {
    name,
    id: formatAccountId(account),
    verified,
    blocked,
    added_at: new Date(addedAtMs).toISOString(),
    offered_id: offered && formatAccountId(offered),
  };
}

/** Prints a contact: an object with `--json`, else one line. */
export async function printContact(out: Output, contact: Contact): Promise<void> {
  await out.result(
    contactFields(contact),
    `${contact.name}  ${formatAccountId(contact.account)}  ${contactStates(contact)}`,
  );
}

/** What is known of a contact, in words. */
export function contactStates({ verified, blocked, offered }: Contact): string {
  const words = [verified ? "verified" : "not verified"];
  if (blocked) words.push("blocked");
  if (offered) words.push("ANOTHER ID WAS OFFERED");
  return words.join(", ");
}

/** `qight contact list`: everybody with a name. @module */
import { printContact } from "../contact_output.ts";
import type { Call } from "../tree/spec.ts";
import { withContacts } from "../who.ts";

/** Prints one line for each contact, by name. */
export async function run({ settings, out }: Call): Promise<void> {
  await withContacts(settings, out, async (contacts) => {
    for (const contact of await contacts.list()) await printContact(out, contact);
  });
}

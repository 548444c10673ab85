/** `qight contact remove`: forgets a name and its pin. @module */
import { contactFields } from "../contact_output.ts";
import type { Call } from "../tree/spec.ts";
import { withContacts } from "../who.ts";

/** Removes the contact and prints the name that is free now. */
export async function run({ args: [name], settings, out }: Call): Promise<void> {
  await withContacts(settings, out, async (contacts) => {
    const contact = await contacts.remove(name);
    await out.result({ ...contactFields(contact), removed: true }, contact.name);
  });
}

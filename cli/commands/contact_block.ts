/** `qight contact block`: nothing more is shown of them, and nothing sent to them. @module */
import { printContact } from "../contact_output.ts";
import type { contactBlockSpec } from "../tree/contact.ts";
import type { Call } from "../tree/spec.ts";
import { withContacts } from "../who.ts";

/** Blocks, or lifts the block. */
export async function run({ args: [name], options, settings, out }: Call<typeof contactBlockSpec>): Promise<void> {
  await withContacts(settings, out, async (contacts) => {
    await printContact(out, await contacts.block(name, !options.undo));
  });
}

/** `qight contact remove`: forgets a name and its pin. @module */
import { blockEverywhere } from "../block.ts";
import { contactFields } from "../contact_output.ts";
import { Messenger } from "../messenger.ts";
import { orAborted } from "../send_one.ts";
import type { Call } from "../tree/spec.ts";
import { withContacts } from "../who.ts";

/** Whoever was blocked is not any more: at the relay too, where nobody could lift it by the name later. */
export async function run({ args: [name], settings, out, signal }: Call): Promise<void> {
  if (settings.relay === undefined) {
    return await withContacts(settings, out, async (contacts) => {
      const contact = await contacts.remove(name);
      await out.result({ ...contactFields(contact), removed: true }, contact.name);
    });
  }
  await using messenger = await Messenger.open(settings, out);
  await using stack = new AsyncDisposableStack();
  const connect = async () => stack.use(await orAborted(messenger.dial(), signal));
  const { contacts } = messenger;
  if ((await contacts.get(name)).blocked) await blockEverywhere(messenger, name, false, connect, out);
  const contact = await contacts.remove(name);
  await out.result({ ...contactFields(contact), removed: true }, contact.name);
}

/** `qight contact block`: nothing more is shown of them, nothing is sent to them, and the relay takes nothing from them. @module */
import { blockEverywhere } from "../block.ts";
import { printContact } from "../contact_output.ts";
import { Messenger } from "../messenger.ts";
import { orAborted } from "../send_one.ts";
import type { contactBlockSpec } from "../tree/contact.ts";
import type { Call } from "../tree/spec.ts";
import { withContacts } from "../who.ts";

/** Blocks, or lifts the block; without a relay chosen only here. */
export async function run(call: Call<typeof contactBlockSpec>): Promise<void> {
  const { args: [name], options, settings, out, signal } = call;
  if (settings.relay === undefined) {
    return await withContacts(settings, out, async (contacts) => {
      await printContact(out, await contacts.block(name, !options.undo));
    });
  }
  await using messenger = await Messenger.open(settings, out);
  await using stack = new AsyncDisposableStack();
  const connect = async () => stack.use(await orAborted(messenger.dial(), signal));
  await printContact(out, await blockEverywhere(messenger, name, !options.undo, connect, out));
}

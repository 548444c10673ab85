/** `qight contact verify`: the digits were compared and are the same. @module */
import { QightError } from "../../proto/errors.ts";
import { printContact } from "../contact_output.ts";
import { digitLines, digitsCode } from "../safety_number.ts";
import { askLine, hasTerminal } from "../terminal.ts";
import type { contactVerifySpec } from "../tree/contact.ts";
import type { Call } from "../tree/spec.ts";
import { aboutOffer, accountOfDigits, accountToVerify } from "../verification.ts";
import { withContacts } from "../who.ts";

/** Compares the digits that were given, or shows them and asks; nothing changes when they differ. */
export async function run(call: Call<typeof contactVerifySpec>): Promise<void> {
  const { args: [name, ...given], options, settings, out } = call;
  await withContacts(settings, out, async (contacts, identity) => {
    const contact = await contacts.get(name);
    const own = identity.account.hash;
    let account = accountToVerify(contact);
    if (given.length > 0) account = await accountOfDigits(own, contact, given);
    else {
      for (const line of aboutOffer(contact, "qight contact add")) out.note(line);
      if (options.qr) out.note(await digitsCode(own, account));
      for (const line of await digitLines(own, account)) out.note(line);
      await ask(call, contact.name);
    }
    await printContact(out, await contacts.verify(name, account));
  });
}

async function ask({ settings }: Call, name: string): Promise<void> {
  if (settings.yes) return;
  if (!settings.mayAsk || !await hasTerminal()) {
    throw new QightError("usage", "Whether the digits are the same must be said, and there is no terminal to ask on", {
      hint: `Give the digits that your contact sees: qight contact verify ${name} DIGITS; or -y if you compared them.`,
    });
  }
  const answer = await askLine(`Does ${name} see the same digits? Type yes: `);
  if (answer !== "yes") throw new QightError("not_allowed", `"${name}" was not verified`, { hint: "" });
}

/** `qight contact verify`: the digits were compared and are the same. @module */
import { printContact } from "../contact_output.ts";
import { digitLines, digitsCode } from "../safety_number.ts";
import type { contactVerifySpec } from "../tree/contact.ts";
import type { Call } from "../tree/spec.ts";
import { aboutOffer, accountOfDigits, accountToVerify } from "../verification.ts";
import { withContacts } from "../who.ts";
import { wantYes } from "../yes.ts";

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
      await wantYes(settings, {
        question: `Does ${contact.name} see the same digits? Type yes: `,
        needs: "Whether the digits are the same must be said",
        refused: `"${contact.name}" was not verified`,
        hint: `Give the digits that your contact sees: qight contact verify ${contact.name} DIGITS; ` +
          "or -y if you compared them.",
      });
    }
    await printContact(out, await contacts.verify(name, account));
  });
}

/** `qight contact verify`: the digits were compared and are the same. @module */
import type { Contact } from "../../client/contacts.ts";
import { formatAccountId } from "../../crypto/account.ts";
import { safetyNumber } from "../../crypto/safety_number.ts";
import { QightError } from "../../proto/errors.ts";
import { printContact } from "../contact_output.ts";
import { compareDigits, digitLines, digitsCode, sameDigits } from "../safety_number.ts";
import { askLine, hasTerminal } from "../terminal.ts";
import type { contactVerifySpec } from "../tree/contact.ts";
import type { Call } from "../tree/spec.ts";
import { withContacts } from "../who.ts";

/** Compares the digits that were given, or shows them and asks; nothing changes when they differ. */
export async function run(call: Call<typeof contactVerifySpec>): Promise<void> {
  const { args: [name, ...given], options, settings, out } = call;
  await withContacts(settings, out, async (contacts, identity) => {
    const contact = await contacts.get(name);
    const own = identity.account.hash;
    let account = contact.offered ?? contact.account;
    if (given.length > 0) {
      // Both may be compared: whose digits these are says which of the two is right.
      if (contact.offered && sameDigits(given.join(""), await safetyNumber(own, contact.account))) {
        account = contact.account;
      } else compareDigits(given.join(""), await safetyNumber(own, account), contact.name);
    } else {
      if (contact.offered) { for (const line of aboutOffer(contact, contact.offered)) out.note(line); }
      if (options.qr) out.note(await digitsCode(own, account));
      for (const line of await digitLines(own, account)) out.note(line);
      await ask(call, contact.name);
    }
    await printContact(out, await contacts.verify(name, account));
  });
}

function aboutOffer({ name, account }: Contact, offered: Uint8Array): string[] {
  const pinned = formatAccountId(account);
  return [
    `${name} means ${pinned} now, and ${formatAccountId(offered)} was offered.`,
    `These are the digits of the one that was offered; with yes ${name} means it from now on.`,
    `To keep the old one: qight contact add ${name} ${pinned}`,
  ];
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

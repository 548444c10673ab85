/** `qight contact add`: gives an account a name. @module */
import { formatAccountId } from "../../crypto/account.ts";
import { QightError } from "../../proto/errors.ts";
import { printContact } from "../contact_output.ts";
import type { Call } from "../tree/spec.ts";
import { parseWho, withContacts } from "../who.ts";

/** Pins the account to the name, or renames a contact; the own account is no contact. */
export async function run({ args: [name, whose], settings, out }: Call): Promise<void> {
  const who = parseWho(whose);
  await withContacts(settings, out, async (contacts, identity) => {
    if ("name" in who) return await printContact(out, await contacts.rename(who.name, name));
    const { account } = who;
    if (formatAccountId(account) === identity.account.id) {
      throw new QightError("usage", "That is your own id", { hint: "Ask your contact for theirs: qight whoami." });
    }
    await printContact(out, await contacts.add(name, account));
  });
}

/** `qight contact add`: gives an account a name. @module */
import { formatAccountId, parseAccountId } from "../../crypto/account.ts";
import { QightError } from "../../proto/errors.ts";
import { printContact } from "../contact_output.ts";
import type { Call } from "../tree/spec.ts";
import { withContacts } from "../who.ts";

/** Pins the account to the name; the own account is no contact. */
export async function run({ args: [name, id], settings, out }: Call): Promise<void> {
  const account = parseAccountId(id);
  await withContacts(settings, out, async (contacts, identity) => {
    if (formatAccountId(account) === identity.account.id) {
      throw new QightError("usage", "That is your own id", { hint: "Ask your contact for theirs: qight whoami." });
    }
    await printContact(out, await contacts.add(name, account));
  });
}

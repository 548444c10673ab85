/** `qight contact add`: gives an account a name. @module */
import { resolveName } from "../../client/accounts/resolve.ts";
import { readName } from "../../crypto/account_name.ts";
import { formatAccountId } from "../../crypto/account.ts";
import { QightError } from "../../proto/errors.ts";
import { printContact } from "../contact_output.ts";
import { refuseWithoutNames } from "../account_work.ts";
import { Messenger } from "../messenger.ts";
import { orAborted } from "../send_one.ts";
import type { Call } from "../tree/spec.ts";
import { parseWho, withContacts } from "../who.ts";

/** Pins the account to the name, or renames a contact; the own account is no contact. */
export async function run(call: Call): Promise<void> {
  const { args: [name, whose], settings, out } = call;
  if (whose === undefined) return await addByName(call);
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

/** The relay's word for a name; what is pinned already is not changed by it (`key_changed`). */
async function addByName({ args: [name], settings, out, signal }: Call): Promise<void> {
  readName(name);
  await using messenger = await Messenger.open(settings, out);
  const { relay } = await orAborted(messenger.connect(), signal);
  await using _session = relay;
  await orAborted(refuseWithoutNames(relay), signal);
  const account = await orAborted(resolveName(relay, name), signal);
  if (!account) {
    throw new QightError("no_such_recipient", `Nobody is called ${name} at this relay`, {
      hint: `Ask for their id: qight contact add ${name} ID.`,
    });
  }
  if (formatAccountId(account) === messenger.identity.account.id) {
    throw new QightError("usage", "That is your own name", { hint: "Ask your contact for theirs." });
  }
  await printContact(out, await messenger.contacts.add(name, account));
}

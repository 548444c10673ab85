/** Where a message goes, also when only the relay knows the group or the name yet. @module */
import { type Destination, destinationOf, type Outside } from "../client/destination.ts";
import { formatAccountId } from "../crypto/account.ts";
import { asQightError } from "../proto/errors.ts";
import type { Messenger } from "./messenger.ts";
import type { Output } from "./output.ts";
import { orAborted } from "./send_one.ts";

/** What looking further needs. */
export interface Looking {
  readonly out: Output;
  readonly signal: AbortSignal;
}

/**
 * As `destinationOf`; a group that is unknown here is looked for at the relay once: whoever was invited may write before
 * they read. Without the relay nobody can tell whether there is one: `unreachable` then. A name that is no contact's is
 * asked of a relay with names, and pinned.
 */
export async function destinationNow(
  word: string,
  messenger: Messenger,
  outside: Outside,
  looking: Looking,
): Promise<Destination> {
  try {
    return await destinationOf(word, messenger, outside);
  } catch (thrown) {
    const { code } = asQightError(thrown);
    if (code === "no_such_group") return await groupNow(word, messenger, outside, looking);
    const named = code === "no_such_contact" ? await nameNow(word, messenger, looking) : null;
    if (named === null) throw thrown;
    return await destinationOf(named, messenger, outside);
  }
}

async function groupNow(word: string, messenger: Messenger, outside: Outside, { signal }: Looking) {
  const { relay } = await orAborted(messenger.connect(), signal);
  await using _session = relay;
  const { groupsAt } = await import("../client/participant_groups.ts"); // seldom needed, and all of MLS
  await orAborted(groupsAt(messenger, { client: () => Promise.resolve(relay) }).tend(), signal);
  return await destinationOf(word, messenger, outside);
}

/** The word under which `destinationOf` finds whom the relay names so; null when it names nobody, or cannot be asked. */
async function nameNow(word: string, messenger: Messenger, { out, signal }: Looking): Promise<string | null> {
  const own = messenger.self.account.hash;
  try {
    const { relay } = await orAborted(messenger.connect(), signal);
    await using _session = relay;
    const { meetByName } = await import("../client/accounts/resolve.ts"); // seldom needed, with messages of its own
    const met = await orAborted(meetByName(relay, { contacts: messenger.contacts, own, word }), signal);
    if (met === null) return null;
    if (met.contact === null) return formatAccountId(own);
    const { name } = met.contact;
    if (met.fresh) out.note(`${name} is ${formatAccountId(met.account)}, says the relay: a contact now, not verified`);
    else out.note(`${word} is your contact ${name}`);
    return name;
  } catch (thrown) {
    // Whether the relay is away is for the sending to say: with --queue nobody needs it now.
    if (asQightError(thrown).exit === 69) return null;
    throw thrown;
  }
}

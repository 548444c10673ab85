/** Where a message goes, also when only the relay knows the group or the name yet. @module */
import { type Destination, destinationOf, type Outside } from "../client/destination.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import { knownOrMet, metByName } from "./met_by_name.ts";
import type { Messenger } from "./messenger.ts";
import type { Output } from "./output.ts";
import { isOwnName } from "./repl/whom.ts";
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
    const find = (known: string) => destinationOf(known, messenger, outside);
    return await knownOrMet(word, find, () => nameNow(word, messenger, looking));
  } catch (thrown) {
    const { code } = asQightError(thrown);
    if (code === "no_such_contact") throw await withWayOut(word, messenger, thrown);
    if (code !== "no_such_group") throw thrown;
    return await groupNow(word, messenger, outside, looking);
  }
}

/** The same error with what helps a newcomer: whoever took an invite is known here only after the next fetch. */
async function withWayOut(word: string, { store, relayName }: Messenger, thrown: unknown): Promise<unknown> {
  const { code, message, hint } = asQightError(thrown);
  if (isOwnName(word)) {
    return new QightError(code, message, {
      cause: thrown,
      hint: `For a note to yourself: echo "@me TEXT" | qight repl.`,
    });
  }
  const invites = await store.read((tables) => tables.invites.all());
  if (!invites.some(({ state, relay }) => state === "open" && relay === relayName)) return thrown;
  return new QightError(code, message, {
    cause: thrown,
    hint: `Who took your invite is known after qight fetch. ${hint}`,
  });
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
  const { contacts, self: { account } } = messenger;
  try {
    const { relay } = await orAborted(messenger.connect(), signal);
    await using _session = relay;
    const asking = { contacts, own: account.hash, note: (text: string) => out.note(text) };
    return await orAborted(metByName(relay, word, asking), signal);
  } catch (thrown) {
    // Whether the relay is away is for the sending to say: with --queue nobody needs it now.
    if (asQightError(thrown).exit === 69) return null;
    throw thrown;
  }
}

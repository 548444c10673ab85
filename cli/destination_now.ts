/** Where a message goes, also when only the relay knows the group yet. @module */
import { type Destination, destinationOf, type Outside } from "../client/destination.ts";
import { asQightError } from "../proto/errors.ts";
import type { Messenger } from "./messenger.ts";
import { orAborted } from "./send_one.ts";

/**
 * As `destinationOf`; a group that is unknown here is looked for at the relay once: whoever was invited may write before
 * they read. Without the relay nobody can tell whether there is one: `unreachable` then.
 */
export async function destinationNow(
  word: string,
  messenger: Messenger,
  outside: Outside,
  signal: AbortSignal,
): Promise<Destination> {
  try {
    return await destinationOf(word, messenger, outside);
  } catch (thrown) {
    if (asQightError(thrown).code !== "no_such_group") throw thrown;
    const { relay } = await orAborted(messenger.connect(), signal);
    await using _session = relay;
    const { groupsAt } = await import("../client/participant_groups.ts"); // seldom needed, and all of MLS
    await orAborted(groupsAt(messenger, { client: () => Promise.resolve(relay) }).tend(), signal);
    return await destinationOf(word, messenger, outside);
  }
}

/**
 * Where a message goes: to the devices of an account, or into a conversation.
 * @module
 */
import { equal } from "../crypto/equal.ts";
import { asQightError, type ErrorCode, QightError } from "../proto/errors.ts";
import type { Recipient } from "./directory.ts";
import type { Draft } from "./messages.ts";
import type { Target } from "./outbox.ts";
import type { SendRoom } from "./send_room.ts";

/** Where a message goes, and why it does not go into the conversation that it was meant for. */
export interface Reached {
  readonly to: Target;
  readonly sealedBecause?: QightError;
}

/** Finds the devices or the conversation behind a recipient; begins a direct conversation when there is none. */
export async function targetOf(
  { relay, directory, author, groups, neverSealed = false }: Pick<
    SendRoom,
    "relay" | "directory" | "author" | "groups" | "neverSealed"
  >,
  recipient: Uint8Array,
  conversation: Draft["conversation"] | null,
): Promise<Reached> {
  if (conversation === "group") return { to: { group: recipient, recipient } };
  // With one device nobody else would be in a conversation with oneself.
  const alone = equal(recipient, author.bundle.account) && author.bundle.devices.length < 2;
  const direct = conversation === "direct" && groups && !alone;
  if (!direct) return { to: await directory.lookUp(relay, recipient) };
  try {
    const group = await groups.direct(recipient);
    if (neverSealed) return { to: { group, recipient } };
    // Every device of theirs gets it: one that came later has no leaf yet (docs/decisions/0007-conversations.md).
    const people = await directory.lookUp(relay, recipient);
    const devices = people.bundle.devices.map(({ key }) => key);
    let absent = await groups.absent(group, devices);
    if (absent.length > 0) {
      await groups.complete(group);
      absent = await groups.absent(group, devices);
    }
    if (absent.length === 0) return { to: { group, recipient } };
    return { to: people, sealedBecause: new QightError("no_key_package", "A device of theirs is not in it yet") };
  } catch (thrown) {
    const error = asQightError(thrown);
    if (neverSealed || !NO_CONVERSATION.has(error.code)) throw error;
    return { to: await directory.lookUp(relay, recipient), sealedBecause: error };
  }
}

/** They have not published what a conversation needs, or the relay is older than conversations. */
const NO_CONVERSATION = new Set<ErrorCode>(["no_key_package", "unknown_method"]);

/** A recipient whose keys are not needed, because the bytes are fixed. */
export function onlyAccount(account: Uint8Array): Recipient {
  return { account, sealingKeys: [], bundle: undefined as never };
}

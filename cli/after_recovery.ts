/** What follows once a recovered device is on the list: its conversations, and then the devices that were lost. @module */
import { revokeOthers } from "../client/devices.ts";
import { groupsAt } from "../client/participant_groups.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import { inConversations } from "./device_command.ts";
import type { Messenger } from "./messenger.ts";
import { orAborted } from "./send_one.ts";
import type { Call } from "./tree/spec.ts";

type Words = Pick<Call, "out" | "signal">;

/**
 * Goes back into these groups (ids). What is left is done again by later commands: it may not make a recovery look as if
 * it had failed.
 */
export async function comeBackInto(
  messenger: Messenger,
  kept: readonly Uint8Array[],
  { out, signal }: Words,
): Promise<void> {
  try {
    const { relay } = await orAborted(messenger.connect(), signal);
    await using _relay = relay;
    const groups = groupsAt(messenger, { client: () => Promise.resolve(relay) });
    const { joined, later, over } = await orAborted(groups.rejoinAll(kept), signal);
    if (joined > 0) out.note(`conversations that this device is in again: ${joined}`);
    if (later > 0) out.note(`conversations that could not be joined yet: ${later}; qight fetch tries again`);
    // Without a seat at the relay there is no coming in: whoever removes the last lost device brings this one.
    if (over > 0) out.note(`conversations whose other members let this device in when they read: ${over}`);
  } catch (thrown) {
    signal.throwIfAborted();
    out.error(
      `warning: you are back in, but not all is done yet (${asQightError(thrown).message}); qight fetch goes on`,
    );
  }
}

/**
 * Takes all other devices off the list and out of the conversations; after `comeBackInto`, since their seats are the way
 * in. Throws what it met, saying that the account is recovered and they are still listed: nothing does this later by itself.
 */
export async function revokeLost(messenger: Messenger, { out, signal }: Words): Promise<void> {
  try {
    const room = await orAborted(messenger.connect(), signal);
    await using _relay = room.relay;
    const { store, self: identity, clock } = messenger;
    const gone = await orAborted(revokeOthers({ relay: room.relay, store, identity, clock }), signal);
    out.note(`devices that lost their place on the list: ${gone}`);
    await orAborted(inConversations({ messenger, room }, "removeGoneDevices"), signal);
  } catch (thrown) {
    signal.throwIfAborted();
    const { code, message, retryAfterMs } = asQightError(thrown);
    throw new QightError(code, `You are back in, but your other devices were not taken off the list: ${message}`, {
      hint: "Take them off by hand: qight device list, then qight device revoke NAME.",
      cause: thrown,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
}

/** `qight account logout`: ends the session of this device. @module */
import { logout } from "../../client/accounts/login.ts";
import { accountRoom } from "../account_work.ts";
import { Messenger } from "../messenger.ts";
import { orAborted } from "../send_one.ts";
import type { Call } from "../tree/spec.ts";

/** The key, the contacts and the messages stay. */
export async function run({ settings, out, signal }: Call): Promise<void> {
  await using messenger = await Messenger.open(settings, out);
  await using relay = await orAborted(messenger.dial(), signal);
  await orAborted(logout(accountRoom(messenger, relay)), signal);
  const { id } = messenger.identity.account;
  await out.result({ id, signed_in: false }, `signed out  ${id}`);
}

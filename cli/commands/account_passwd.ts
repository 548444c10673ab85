/** `qight account passwd`: another password. @module */
import { changePassword } from "../../client/accounts/login.ts";
import { OpaqueThread } from "../../client/opaque_thread.ts";
import { accountRoom } from "../account_work.ts";
import { Messenger } from "../messenger.ts";
import { existingPassword, newPassword } from "../password.ts";
import { orAborted } from "../send_one.ts";
import type { accountPasswdSpec } from "../tree/account.ts";
import type { Call } from "../tree/spec.ts";

/** Proves the present password and sets the new one; all other devices have to sign in again. */
export async function run({ options, settings, out, signal }: Call<typeof accountPasswdSpec>): Promise<void> {
  const { passwordFile, newPasswordFile } = options;
  await using messenger = await Messenger.open(settings, out);
  await using relay = await orAborted(messenger.dial(), signal);
  using opaque = new OpaqueThread();
  const room = { ...accountRoom(messenger, relay), opaque };
  const name = await orAborted(
    changePassword(room, {
      present: (of) => existingPassword(settings, out, { of, file: passwordFile }),
      next: (of) => newPassword(settings, out, { of, file: newPasswordFile, flag: "--new-password-file" }),
    }),
    signal,
  );
  const { id } = messenger.identity.account;
  await out.result({ name, id }, `${name} has a new password; all other devices have to sign in again`);
}

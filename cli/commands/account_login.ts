/** `qight account login`: signs this device in. @module */
import { login } from "../../client/accounts/login.ts";
import { OpaqueThread } from "../../client/opaque_thread.ts";
import { readName } from "../../crypto/account_name.ts";
import { QightError } from "../../proto/errors.ts";
import { accountRoom, refuseWithoutNames } from "../account_work.ts";
import { Messenger } from "../messenger.ts";
import { existingPassword } from "../password.ts";
import { orAborted } from "../send_one.ts";
import type { accountLoginSpec } from "../tree/account.ts";
import type { Call } from "../tree/spec.ts";

/** Proves the password and keeps the session, for this device alone. */
export async function run({ args: [name], options, settings, out, signal }: Call<typeof accountLoginSpec>) {
  readName(name);
  await using messenger = await Messenger.open(settings, out).catch((thrown) => {
    if (!(thrown instanceof QightError) || thrown.code !== "no_key") throw thrown;
    throw new QightError("no_key", thrown.message, {
      cause: thrown,
      hint: `A password alone lets no new machine in: qight device link, or with a code qight account recover ${name}.`,
    });
  });
  const dial = () => orAborted(messenger.dial(), signal);
  if (options.passwordFile === undefined) {
    await using relay = await dial();
    await orAborted(refuseWithoutNames(relay), signal);
  }
  const password = await existingPassword(settings, out, { of: name, file: options.passwordFile });
  using opaque = new OpaqueThread(); // it loads while the relay is dialled
  await using relay = await dial();
  await orAborted(login({ ...accountRoom(messenger, relay), opaque }, name, password), signal);
  const { id } = messenger.identity.account;
  await out.result({ name, id }, `signed in as ${name}  ${id}`);
}

/** `qight account register`: a name at a relay, with a password. @module */
import { register } from "../../client/accounts/register.ts";
import { OpaqueThread } from "../../client/opaque_thread.ts";
import { foldName } from "../../crypto/account_name.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import { accountRoom, giveCodes, makeCodes, refuseCodesFile, refuseWithoutNames } from "../account_work.ts";
import { saveIdentity } from "../identity.ts";
import { Messenger } from "../messenger.ts";
import { openOrMakeKey } from "../own_key.ts";
import { newPassword } from "../password.ts";
import { orAborted } from "../send_one.ts";
import type { accountRegisterSpec } from "../tree/account.ts";
import type { Call } from "../tree/spec.ts";

/** Makes a key when there is none, registers, signs this device in, and gives the recovery codes. */
export async function run(call: Call<typeof accountRegisterSpec>): Promise<void> {
  const { args: [name], options, settings, out, signal } = call;
  foldName(name);
  await refuseCodesFile(options.codesFile);
  const { identity, isNew } = await openOrMakeKey(settings, out, options);
  if (isNew) {
    await saveIdentity(identity, { overwrite: false, now: Date.now() });
    out.note(`made a key: ${identity.account.id}`);
  }
  await using messenger = await Messenger.open(settings, out, identity);
  const dial = () => orAborted(messenger.dial(), signal);
  if (options.passwordFile === undefined) {
    await using relay = await dial();
    await orAborted(refuseWithoutNames(relay), signal);
  }
  const password = await newPassword(settings, out, { of: name, file: options.passwordFile });
  {
    using opaque = new OpaqueThread(); // it loads while the relay is dialled
    await using relay = await dial();
    await orAborted(register({ ...accountRoom(messenger, relay), opaque }, name, password), signal);
  }
  const { codes } = await orAborted(makeCodes(messenger, out), signal).catch((thrown) => {
    signal.throwIfAborted();
    const { code, message } = asQightError(thrown);
    throw new QightError(code, `You are ${name} here now, but there are no recovery codes yet: ${message}`, {
      cause: thrown,
      hint: "Make them with qight account codes.",
    });
  });
  await giveCodes(out, codes, { name, id: identity.account.id }, options.codesFile);
}

/** The end of a recovery that an earlier run of the command had begun on this machine, when its code was used up already. @module */
import type { Account } from "../crypto/account.ts";
import { begunRecovery, endRecovery } from "../client/accounts/begun.ts";
import { openIfKnown } from "../client/accounts/recover.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import { giveCodes } from "./account_work.ts";
import { comeBackInto, revokeLost } from "./after_recovery.ts";
import { Messenger } from "./messenger.ts";
import type { OwnKey } from "./own_key.ts";
import { orAborted } from "./send_one.ts";
import type { accountRecoverSpec } from "./tree/account.ts";
import type { Call } from "./tree/spec.ts";

/**
 * Goes on when a code is unknown because it let this machine in: hands the new codes over, and comes back into the groups.
 * Answers null then; else throws what was `thrown`, with what to do on a machine that has the account.
 */
export async function goOnRecovering(
  call: Call<typeof accountRecoverSpec>,
  { identity, isNew }: OwnKey,
  isMeant: (whose: { readonly account: Account; readonly name: string }) => boolean,
  thrown: unknown,
): Promise<null> {
  const { options, settings, out, signal } = call;
  const error = asQightError(thrown);
  if (error.code !== "code_unknown" || isNew) throw thrown;
  const { account } = identity;
  await using messenger = await Messenger.open(settings, out, identity);
  const { store, relayName } = messenger;
  const begun = () => store.read((tables) => begunRecovery(tables, relayName, account.hash));
  const mark = () => store.read(({ recoveryMarks }) => recoveryMarks.get(relayName));
  if (await begun() === null) {
    if (!isMeant({ account, name: (await mark())?.name ?? "" })) throw thrown;
    throw hasIt(error);
  }
  // Contacts and conversations come back with it.
  const { relay, published } = await orAborted(messenger.connect(), signal);
  await using _relay = relay;
  const name = (await mark())?.name ?? "";
  if (!isMeant({ account, name })) throw thrown;
  const made = await begun();
  // Another device may have made newer ones meanwhile.
  if (made === null || await orAborted(openIfKnown(relay, made.codes[0]), signal) === null) {
    await store.write((tables) => endRecovery(tables, relayName));
    throw hasIt(error);
  }
  out.note("An earlier run of this command used the code up and was cut off: this one goes on.");
  const about = { name: name === "" ? null : name, id: account.id, device: identity.fingerprint };
  await giveCodes(out, made.codes, about, options.codesFile);
  await store.write((tables) => endRecovery(tables, relayName));
  await comeBackInto(messenger, [], call);
  if (options.revokeOthers && published.bundle.devices.length > 1) await revokeLost(messenger, call);
  return null;
}

function hasIt(cause: QightError): QightError {
  return new QightError(cause.code, cause.message, {
    cause,
    hint: "This machine has that account's key: qight device list shows whether it is in, and which others are; " +
      "qight account codes makes new codes.",
  });
}

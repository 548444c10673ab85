/** `qight account codes`: new recovery codes. @module */
import { giveCodes, makeCodes, refuseCodesFile } from "../account_work.ts";
import { Messenger } from "../messenger.ts";
import { orAborted } from "../send_one.ts";
import type { accountCodesSpec } from "../tree/account.ts";
import type { Call } from "../tree/spec.ts";

/** Eight new codes for the account as it is now; the old ones are worth nothing from then on. */
export async function run({ options, settings, out, signal }: Call<typeof accountCodesSpec>): Promise<void> {
  await refuseCodesFile(options.codesFile);
  await using messenger = await Messenger.open(settings, out);
  const { codes, name } = await orAborted(makeCodes(messenger, out), signal);
  const { id } = messenger.identity.account;
  await giveCodes(out, codes, { name: name === "" ? null : name, id }, options.codesFile);
}

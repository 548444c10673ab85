/** `qight contact show`: a contact with its devices and the digits to compare. @module */
import { systemClock } from "../../client/clock.ts";
import { KeyDirectory } from "../../client/directory.ts";
import { deviceFingerprint, formatAccountId } from "../../crypto/account.ts";
import { safetyNumber } from "../../crypto/safety_number.ts";
import { contactFields, printContact } from "../contact_output.ts";
import { digitLines, digitsCode } from "../safety_number.ts";
import type { contactShowSpec } from "../tree/contact.ts";
import type { Call } from "../tree/spec.ts";
import { withContacts } from "../who.ts";

/** Devices are those that this machine has seen; qight check-key asks the relay. */
export async function run({ args: [name], options, settings, out }: Call<typeof contactShowSpec>): Promise<void> {
  const { contact, bundle, hash } = await withContacts(settings, out, async (contacts, { account }, store) => {
    const contact = await contacts.get(name);
    return { contact, bundle: await new KeyDirectory(store, systemClock).latest(contact.account), hash: account.hash };
  });
  const devices = await Promise.all((bundle?.devices ?? []).map(async ({ key, name, addedAtMs }) => ({
    device: await deviceFingerprint(key),
    name,
    added_at: new Date(addedAtMs).toISOString(),
  })));
  if (out.json) {
    const digits = await safetyNumber(hash, contact.account);
    return await out.object({ ...contactFields(contact), safety_number: digits, devices });
  }
  await printContact(out, contact);
  for (const { device, name } of devices) await out.line(`  device  ${device}  ${name}`);
  for (const line of await digitLines(hash, contact.account)) await out.line(`  safety  ${line}`);
  if (contact.offered) {
    await out.line(`  offered ${formatAccountId(contact.offered)}, refused until qight contact verify ${contact.name}`);
    for (const line of await digitLines(hash, contact.offered)) await out.line(`  offered ${line}`);
  }
  if (options.qr) await out.line(await digitsCode(hash, contact.account));
}

/** `qight check-key`: somebody's devices as the relay knows them, and the digits to compare. @module */
import { deviceFingerprint, parseAccountId } from "../../crypto/account.ts";
import { equal } from "../../crypto/equal.ts";
import { safetyNumber } from "../../crypto/safety_number.ts";
import { readPublicHalf } from "../identity.ts";
import { lookUpAccount } from "../look_up.ts";
import { grouped } from "../safety_number.ts";
import type { Call } from "../tree/spec.ts";
import { lookUpWho } from "../who.ts";

/** Prints id, devices with the life of their sealing keys, and the safety number with the own account. */
export async function run({ args: [who], settings, out }: Call): Promise<void> {
  const { bundle, sealingKeys } = await lookUpAccount(settings, out, await lookUpWho(who, settings, out));
  const own = await readPublicHalf(settings.identity);
  const devices = await Promise.all(bundle.devices.map(async ({ key, name, addedAtMs }) => {
    const sealing = sealingKeys.find((each) => equal(each.device, key));
    return {
      device: await deviceFingerprint(key),
      name,
      added_at: new Date(addedAtMs).toISOString(),
      sealing_key_expires_at: sealing ? new Date(sealing.expiresAtMs).toISOString() : null,
    };
  }));
  const digits = own ? await safetyNumber(parseAccountId(own.id), bundle.account) : null;
  const expires = new Date(bundle.expiresAtMs).toISOString();
  if (out.json) {
    const fields = { id: bundle.accountId, version: bundle.version, expires_at: expires, devices };
    return await out.object({ ...fields, safety_number: digits });
  }
  await out.line(`id       ${bundle.accountId}\nexpires  ${expires}`);
  for (const { device, name, sealing_key_expires_at: until } of devices) {
    await out.line(`device   ${device}  ${name}  ${until ? `sealing key until ${until}` : "no sealing key"}`);
  }
  if (digits !== null) await out.line(`safety   ${grouped(digits)}`);
}

/** `qight key rotate`: a new sealing key, now. @module */
import { hex } from "../../crypto/hex.ts";
import { Messenger } from "../messenger.ts";
import type { Call } from "../tree/spec.ts";

/** Publishes a fresh sealing key; mail sealed to older ones can still be opened while they may arrive. */
export async function run({ settings, out }: Call): Promise<void> {
  await using messenger = await Messenger.open(settings, out);
  await using relay = await messenger.dial();
  const { sealingKey } = await messenger.publish(relay, { rotate: true });
  const fields = {
    id: messenger.identity.account.id,
    key_id: hex(sealingKey.keyId),
    expires_at: new Date(sealingKey.expiresAtMs).toISOString(),
  };
  await out.result(fields, `new sealing key ${fields.key_id}, good until ${fields.expires_at}`);
}

/** `qight key import`: takes over an exported key. @module */
import { systemRandom } from "../../client/clock.ts";
import { unpackConversations } from "../../client/groups/carried.ts";
import { renewLineages } from "../../client/outbox.ts";
import { markRestored } from "../../client/restored.ts";
import { makeSealingKey } from "../../crypto/sealing_key.ts";
import { openVault, vaultNeedsPassphrase } from "../../crypto/vault.ts";
import { QightError } from "../../proto/errors.ts";
import { type Identity, identityFrom, makeSecrets, saveIdentity, type WholeSecrets } from "../identity.ts";
import { decodeIdentity, type IdentitySecrets } from "../../crypto/identity_bytes.ts";
import { openStore } from "../messenger.ts";
import type { Settings } from "../settings.ts";
import { existingPassphrase } from "../passphrase.ts";
import { exists } from "../paths.ts";
import { publishOrWarn } from "../publish_now.ts";
import { readTextInput } from "../read_input.ts";
import type { keyImportSpec } from "../tree/key.ts";
import type { Call } from "../tree/spec.ts";

/** Writes the key file from an export; without the device in it this machine becomes another device. */
export async function run({ args, options, settings, out, signal }: Call<typeof keyImportSpec>): Promise<void> {
  const path = settings.identity;
  if (!options.force && await exists(path)) {
    throw new QightError("would_overwrite", `There is a key at ${path} already, and it is not overwritten`);
  }
  const source = args[0] ?? "-";
  const text = await readTextInput(source);
  const passphrase = vaultNeedsPassphrase(text) ? await existingPassphrase(settings, source) : null;
  const secrets = decodeIdentity(await openVault(text, passphrase));
  const whole = secrets.device ? secrets as WholeSecrets : makeSecrets(secrets.accountSeed);
  const identity = await identityFrom(whole, path, passphrase);
  await saveIdentity(identity, { overwrite: options.force ?? false, now: Date.now() });
  if (secrets.device) await takeOver(settings, identity, secrets);
  const { id } = identity.account;
  await out.result({ id, device: identity.fingerprint, identity: path, with_device: secrets.device !== undefined }, id);
  if (options.publish !== false) await publishOrWarn(identity, settings, out, signal);
}

/** The last numbers given under this device are not known here, so counting begins anew (docs/protocol.md). */
async function takeOver(settings: Settings, identity: Identity, carried: IdentitySecrets): Promise<void> {
  const { sealing, conversations } = carried;
  await using store = await openStore(settings, identity);
  await renewLineages(store);
  if (!sealing) return;
  const { keyId, bytes } = await makeSealingKey(identity.device, identity.account.hash, sealing.seed, sealing);
  await store.write((tables) => {
    tables.secrets.put({ ...sealing, keyId, published: bytes });
    if (conversations) unpackConversations(tables, conversations, systemRandom);
  });
  if (conversations) await markRestored(store, systemRandom);
}

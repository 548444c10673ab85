/** `qight key gen`: an account with this device. @module */
import { QightError } from "../../proto/errors.ts";
import { identityFrom, makeSecrets, saveIdentity } from "../identity.ts";
import type { Output } from "../output.ts";
import { newPassphrase } from "../passphrase.ts";
import { exists } from "../paths.ts";
import { publishOrWarn } from "../publish_now.ts";
import type { keyGenSpec } from "../tree/key.ts";
import type { Call } from "../tree/spec.ts";

/** Makes the key, prints its public id, and tells the relay when one is chosen. */
export async function run({ options, settings, out, signal }: Call<typeof keyGenSpec>): Promise<void> {
  const path = settings.identity;
  // Asked before the passphrase is: nobody types one for nothing.
  if (!options.force && await exists(path)) {
    throw new QightError("would_overwrite", `There is a key at ${path} already, and it is not overwritten`);
  }
  const passphrase = options.passphrase === false
    ? null
    : await newPassphrase(settings, path, { without: "--no-passphrase" });
  const identity = await identityFrom(makeSecrets(), path, passphrase);
  if (options.force) await keepOld(path, out);
  await saveIdentity(identity, { overwrite: options.force ?? false, now: Date.now() });
  if (passphrase === null) out.detail(`${path} and the messages are protected by file mode alone`);
  const { id } = identity.account;
  await out.result({ id, device: identity.fingerprint, identity: path }, id);
  if (options.publish !== false) await publishOrWarn(identity, settings, out, signal);
}

/** A replaced key is still somebody's mail: it stays beside the new one. A second name, so that no crash leaves none. */
async function keepOld(path: string, out: Output): Promise<void> {
  if (!await exists(path)) return;
  for (let number = 1;; number++) {
    const kept = number === 1 ? `${path}.old` : `${path}.old-${number}`;
    if (await exists(kept)) continue;
    try {
      await Deno.link(path, kept);
    } catch (cause) {
      throw new QightError("cannot_create", `Cannot keep the old key as ${kept}: ${(cause as Error).message}`, {
        cause,
      });
    }
    return out.note(`the old key is kept as ${kept}`);
  }
}

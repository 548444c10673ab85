/** `qight key show`: the public half of the key. @module */
import { openIdentity, readKeyFile, readPublicHalf } from "../identity.ts";
import type { Call } from "../tree/spec.ts";

/** Prints id, device and path; asks for a passphrase only when the public half is missing beside the key. */
export async function run({ settings, out }: Call): Promise<void> {
  const path = settings.identity;
  await readKeyFile(path);
  const half = await readPublicHalf(path);
  const opened = half ? null : await openIdentity(settings, out);
  const id = half?.id ?? opened!.account.id;
  const device = half?.device ?? opened!.fingerprint;
  await out.result({ id, device, identity: path }, `id        ${id}\ndevice    ${device}\nidentity  ${path}`);
}

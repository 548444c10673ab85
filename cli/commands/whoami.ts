/** `qight whoami`: the own public id. @module */
import { openIdentity, readKeyFile, readPublicHalf } from "../identity.ts";
import type { Call } from "../tree/spec.ts";

/** Prints the id that others write to; with `--json` the device and the chosen relay too. */
export async function run({ settings, out }: Call): Promise<void> {
  await readKeyFile(settings.identity);
  const half = await readPublicHalf(settings.identity);
  const opened = half ? null : await openIdentity(settings, out);
  const id = half?.id ?? opened!.account.id;
  const device = half?.device ?? opened!.fingerprint;
  await out.result({ id, device, relay: settings.relay ?? null, identity: settings.identity }, id);
}

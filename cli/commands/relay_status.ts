/** `qight relay status`: what the running relay does. @module */
import { askRelay } from "../relay_admin.ts";
import { printFields } from "../fields.ts";
import type { Call } from "../tree/spec.ts";

/** Prints version, load and storage of the relay. */
export async function run({ settings, out }: Call): Promise<void> {
  await printFields(out, await askRelay(settings, "status") as Record<string, unknown>);
}

/** `qight relay drain`: the relay finishes what is under way and stops. @module */
import { askRelay } from "../relay_admin.ts";
import type { Call } from "../tree/spec.ts";

/** Tells the relay to drain; it answers before it begins. */
export async function run({ settings, out }: Call): Promise<void> {
  await out.result(await askRelay(settings, "drain"), "draining");
}

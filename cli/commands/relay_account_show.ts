/** `qight relay account show`: what the relay knows of an account. @module */
import { printFields } from "../fields.ts";
import { askRelay } from "../relay_admin.ts";
import type { Call } from "../tree/spec.ts";

interface Shown extends Record<string, unknown> {
  readonly devices: readonly { readonly id: string; readonly last_seen: string | null }[];
}

/** Prints name, id, state, sessions, codes, and each device with the hour in which it was last here. */
export async function run({ args, settings, out }: Call): Promise<void> {
  const shown = await askRelay(settings, "account.show", { who: args[0] }) as Shown;
  if (out.json) return await out.object(shown);
  const { devices, ...facts } = shown;
  const fields = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== null && value !== ""));
  const device = devices.map(({ id, last_seen }) => `${id}  ${last_seen ?? "never here"}`);
  await printFields(out, { ...fields, device });
}

/** `qight relay status`: what the running relay does. @module */
import { askRelay } from "../relay_admin.ts";
import { printFields } from "../fields.ts";
import type { Call } from "../tree/spec.ts";

/** What the relay tells; one of 0.1.0 tells no addresses. */
interface Status extends Record<string, unknown> {
  readonly addresses?: readonly string[];
}

/** Prints address, version, load and storage of the relay; each address on a line of its own. */
export async function run({ settings, out }: Call): Promise<void> {
  const status = await askRelay(settings, "status") as Status;
  if (out.json) return await out.object(status);
  const { addresses: address = [], ...fields } = status;
  await printFields(out, { ...fields, address });
}

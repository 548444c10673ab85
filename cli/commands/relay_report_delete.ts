/** `qight relay report delete`: the operator is done with a report. @module */
import { askRelay } from "../relay_admin.ts";
import type { Call } from "../tree/spec.ts";

/** Forgets the report and what it shows; the audit log keeps that there was one. */
export async function run({ args, settings, out }: Call): Promise<void> {
  await out.result(await askRelay(settings, "report.delete", { id: args[0] }), args[0]);
}

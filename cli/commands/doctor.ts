/** `qight doctor`: what is right on this machine and with the relay, and what to do about the rest. @module */
import { QightError } from "../../proto/errors.ts";
import { diagnose } from "../doctor/diagnose.ts";
import { reportChecks } from "../doctor/report.ts";
import type { Call } from "../tree/spec.ts";

/** Prints a line for each check; ends with the code of the first failure, or 0 when nothing failed. */
export async function run({ settings, out, signal }: Call): Promise<void> {
  const failures = await reportChecks(diagnose(settings, out), { out, signal });
  const [first] = failures;
  if (!first) return;
  const others = failures.length > 1 ? ` (and ${failures.length - 1} more)` : "";
  throw new QightError(first.code!, `${first.name}: ${first.message}${others}`, { hint: first.hint });
}

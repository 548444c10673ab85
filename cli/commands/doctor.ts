/** `qight doctor`: what is right on this machine and with the relay, and what to do about the rest. @module */
import { QightError } from "../../proto/errors.ts";
import { type Check, checkText } from "../doctor/check.ts";
import { diagnose } from "../doctor/diagnose.ts";
import type { Call } from "../tree/spec.ts";

/** Prints a line for each check; ends with the code of the first failure, or 0 when nothing failed. */
export async function run({ settings, out, signal }: Call): Promise<void> {
  const checks: Check[] = [];
  for await (const check of diagnose(settings, out)) {
    signal.throwIfAborted();
    checks.push(check);
    if (!out.json) await out.line(checkText(check));
  }
  const failures = checks.filter(({ state }) => state === "fail");
  if (out.json) {
    await out.object({
      ok: failures.length === 0,
      checks: checks.map(({ name, state, message, hint }) => ({ name, state, message, hint })),
    });
  }
  const [first] = failures;
  if (!first) return;
  const others = failures.length > 1 ? ` (and ${failures.length - 1} more)` : "";
  throw new QightError(first.code!, `${first.name}: ${first.message}${others}`, { hint: first.hint });
}

/** Tells checks as they are made: a line each, or all in one object. @module */
import type { Call } from "../tree/spec.ts";
import { type Check, checkText } from "./check.ts";

/** Prints every check, and answers those that failed. */
export async function reportChecks(
  checks: AsyncIterable<Check>,
  { out, signal }: Pick<Call, "out" | "signal">,
): Promise<Check[]> {
  const made: Check[] = [];
  for await (const check of checks) {
    signal.throwIfAborted();
    made.push(check);
    if (!out.json) await out.line(checkText(check));
  }
  const failures = made.filter(({ state }) => state === "fail");
  if (out.json) {
    await out.object({
      ok: failures.length === 0,
      checks: made.map(({ name, state, message, hint }) => ({ name, state, message, hint })),
    });
  }
  return failures;
}

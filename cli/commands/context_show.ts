/** `qight context show`: what one context says. @module */
import { QightError } from "../../proto/errors.ts";
import { contextNamed, printContext } from "../contexts.ts";
import { printFields } from "../fields.ts";
import type { Call } from "../tree/spec.ts";

/** Prints the context of that name, or the one in use. */
export async function run({ args: [name], settings, out }: Call): Promise<void> {
  const wanted = name as string | undefined ?? settings.context;
  if (wanted === undefined) {
    throw new QightError("config", "No context is in use", {
      hint: "qight context list shows them, qight context use NAME chooses one.",
    });
  }
  const context = contextNamed(settings, wanted);
  if (out.json) return await printContext(out, context);
  await printFields(out, { name: wanted, in_use: context.inUse, ...context.values, file: context.files });
}

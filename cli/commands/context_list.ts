/** `qight context list`: the named sets of settings. @module */
import { contextNamed, contextNames, printContext } from "../contexts.ts";
import type { Call } from "../tree/spec.ts";

/** Prints one line for each context, by name. */
export async function run({ settings, out }: Call): Promise<void> {
  for (const name of contextNames(settings)) await printContext(out, contextNamed(settings, name));
}

/** `qight version`: what runs. @module */
import { safeJson } from "../escape.ts";
import type { Call } from "../tree/spec.ts";
import { VERSION } from "../version.ts";

/** The one line of `qight version`; with `--json` an object with the runtime too. */
export function versionLine(json: boolean): string {
  if (!json) return `qight ${VERSION}`;
  return safeJson({ version: VERSION, deno: Deno.version.deno, target: Deno.build.target });
}

/** Prints the version. */
export async function run(call: Call): Promise<void> {
  await call.out.line(versionLine(call.out.json));
}

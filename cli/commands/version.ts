/** `qight version`: what runs. @module */
import { buildInfo } from "../build_info.ts";
import { safeJson } from "../escape.ts";
import type { Call } from "../tree/spec.ts";
import { VERSION } from "../version.ts";

/** The one line of `qight version`; with `--json` an object with the source's revision and what a build carries too. */
export function versionLine(json: boolean): string {
  if (!json) return `qight ${VERSION}`;
  const { commit, embedded } = buildInfo ?? { commit: null, embedded: {} };
  return safeJson({ version: VERSION, commit, deno: Deno.version.deno, target: Deno.build.target, embedded });
}

/** Prints the version. */
export async function run(call: Call): Promise<void> {
  await call.out.line(versionLine(call.out.json));
}

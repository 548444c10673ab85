/** Doctor: this Deno. @module */
import { checkRuntime, OLDEST_DENO } from "../../relay/runtime.ts";
import { type Check, ok } from "./check.ts";

/** Fails with `too_old_runtime` when its QUIC has known holes. */
export function checkDeno(version: string = Deno.version.deno): Check {
  checkRuntime(version);
  return ok("deno", `Deno ${version} (${OLDEST_DENO} or newer is needed)`);
}

/** How qight starts itself again: the one place that may ask, for in a packed build Deno's own path is glibc's loader. @module */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildInfo } from "./build_info.ts";
import { type Env, processEnv } from "./paths.ts";

/** Program and first arguments, to which those of a command are added. */
export function selfCommand(env: Env = processEnv): readonly [program: string, ...args: string[]] {
  if (buildInfo === null) {
    const root = fileURLToPath(new URL("..", import.meta.url));
    // As the README's alias, see late_module.ts.
    const settings = ["run", "-qA", "--node-modules-dir=manual", "--config", join(root, "deno.json")];
    return [Deno.execPath(), ...settings, join(root, "cli/main.ts")];
  }
  if (Deno.build.standalone) return [Deno.execPath()];
  // The one file and the packages say who they are; the image's entrypoint has nobody to say it.
  const self = env("QIGHT_SELF");
  return self === undefined ? treeCommand(import.meta.dirname!) : [self];
}

/** The command that starts an unpacked tree, as the one file's header does. */
function treeCommand(folder: string): [string, ...string[]] {
  const flags = ["-A", "--unstable-net", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--no-prompt"];
  const loader = ["--library-path", join(folder, "lib"), join(folder, "deno")];
  return [join(folder, "lib/qight"), ...loader, "run", ...flags, join(folder, "main.js")];
}

/** The folder that an unpacked build runs from; null from source and in a compiled program. */
export function treeFolder(): string | null {
  return buildInfo === null || Deno.build.standalone ? null : import.meta.dirname!;
}

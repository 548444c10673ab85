/** The front door: answers version and help at once, loads the rest only when it is needed. @module */
import { lateModule } from "./late_module.ts";

const args = Deno.args;

if (import.meta.main) Deno.exit(await main());

/** Does what the arguments of this process say; answers the exit code. */
export async function main(): Promise<number> {
  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end);
  const helpWanted = args.length === 0 || args[0] === "help" || own.includes("-h") || own.includes("--help");
  if (!helpWanted && (args[0] === "version" || own.includes("-V") || own.includes("--version"))) {
    const version = await lateModule<typeof import("./commands/version.ts")>("commands/version.ts");
    console.log(version.versionLine(own.includes("--json")));
    return 0;
  }
  if (helpWanted) {
    const help = await lateModule<typeof import("./help_door.ts")>("help_door.ts");
    return await help.printHelp(args);
  }
  const { runCommand } = await lateModule<typeof import("./run.ts")>("run.ts");
  return await runCommand(args);
}

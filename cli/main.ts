/** The front door: answers version and help at once, loads the rest only when it is needed. @module */

const args = Deno.args;

if (import.meta.main) Deno.exit(await main());

async function main(): Promise<number> {
  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end);
  const helpWanted = args.length === 0 || args[0] === "help" || own.includes("-h") || own.includes("--help");
  if (!helpWanted && (args[0] === "version" || own.includes("-V") || own.includes("--version"))) {
    const version = await load("./commands/version.ts") as typeof import("./commands/version.ts");
    console.log(version.versionLine(own.includes("--json")));
    return 0;
  }
  if (helpWanted) {
    const help = await load("./help_door.ts") as typeof import("./help_door.ts");
    return await help.printHelp(args);
  }
  const { runCommand } = await load("./run.ts") as typeof import("./run.ts");
  return await runCommand(args);
}

/** A computed name keeps Deno from reading the module before it is needed: it follows literal dynamic imports. */
async function load(module: string): Promise<unknown> {
  return await import(new URL(module, import.meta.url).href);
}

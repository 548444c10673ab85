/** Answers every form of asking for help without loading a command. @module */
import { firstPage, helpAsked, helpText } from "./commands/help.ts";
import { reportError } from "./error_output.ts";
import { Output } from "./output.ts";

/** Prints the help that the arguments ask for; returns the exit code. */
export async function printHelp(args: readonly string[]): Promise<number> {
  const out = new Output({ json: args.includes("--json"), quiet: false, verbose: 0 });
  try {
    const text = args.length === 0 ? firstPage() : helpText(helpAsked(args));
    await out.line(text.trimEnd());
    return 0;
  } catch (error) {
    return reportError(error, out, args.includes("--debug"));
  }
}

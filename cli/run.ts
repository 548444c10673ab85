/** Runs one command from its arguments to its exit code. @module */
import { gatherEntropy } from "../crypto/entropy.ts";
import { type ErrorCode, errorTable, QightError } from "../proto/errors.ts";
import { checkRuntime } from "../relay/runtime.ts";
import { buildInfo } from "./build_info.ts";
import { reportError } from "./error_output.ts";
import { lateModule } from "./late_module.ts";
import { helpHint, parseArguments, type Parsed } from "./options.ts";
import { Output } from "./output.ts";
import { type Env, processEnv } from "./paths.ts";
import { settle } from "./settings.ts";
import { watchSignals } from "./signals.ts";
import type { Call } from "./tree/spec.ts";

/** Does what the arguments say and returns the exit code. */
export async function runCommand(args: readonly string[], env: Env = processEnv): Promise<number> {
  // Known before the line is understood, so that a misunderstood one is answered in the asked form too.
  const own = args.includes("--") ? args.slice(0, args.indexOf("--")) : args;
  let out = new Output({ json: own.includes("--json"), quiet: false, verbose: 0 });
  let debug = own.includes("--debug");
  let path: readonly string[] = [];
  try {
    refuseSecretVariables(env);
    const parsed = parseArguments(args);
    path = parsed.path;
    if (parsed.spec.encrypts) gatherEntropy();
    // The doctor says it among other things.
    if (path[0] !== "doctor") checkRuntime();
    const isRelay = path[0] === "relay";
    const settings = await settle(parsed.flags, env, isRelay ? "unread" : parsed.spec.config ?? "read");
    out = new Output(settings);
    debug = settings.debug;
    if (buildInfo !== null) {
      await (await lateModule<typeof import("./builds/own_version.ts")>("builds/own_version.ts")).tidyVersions(out);
    }
    const module = await lateModule<{ run(call: Call): Promise<void> }>(`commands/${parsed.spec.module!}.ts`);
    const call = { args: parsed.args, options: parsed.options, settings, out };
    if (parsed.spec.signals === "own") {
      await module.run({ ...call, signal: new AbortController().signal });
    } else {
      using interruption = watchSignals(hintAfterSignal(parsed));
      await Promise.race([module.run({ ...call, signal: interruption.signal }), interruption.overdue]);
    }
    return 0;
  } catch (error) {
    return reportError(withNextStep(error, path), out, debug);
  }
}

/** Where the table's hint is general, the command at hand knows better. */
function withNextStep(error: unknown, path: readonly string[]): unknown {
  if (!(error instanceof QightError) || error.hint !== errorTable[error.code].hint) return error;
  const hint = hintFor(error.code, path);
  return hint === undefined ? error : new QightError(error.code, error.message, { cause: error, hint });
}

/** Only a send has an outcome that may be unknown, and only a single message an id to repeat. */
function hintAfterSignal({ path, options }: Parsed): string | undefined {
  if (path[0] !== "send") return "";
  return options.lines ? "Every line whose id was printed is accepted; of the others nothing is known." : undefined;
}

function hintFor(code: ErrorCode, path: readonly string[]): string | undefined {
  if (code === "usage") return helpHint(path);
  if (code === "interrupted" && path[0] !== "send") return "";
  if (code === "timeout" && path[0] !== "send") return "Repeat the command, or give it more time with --timeout.";
  if (code !== "config") return undefined;
  if (path[0] === "relay") {
    return "docs/operations.md explains each key; qight relay init writes a relay.toml that has them all.";
  }
  return path[0] === "config"
    ? "qight config schema lists every key; a relay.toml is checked by qight relay."
    : undefined;
}

/** Environment variables leak into child processes, logs and crash reports; files do not. */
function refuseSecretVariables(env: Env): void {
  for (const name of ["QIGHT_PASSPHRASE", "QIGHT_PASSWORD", "QIGHT_TOKEN"]) {
    if (env(name) === undefined) continue;
    const file = name === "QIGHT_TOKEN" ? "QIGHT_TOKEN_FILE" : "QIGHT_PASSPHRASE_FILE";
    throw new QightError("secret_in_argv", `${name} is not taken: environments leak`, {
      hint: `Put it into a file and name that in ${file}.`,
    });
  }
}

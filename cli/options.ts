/** Reads the command line once: which command, its arguments and options, and the global options. @module */
import { Command, CommanderError, Option } from "@commander-js/extra-typings";
import { QightError } from "../proto/errors.ts";
import { nearName } from "../relay/config/near_name.ts";
import type { GlobalFlags } from "./settings.ts";
import { globalOptions } from "./tree/global.ts";
import type { CommandSpec, OptionSpec } from "./tree/spec.ts";
import { tree } from "./tree/tree.ts";

/** A command line that was understood. */
export interface Parsed {
  readonly spec: CommandSpec;
  /** Words of the command, for example `["relay", "status"]`. */
  readonly path: readonly string[];
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly flags: GlobalFlags;
}

/** Parses the arguments; anything not understood is `usage` (64), with the near name where there is one. */
export function parseArguments(args: readonly string[]): Parsed {
  refuseSecrets(args);
  refuseCommandInOurOptions(args);
  let found: Omit<Parsed, "flags"> | undefined;
  let verbose = 0;
  const root = build(tree, [], (parsed) => found = parsed);
  root.on("option:verbose", () => verbose++);
  try {
    root.parse([...args], { from: "user" });
  } catch (error) {
    // Each command throws its own below; a CommanderError that comes through belongs to no command.
    if (error instanceof CommanderError) throw asUsage(error, []);
    throw error;
  }
  if (!found) throw new QightError("usage", "No command was given");
  return { ...found, flags: { ...root.opts() as GlobalFlags, verbose } };
}

function build(spec: CommandSpec, path: readonly string[], report: (parsed: Omit<Parsed, "flags">) => void): Command {
  const command = new Command(spec.name).helpOption(false).helpCommand(false)
    .exitOverride((error) => {
      throw asUsage(error, path);
    })
    .configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
  for (const row of spec === tree ? globalOptions : spec.options ?? []) command.addOption(optionOf(row) as Option);
  for (const name of spec.aliases ?? []) command.alias(name);
  for (const child of spec.commands ?? []) command.addCommand(build(child, [...path, child.name], report));
  // A word under a group that is no command of it ends up here, so that the near name can be said.
  if (spec.commands) command.arguments("[unknown...]");
  else if (spec.args) command.arguments(spec.args);
  command.action((...given: unknown[]) => {
    const args = (given.slice(0, -2) as unknown[]).flat().filter((arg) => arg !== undefined) as string[];
    if (spec.commands && (args.length > 0 || !spec.module)) throw unknownWord(spec, path, args[0]);
    report({ spec, path, args, options: command.opts() });
  });
  return command as Command;
}

function optionOf([flags, text]: OptionSpec): Option {
  // Commander's own variadic options swallow the next operands; ours take one value each time they are given.
  const option = new Option(flags.replace("...>", ">"), text);
  if (flags.endsWith("...>")) {
    option.argParser((value: string, before: string[] | undefined) => [...before ?? [], value]);
  }
  return option;
}

function unknownWord(spec: CommandSpec, path: readonly string[], word: string | undefined): QightError {
  const names = (spec.commands ?? []).map((child) => child.name);
  const where = path.length ? `qight ${path.join(" ")}` : "qight";
  if (word === undefined) {
    return new QightError("usage", `${where} needs a command: ${names.join(", ")}`, { hint: helpHint(path) });
  }
  const near = nearName(word, names);
  return new QightError("usage", `${where} has no command "${word}"${near ? `, did you mean ${near}?` : ""}`, {
    hint: helpHint(path),
  });
}

/** Where a misunderstood command is explained; `path` are its words. */
export function helpHint(path: readonly string[]): string {
  return `See ${["qight help", ...path].join(" ")}.`;
}

function asUsage(error: CommanderError, path: readonly string[]): QightError {
  const sentence = error.message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
  return new QightError("usage", sentence.charAt(0).toUpperCase() + sentence.slice(1), {
    cause: error,
    hint: [hints[path.join(" ")]?.[error.code] ?? [], helpHint(path)].flat().join(" "),
  });
}

/** Where what was meant can be told from what went wrong, by command. */
const hints: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // What a MESSAGE runs into that a shell does not protect.
  send: {
    "commander.unknownOption": 'A MESSAGE that begins with - goes after --: qight send TO -- "-5 degrees".',
    "commander.excessArguments": 'A MESSAGE of several words needs quotes: qight send TO "two words".',
  },
  repl: { "commander.excessArguments": "Whom to chat with goes after --with: qight repl --with NAME." },
  history: {
    "commander.excessArguments": "Whose lines goes after --in, words after --search: qight history --in NAME.",
  },
};

/** Without `--` the options of somebody's command would be taken for ours: the `-c` of `sh -c` names a configuration. */
function refuseCommandInOurOptions(args: readonly string[]): void {
  const at = args.indexOf("--exec");
  if (at < 0 || args.includes("--") || !args.slice(0, at).some((word) => word === "fetch" || word === "recv")) return;
  const command = args.slice(at + 1);
  if (command.length === 0 || command[0].startsWith("-") || !command.some((word) => word.startsWith("-"))) return;
  const words = command.map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
  throw new QightError("usage", "The -- between --exec and its command is missing", {
    hint: `qight fetch --exec -- ${words.join(" ")}`,
  });
}

/** Words on a command line are readable by every user of the machine (croc CVE-2023-43621). */
function refuseSecrets(args: readonly string[]): void {
  const end = args.indexOf("--");
  for (const arg of end < 0 ? args : args.slice(0, end)) {
    const name = arg.split("=")[0];
    if (["--password", "--passphrase", "--token", "--pass"].includes(name)) {
      const ofAccount = name === "--password" && args.includes("account");
      const file = name === "--token" ? "--token-file FILE" : `--pass${ofAccount ? "word" : "phrase"}-file FILE`;
      throw new QightError("secret_in_argv", `${name} is not taken: other users of this machine could read it`, {
        hint: `Use ${file}.`,
      });
    }
  }
}

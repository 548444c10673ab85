/** `qight help`: the command tree for people. @module */
import { QightError } from "../../proto/errors.ts";
import { nearName } from "../../relay/config/near_name.ts";
import { examplesOf, paragraphsOf, shownFlags, shownOptions, titleOf, usageLines, wrapped } from "../manual/wording.ts";
import { globalOptions } from "../tree/global.ts";
import { grouped } from "../tree/groups.ts";
import type { Call, CommandSpec, OptionSpec } from "../tree/spec.ts";
import { childOf, tree } from "../tree/tree.ts";

/** No line of the help is longer: the width of a plain terminal. */
export const WIDTH = 80;

/** Prints the help of the command that the arguments name. */
export async function run(call: Call): Promise<void> {
  await call.out.line(helpText(call.args).trimEnd());
}

/** The page without arguments: what there is and how to begin, one screen; the global options are in `qight help`. */
export function firstPage(): string {
  return page([...firstParts(), "qight help COMMAND says more; qight help lists the global options too."]);
}

/** Help of a command by its words, ending in a newline; throws `usage` for a word that is no command. */
export function helpText(words: readonly string[]): string {
  const { name, spec } = find(words);
  if (spec === tree) {
    const options = section("Global options, before or after the command", globalOptions);
    return page([...firstParts(), options, "qight help COMMAND says more about one command."]);
  }
  const parts = [`${name}: ${spec.summary}`, `Usage: ${usageLines(name, spec).join("\n       ")}`];
  const more = paragraphsOf(spec);
  if (more.length > 0) parts.push(more.flatMap((text) => wrapped(text, WIDTH)).join("\n"));
  if (spec.commands) parts.push(section("Commands", spec.commands.map(rowOf)));
  if (shownOptions(spec).length > 0) parts.push(section("Options", shownOptions(spec)));
  return page([...parts, examples(name, spec), "Global options: see qight help."]);
}

/** The words of the command whose help the arguments ask for, with `help`, `-h`, `--help` or no words at all. */
export function helpAsked(args: readonly string[]): string[] {
  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end);
  const words = own.filter((arg) => !arg.startsWith("-"));
  if (args[0] === "help") return words.slice(1);
  const path: string[] = [];
  let spec = tree;
  for (const word of words) {
    const child = childOf(spec, word);
    if (!child) continue;
    spec = child;
    path.push(word);
  }
  return path;
}

function find(words: readonly string[]): { name: string; spec: CommandSpec } {
  let spec = tree;
  const path = ["qight"];
  for (const word of words) {
    const child = childOf(spec, word);
    if (!child) {
      const near = nearName(word, spec.commands?.map(({ name }) => name) ?? []);
      const meant = near ? `, did you mean ${near}?` : "";
      throw new QightError("usage", `There is no command "${[...path, word].slice(1).join(" ")}"${meant}`);
    }
    spec = child;
    path.push(child.name);
  }
  return { name: path.join(" "), spec };
}

function firstParts(): string[] {
  const lists = grouped(tree);
  const width = widthOf(lists.flatMap(({ commands }) => commands.map(rowOf)));
  return [
    `qight: ${tree.summary}`,
    "Usage: qight COMMAND [options]",
    lists.map(({ title, commands }) => section(title, commands.map(rowOf), width)).join("\n"),
    examples("qight", tree),
  ];
}

function rowOf(spec: CommandSpec): OptionSpec {
  return [titleOf(spec), spec.summary];
}

function examples(name: string, spec: CommandSpec): string {
  return `Examples:\n${examplesOf(name, spec).map((line) => `  ${line}`).join("\n")}`;
}

function page(parts: readonly string[]): string {
  return `${parts.join("\n\n")}\n`;
}

function widthOf(rows: readonly OptionSpec[]): number {
  return Math.min(28, Math.max(...rows.map(([left]) => shownFlags(left).length)));
}

function section(title: string, rows: readonly OptionSpec[], width = widthOf(rows)): string {
  const indent = " ".repeat(width + 4);
  const lines = rows.flatMap(([flags, text]) => {
    const left = `  ${shownFlags(flags)}`;
    const [first, ...others] = wrapped(text, WIDTH - indent.length).map((line) => indent + line);
    if (left.length > width + 2) return [left, first, ...others];
    return [left.padEnd(indent.length) + first.trimStart(), ...others];
  });
  return `${title}:\n${lines.join("\n")}`;
}

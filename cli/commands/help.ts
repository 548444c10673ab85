/** `qight help`: the command tree for people. @module */
import { QightError } from "../../proto/errors.ts";
import { nearName } from "../../relay/config/near_name.ts";
import { globalOptions } from "../tree/global.ts";
import type { Call, CommandSpec, OptionSpec } from "../tree/spec.ts";
import { childOf, tree } from "../tree/tree.ts";

/** Prints the help of the command that the arguments name. */
export async function run(call: Call): Promise<void> {
  await call.out.line(helpText(call.args).trimEnd());
}

/** Help of a command by its words, ending in a newline; throws `usage` for a word that is no command. */
export function helpText(words: readonly string[]): string {
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
  const name = path.join(" ");
  const parts = [`${name}: ${spec.summary}`, `Usage: ${usageLine(name, spec)}`];
  if (spec.more) parts.push(spec.more.join("\n"));
  if (spec.commands) parts.push(section("Commands", spec.commands.map((child) => [titleOf(child), child.summary])));
  if (spec.options) parts.push(section("Options", spec.options));
  if (spec === tree) parts.push(section("Global options", globalOptions));
  parts.push(`Examples:\n${(spec.examples ?? [name]).map((line) => `  ${line}`).join("\n")}`);
  parts.push(
    spec === tree ? "qight help COMMAND says more about one command." : "Global options: see qight help.",
  );
  return `${parts.join("\n\n")}\n`;
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

function usageLine(name: string, spec: CommandSpec): string {
  const rest = [spec.options || spec === tree ? "[options]" : "", shownArgs(spec)].filter(Boolean).join(" ");
  if (!spec.commands) return `${name} ${rest}`.trimEnd();
  return spec.module ? `${name} ${rest}\n       ${name} COMMAND` : `${name} COMMAND`;
}

function shownArgs(spec: CommandSpec): string {
  return spec.shownArgs ?? spec.args ?? "";
}

function titleOf(spec: CommandSpec): string {
  const names = [spec.name, ...(spec.aliases ?? [])].join(", ");
  return `${names} ${shownArgs(spec)}`.trimEnd();
}

/** An option that may be repeated takes one value each time: no dots behind it. */
function shownFlags(flags: string): string {
  return flags.replace("...>", ">");
}

function section(title: string, rows: readonly OptionSpec[]): string {
  const shown = rows.map(([left, right]) => [shownFlags(left), right]);
  const width = Math.min(28, Math.max(...shown.map(([left]) => left.length)));
  const lines = shown.map(([left, right]) =>
    left.length > width ? `  ${left}\n  ${" ".repeat(width)}  ${right}` : `  ${left.padEnd(width)}  ${right}`
  );
  return `${title}:\n${lines.join("\n")}`;
}

/** docs/commands.md: every command with its options and examples, from the command tree. @module */
import { examplesOf, paragraphsOf, shownFlags, shownOptions, usageLines } from "../cli/manual/wording.ts";
import { environment, execEnvironment } from "../cli/tree/environment.ts";
import { files } from "../cli/tree/files.ts";
import { globalOptions } from "../cli/tree/global.ts";
import { grouped } from "../cli/tree/groups.ts";
import type { CommandSpec, OptionSpec } from "../cli/tree/spec.ts";
import { tree } from "../cli/tree/tree.ts";

/** The page of all commands. */
export function commandsPage(): string {
  const groups = grouped(tree);
  return [
    "# Commands",
    "Generated from `cli/tree/` by `deno task gen`; do not edit. `qight help` and `qight man` say the same.",
    groups.map(({ title, commands }) => `- ${title}: ${commands.map(linkTo).join(", ")}`).join("\n"),
    "Exit codes and error codes are in [Errors](errors.md).",
    ...groups.flatMap(({ commands }) => commands.flatMap((spec) => sectionOf(`qight ${spec.name}`, spec, "##"))),
    "## Global options",
    "Before or after the command.",
    optionTable(globalOptions),
    "## Environment",
    "Options come before variables, variables before files. A variable that is empty counts as unset.",
    table(["Variable", "What it is"], environment),
    "A command that `fetch --exec` runs gets:",
    table(["Variable", "What it is"], execEnvironment),
    "## Files",
    table(["Path", "What is there"], files),
  ].join("\n\n") + "\n";
}

function sectionOf(name: string, spec: CommandSpec, mark: string): string[] {
  const parts = [`${mark} ${name}`, `${capital(spec.summary)}.`];
  if (spec.module) {
    const aliases = spec.aliases ? ` Also called ${spec.aliases.map((alias) => `\`${alias}\``).join(", ")}.` : "";
    parts[1] += aliases;
    parts.push(fenced(spec.commands ? usageLines(name, spec).slice(0, 1) : usageLines(name, spec)));
  }
  parts.push(...paragraphsOf(spec));
  if (shownOptions(spec).length > 0) parts.push(optionTable(shownOptions(spec)));
  if (spec.module && spec.examples) parts.push(fenced(examplesOf(name, spec)));
  return [...parts, ...(spec.commands ?? []).flatMap((child) => sectionOf(`${name} ${child.name}`, child, "###"))];
}

function optionTable(rows: readonly OptionSpec[]): string {
  return table(["Option", "What it does"], rows.map(([flags, text]) => [shownFlags(flags), text] as const));
}

function table(head: readonly [string, string], rows: readonly (readonly [string, string])[]): string {
  return [`| ${head.join(" | ")} |`, "|---|---|", ...rows.map(([left, right]) => `| \`${left}\` | ${cell(right)} |`)]
    .join("\n");
}

function fenced(lines: readonly string[]): string {
  return ["```sh", ...lines, "```"].join("\n");
}

function linkTo({ name }: CommandSpec): string {
  return `[${name}](#qight-${name})`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "\\<");
}

/** The pages of the manual, made from the command tree: qight(1), and one for each command below it. @module */
import { QightError } from "../../proto/errors.ts";
import { exitCodes } from "../../proto/exit_codes.ts";
import { nearName } from "../../relay/config/near_name.ts";
import { examplesOf, paragraphsOf, shownFlags, shownOptions, usageLines } from "../manual/wording.ts";
import { environment, execEnvironment } from "../tree/environment.ts";
import { files } from "../tree/files.ts";
import { globalOptions } from "../tree/global.ts";
import { grouped } from "../tree/groups.ts";
import type { CommandSpec, OptionSpec } from "../tree/spec.ts";
import { childOf, tree } from "../tree/tree.ts";
import { VERSION } from "../version.ts";
import { bold, paragraph, richText, roffText, section, synopsisText, term, typed } from "./roff.ts";

/** Names of all pages: `qight`, `qight-send`, … */
export function pageNames(): string[] {
  return ["qight", ...tree.commands!.map(({ name }) => `qight-${name}`)];
}

/** The name of the page that a word asks for: `send`, `pub` and `qight-send` are one; `usage` for anything else. */
export function pageNamed(word = "qight"): string {
  if (word === "qight") return word;
  const child = childOf(tree, word.replace(/^qight-/, ""));
  if (child) return `qight-${child.name}`;
  const near = nearName(word, tree.commands!.map(({ name }) => name));
  throw new QightError("usage", `There is no page "${word}"${near ? `, did you mean ${near}?` : ""}`, {
    hint: "A page is called like its command: qight man send. qight help lists them.",
  });
}

/** The roff source of a page by its name. It holds no date: the same version prints the same bytes on every day. */
export function pageSource(name: string): string {
  const spec = name === "qight" ? tree : childOf(tree, name.slice("qight-".length))!;
  const lines = [
    `.\\" Made from the command tree of qight ${VERSION} by: qight man ${name}`,
    `.TH "${roffText(name.toUpperCase())}" 1 "" "qight ${roffText(VERSION)}" "qight manual"`,
    // Neither stretched lines nor names of commands cut in two.
    ".nh",
    ".ad l",
    ...section("NAME", [`${roffText(name)} \\- ${roffText(spec.summary)}`]),
    ...(spec === tree ? rootSections() : commandSections(name.replace("-", " "), spec)),
  ];
  return `${lines.join("\n")}\n`;
}

function rootSections(): string[] {
  return [
    ...section("SYNOPSIS", [`${bold("qight")} \\fICOMMAND\\fR [\\fIoptions\\fR]`]),
    ...section(
      "COMMANDS",
      grouped(tree).flatMap(({ title, commands }) => [
        `.SS "${roffText(title)}"`,
        ...commands.flatMap((spec) => term(`\\fBqight\\-${roffText(spec.name)}\\fR(1)`, roffText(spec.summary))),
      ]),
    ),
    ...section("GLOBAL OPTIONS", [".PP", "Before or after the command.", ...options(globalOptions)]),
    ...section("EXAMPLES", typed(examplesOf("qight", tree))),
    ...section("EXIT STATUS", exitCodes.flatMap(([code, when]) => term(bold(`${code}`), richText(when)))),
    ...section("ENVIRONMENT", [
      ...paragraph("Options come before variables, variables before files. A variable that is empty counts as unset."),
      ...environment.flatMap(([name, text]) => term(bold(name), roffText(text))),
    ]),
    ...section("FILES", files.flatMap(([path, text]) => term(`\\fI${roffText(path)}\\fR`, roffText(text)))),
    ...section("SEE ALSO", seeAlso(pageNames().slice(1))),
  ];
}

function commandSections(name: string, spec: CommandSpec): string[] {
  return [
    ...section("SYNOPSIS", synopsis(name, spec)),
    ...section("DESCRIPTION", paragraphsOf(spec).flatMap(paragraph)),
    ...section("OPTIONS", options(shownOptions(spec))),
    ...section("COMMANDS", below(name, spec)),
    ...section("EXAMPLES", typed(examplesOf(name, spec))),
    ...(spec.name === "fetch"
      ? section("ENVIRONMENT", [
        ...paragraph("A command that --exec runs gets:"),
        ...execEnvironment.flatMap(([variable, text]) => term(bold(variable), roffText(text))),
      ])
      : []),
    ...section(
      "EXIT STATUS",
      paragraph("The exit codes, global options, variables and files are on the page of qight."),
    ),
    ...section("SEE ALSO", seeAlso(["qight"])),
  ];
}

function below(name: string, spec: CommandSpec): string[] {
  return (spec.commands ?? []).flatMap((child) => {
    const own = `${name} ${child.name}`;
    if (child.commands) return [...(child.module ? entry(own, child) : []), ...below(own, child)];
    return entry(own, child);
  });
}

function entry(name: string, spec: CommandSpec): string[] {
  return [
    `.SS "${roffText(name)}"`,
    ...(usageLines(name, spec).join() === name ? [] : [...synopsis(name, spec), ".PP"]),
    roffText(spec.summary),
    ...paragraphsOf(spec).flatMap(paragraph),
    ...options(shownOptions(spec)),
    ...(spec.examples ? typed(spec.examples) : []),
  ];
}

function synopsis(name: string, spec: CommandSpec): string[] {
  const lines = usageLines(name, spec).map((line) => `${bold(name)}${synopsisText(line.slice(name.length))}`);
  return lines.flatMap((line, index) => index === 0 ? [line] : [".br", line]);
}

function options(rows: readonly OptionSpec[]): string[] {
  return rows.flatMap(([flags, text]) => term(synopsisText(shownFlags(flags)), roffText(text)));
}

function seeAlso(names: readonly string[]): string[] {
  return [names.map((name) => `\\fB${roffText(name)}\\fR(1)`).join(", ")];
}

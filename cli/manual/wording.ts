/** How a command is written down, the same in help, manual and reference: usage, options, paragraphs, examples. @module */
import type { CommandSpec, OptionSpec } from "../tree/spec.ts";

/** Arguments as people read them. */
export function shownArgs(spec: CommandSpec): string {
  return spec.shownArgs ?? spec.args ?? "";
}

/** An option that may be repeated takes one value each time: no dots behind it. */
export function shownFlags(flags: string): string {
  return flags.replace("...>", ">");
}

/** The options that people are told of; one without a text is for programs alone. */
export function shownOptions(spec: CommandSpec): readonly OptionSpec[] {
  return (spec.options ?? []).filter(([, text]) => text !== "");
}

/** The ways to call a command, one or two lines; `name` has all its words. */
export function usageLines(name: string, spec: CommandSpec, options = shownOptions(spec).length > 0): string[] {
  const rest = [options ? "[options]" : "", shownArgs(spec)].filter(Boolean).join(" ");
  if (!spec.commands) return [`${name} ${rest}`.trimEnd()];
  return spec.module ? [`${name} ${rest}`.trimEnd(), `${name} COMMAND`] : [`${name} COMMAND`];
}

/** A command and its arguments as a list of commands shows them. */
export function titleOf(spec: CommandSpec): string {
  const names = [spec.name, ...(spec.aliases ?? [])].join(", ");
  return `${names} ${shownArgs(spec)}`.trimEnd();
}

/** What a reader must know, one text for each paragraph: a line that ends no sentence goes on in the next. */
export function paragraphsOf(spec: CommandSpec): string[] {
  const paragraphs: string[] = [];
  let open = false;
  for (const line of spec.more ?? []) {
    if (open) paragraphs[paragraphs.length - 1] += ` ${line}`;
    else paragraphs.push(line);
    open = !/[.:;!?)]$/.test(line);
  }
  return paragraphs;
}

/** Lines to type; a command without any of its own is its own example, with what it cannot do without. */
export function examplesOf(name: string, spec: CommandSpec): readonly string[] {
  if (spec.examples) return spec.examples;
  const needed = spec.commands ? [] : [...(spec.args ?? "").matchAll(/<([^>.]+)[^>]*>/g)];
  return [[name, ...needed.map(([, word]) => word.toUpperCase())].join(" ")];
}

/** Breaks a text into lines of at most `width` characters where there are spaces; a longer word stands alone. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** The command tree as completion sees it: at each command, what may come next and what its values are. @module */
import { globalOptions } from "../tree/global.ts";
import type { CommandSpec, OptionSpec } from "../tree/spec.ts";
import { argumentKind, type Kind, optionKind } from "./kinds.ts";

/** A subcommand: its names, and the path of words that it leads to. */
export interface Child {
  readonly names: readonly string[];
  readonly path: string;
  readonly text: string;
}

/** An option: its names, what it does, and what its value is when it takes one. */
export interface Flag {
  readonly names: readonly string[];
  readonly text: string;
  readonly value?: Kind;
}

/** One command. */
export interface Place {
  /** Its words joined by spaces; empty for `qight` itself, whose options are the global ones. */
  readonly path: string;
  readonly children: readonly Child[];
  readonly flags: readonly Flag[];
  /** What each argument is, in order. */
  readonly args: readonly Kind[];
  /** Whether the last argument may come again. */
  readonly repeats: boolean;
}

/** Every command of the tree, the root first. */
export function placesOf(tree: CommandSpec): Place[] {
  const names = tree.commands!.map(({ name }) => name);
  const places = [{ ...placeOf(tree, ""), flags: flagsOf(globalOptions, "") }, ...below(tree, "")];
  return places.map((place) => ({ ...place, args: place.args.map((kind) => kind === "commands" ? names : kind) }));
}

function below(spec: CommandSpec, path: string): Place[] {
  return (spec.commands ?? []).flatMap((child) => {
    const own = joined(path, child.name);
    return [placeOf(child, own), ...below(child, own)];
  });
}

function placeOf(spec: CommandSpec, path: string): Place {
  const args = spec.args?.split(" ") ?? [];
  return {
    path,
    children: (spec.commands ?? []).map((child) => ({
      names: [child.name, ...child.aliases ?? []],
      path: joined(path, child.name),
      text: child.summary,
    })),
    flags: flagsOf(spec.options ?? [], path),
    args: args.map((arg) => argumentKind(path, wordOf(arg))),
    repeats: args.at(-1)?.endsWith("...]") || args.at(-1)?.endsWith("...>") || false,
  };
}

/** Options without a text are for programs alone. */
function flagsOf(rows: readonly OptionSpec[], path: string): Flag[] {
  return rows.filter(([, text]) => text !== "").map(([flags, text]) => {
    const names = flags.split(/[ ,]+/).filter((part) => part.startsWith("-"));
    const value = /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1];
    return { names, text, ...(value === undefined ? {} : { value: optionKind(path, names.at(-1)!, wordOf(value)) }) };
  });
}

function wordOf(arg: string): string {
  return arg.replace(/[<>[\].]/g, "");
}

function joined(path: string, name: string): string {
  return path === "" ? name : `${path} ${name}`;
}

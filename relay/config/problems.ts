/**
 * Checks a configuration tree against the schema and says what is wrong, where, and what was probably meant.
 * @module
 */

import type * as z from "zod";
import { QightError } from "../../proto/errors.ts";
import type { Merged } from "./merge.ts";
import { nearName } from "./near_name.ts";
import { defaults, type RelayToml, relayToml } from "./schema.ts";

const mostShown = 20;

/** Typed values of a tree; throws `config` with one line per problem, in the order of the file. */
export function checkTree(merged: Merged): RelayToml {
  const result = relayToml.safeParse(merged.tree);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap((issue) => describe(issue, merged));
  problems.sort((a, b) => a.line - b.line);
  const lines = problems.map((problem) => problem.text);
  if (lines.length > mostShown) lines.splice(mostShown, Infinity, `and ${problems.length - mostShown} more`);
  throw new QightError("config", lines.join("\n"));
}

interface Problem {
  readonly line: number;
  readonly text: string;
}

function describe(issue: z.core.$ZodIssue, merged: Merged): Problem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((name) => {
      const key = [...issue.path, name].join(".");
      const near = nearKey(name, issue.path.map(String));
      return at(key, `unknown key ${key}${near === null ? "" : `; did you mean ${near}?`}`, merged);
    });
  }
  // An index into a list belongs to the list's key.
  const key = issue.path.filter((part) => typeof part === "string").slice(0, 2).join(".");
  return [at(key, `${key}: ${sentence(issue)}`, merged)];
}

function at(key: string, text: string, { positions, origins, file }: Merged): Problem {
  const origin = origins[key];
  if (origin !== undefined && !origin.startsWith(`${file}:`)) return { line: 0, text: `${origin}: ${text}` };
  const position = positions.get(key);
  if (!position) return { line: 0, text: `${file}: ${text}` };
  return { line: position.line, text: `${file}:${position.line}:${position.column}: ${text}` };
}

/** The name that was meant: in the same section first, then anywhere. */
function nearKey(name: string, section: readonly string[]): string | null {
  const all = Object.keys(defaults);
  const inside = section.length === 0
    ? [...new Set(all.map((key) => key.split(".")[0]))]
    : all.filter((key) => key.startsWith(`${section[0]}.`)).map((key) => key.split(".")[1]);
  const near = nearName(name, inside);
  if (near !== null) return near;
  const elsewhere = nearName(name, all.map((key) => key.split(".").at(-1) as string));
  return elsewhere === null ? null : all.find((key) => key.endsWith(`.${elsewhere}`)) ?? null;
}

function sentence(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`;
    case "too_small":
      return issue.origin === "array" ? "must not be empty" : `must be at least ${issue.minimum}`;
    case "too_big":
      return `must be at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

const kinds: Record<string, string> = {
  array: 'a list such as ["127.0.0.1:4433"]',
  int: "a whole number",
  number: "a whole number",
  object: "a section",
  string: "text in quotes",
};

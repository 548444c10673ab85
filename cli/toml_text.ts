/**
 * Changes single values of a TOML text and leaves every other byte where it is: comments, order, spaces.
 * Knows the common ways of writing; who calls it must parse the result and compare (cli/config_edit.ts does).
 * @module
 */

/** One change: a value for a key, or the end of a key or table. */
export type Change =
  | { readonly set: readonly string[]; readonly value: string }
  | { readonly remove: readonly string[] };

/** The text with the change made. */
export function changeToml(text: string, change: Change): string {
  return "set" in change ? withValue(text, change.set, change.value) : without(text, change.remove);
}

/** A string as TOML writes it. */
export function tomlString(value: string): string {
  // TOML 1.0 "String": a basic string escapes what JSON does, and DEL.
  return JSON.stringify(value).replaceAll("\x7f", "\\u007f");
}

/** A dotted key as TOML writes it, each part bare where that is allowed. */
export function tomlKey(path: readonly string[]): string {
  return path.map((part) => /^[A-Za-z0-9_-]+$/.test(part) ? part : tomlString(part)).join(".");
}

function withValue(text: string, path: readonly string[], value: string): string {
  const all = statements(text);
  const there = all.find((each) => !each.header && same(each.path, path));
  if (there) return splice(text, there.valueStart, there.valueEnd, tomlString(value));
  const line = `${tomlKey(path.slice(-1))} = ${tomlString(value)}`;
  const table = path.slice(0, -1);
  const first = all.findIndex((each) => each.header && same(each.path, table));
  if (table.length > 0 && first < 0) return appended(text, [`[${tomlKey(table)}]`, line]);
  const inside = bodyOf(all, first);
  const last = inside.at(-1) ?? all[first];
  if (last) return after(text, last, `${inside.length > 0 ? indentOf(text, last) : ""}${line}`);
  const header = all.find((each) => each.header);
  if (!header) return appended(text, [line]);
  const start = aboveComments(text, header.start);
  return splice(text, start, start, `${line}${lineEnd(text)}${lineEnd(text)}`);
}

function without(text: string, path: readonly string[]): string {
  const all = statements(text);
  const ranges = all.flatMap((each, index): [number, number][] => {
    if (!startsWith(each.path, path)) return [];
    if (!each.header) return [[each.start, each.start === 0 ? afterBlankLines(text, each.end) : each.end]];
    const end = afterBlankLines(text, (bodyOf(all, index).at(-1) ?? each).end);
    return [[end === text.length ? beforeBlankLines(text, each.start) : each.start, end]];
  });
  // From the end, so that the places before stay true; a key inside a table that goes is gone with it.
  return ranges.filter(([start], index) => !ranges.slice(0, index).some(([, end]) => start < end))
    .reverse().reduce((rest, [start, end]) => splice(rest, start, end, ""), text);
}

/** One table header, or one key with its value. Offsets count UTF-16 units; `start` and `end` are of whole lines. */
interface Statement {
  readonly header: boolean;
  readonly path: readonly string[];
  readonly start: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  readonly end: number;
}

function statements(text: string): Statement[] {
  const found: Statement[] = [];
  let table: readonly string[] = [];
  for (let at = skip(text, 0, BETWEEN); at < text.length;) {
    const start = text.lastIndexOf("\n", at - 1) + 1;
    const header = text[at] === "[";
    const key = keyPath(text, header ? skip(text, at, /\[{1,2}/y) : at);
    const valueStart = header ? key.end : skip(text, key.end, /[ \t]*=[ \t]*/y);
    const valueEnd = header ? key.end : skipValue(text, valueStart);
    const end = skip(text, skip(text, valueEnd, /[^\n]*/y), /\n/y);
    if (header) table = key.path;
    found.push({ header, path: header ? key.path : [...table, ...key.path], start, valueStart, valueEnd, end });
    at = skip(text, end, BETWEEN);
  }
  return found;
}

const BETWEEN = /(?:[\s\uFEFF]|#[^\n]*)*/y;
const STRING = /"""(?:[^\\]|\\[^])*?"{3,5}|'''[^]*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y;

function keyPath(text: string, from: number): { path: string[]; end: number } {
  const path: string[] = [];
  let at = from;
  do {
    const part = /[ \t]*(?:([\w-]+)|("(?:[^"\\\n]|\\.)*")|'([^'\n]*)')[ \t]*/y;
    part.lastIndex = at;
    const match = part.exec(text);
    if (!match) break;
    at = part.lastIndex;
    path.push(match[1] ?? match[3] ?? unescaped(match[2]));
  } while (text[at] === "." && ++at);
  return { path, end: at };
}

function unescaped(quoted: string): string {
  // \UXXXXXXXX and \e are TOML's alone: such a name is then not found, and nothing is changed.
  return /\\[^btnfru"\\/]/.test(quoted) ? quoted : JSON.parse(quoted);
}

function skipValue(text: string, from: number): number {
  if (text[from] !== "[" && text[from] !== "{") {
    const end = skip(text, from, STRING);
    return end > from ? end : from + /^[^\n#]*/.exec(text.slice(from))![0].trimEnd().length;
  }
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const past = skip(text, at, STRING);
    if (past > at) at = past - 1;
    else if (text[at] === "#") at = skip(text, at, /[^\n]*/y);
    else if (text[at] === "[" || text[at] === "{") depth++;
    else if ((text[at] === "]" || text[at] === "}") && --depth === 0) return at + 1;
  }
  return text.length;
}

/** Keys of the table whose header is at that index; those before any header for -1. */
function bodyOf(all: readonly Statement[], header: number): Statement[] {
  const rest = all.slice(header + 1);
  const next = rest.findIndex((each) => each.header);
  return next < 0 ? rest : rest.slice(0, next);
}

/** Where the comment lines begin that stand directly above a line. */
function aboveComments(text: string, lineStart: number): number {
  let start = lineStart;
  while (start > 0) {
    const before = text.lastIndexOf("\n", start - 2) + 1;
    if (!/^[ \t\uFEFF]*#/.test(text.slice(before, start))) break;
    start = before;
  }
  return start === 0 && text.startsWith("\uFEFF") ? 1 : start;
}

function afterBlankLines(text: string, at: number): number {
  return skip(text, at, /(?:[ \t\r]*\n)*/y);
}

function beforeBlankLines(text: string, lineStart: number): number {
  const kept = text.slice(0, lineStart).trimEnd();
  return kept === "" ? 0 : skip(text, kept.length, /[^\n]*\n/y);
}

function after(text: string, { end }: Statement, line: string): string {
  const open = text[end - 1] === "\n" ? "" : lineEnd(text);
  return splice(text, end, end, `${open}${line}${lineEnd(text)}`);
}

function appended(text: string, lines: readonly string[]): string {
  const end = lineEnd(text);
  const gap = /^\uFEFF?$/.test(text) ? "" : text.endsWith("\n") ? end : `${end}${end}`;
  return `${text}${gap}${lines.map((line) => `${line}${end}`).join("")}`;
}

function indentOf(text: string, { start }: Statement): string {
  return /^[ \t]*/.exec(text.slice(start))![0];
}

function lineEnd(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

function skip(text: string, at: number, pattern: RegExp): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function splice(text: string, start: number, end: number, put: string): string {
  return text.slice(0, start) + put + text.slice(end);
}

function same(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && startsWith(a, b);
}

function startsWith(path: readonly string[], start: readonly string[]): boolean {
  return path.length >= start.length && start.every((part, index) => path[index] === part);
}

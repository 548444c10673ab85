/**
 * Where each key of a TOML text stands, for errors that name line and column.
 * The text was already accepted by the TOML parser, so this reader only has to step over values.
 * @module
 */

/** A place in a text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Position of every table header and key by its dotted path, for example `storage.max_queue`. */
export function keyPositions(text: string): Map<string, Position> {
  const found = new Map<string, Position>();
  let at = 0;
  let table: string[] = [];

  for (;;) {
    skip(/(?:[\s]|#[^\n]*)*/y);
    if (at >= text.length) return found;
    if (text[at] === "[") {
      skip(/\[{1,2}[ \t]*/y);
      const start = at;
      table = keyPath();
      note(table, start);
      skip(/[^\n]*/y);
    } else {
      const before = at;
      keyAndValue(table);
      if (at === before) at++; // never stand still, whatever the text is
    }
  }

  function keyAndValue(prefix: string[]): void {
    const start = at;
    const path = [...prefix, ...keyPath()];
    if (at === start) return;
    note(path, start);
    skip(/[ \t]*=[ \t]*/y);
    value(path);
  }

  function value(path: string[]): void {
    if (skip(/"""(?:[^\\]|\\[^])*?"{3,5}|'''[^]*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y)) return;
    if (text[at] === "[") return list("]", () => value(path));
    if (text[at] === "{") return list("}", () => keyAndValue(path));
    skip(/[^\s,\]}#]*/y);
  }

  function list(end: string, item: () => void): void {
    at++;
    while (at < text.length) {
      skip(/(?:[\s,]|#[^\n]*)*/y);
      if (text[at] === end) {
        at++;
        return;
      }
      const before = at;
      item();
      if (at === before) at++;
    }
  }

  function keyPath(): string[] {
    const path: string[] = [];
    do {
      const part = /[ \t]*(?:([\w-]+)|"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)')[ \t]*/y;
      part.lastIndex = at;
      const match = part.exec(text);
      if (!match) return path;
      at = part.lastIndex;
      path.push(match[1] ?? match[2] ?? match[3]);
    } while (text[at] === "." && ++at);
    return path;
  }

  function note(path: string[], start: number): void {
    const before = text.slice(0, start);
    const position = { line: before.split("\n").length, column: start - before.lastIndexOf("\n") };
    // [a.b] and a.b.c = 1 also open the tables above them.
    for (let depth = 1; depth <= path.length; depth++) {
      const name = path.slice(0, depth).join(".");
      if (!found.has(name)) found.set(name, position);
    }
  }

  function skip(pattern: RegExp): boolean {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    const moved = pattern.lastIndex > at;
    at = pattern.lastIndex;
    return moved;
  }
}

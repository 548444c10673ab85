/**
 * Files that import each other in a circle: which of them is read first decides whether a name is there yet, and nobody can
 * follow a message through them without jumping back.
 * @module
 */
import { posix } from "node:path";
import { withoutComments } from "./architecture.ts";

/**
 * The circles among files, by path and text; each as the paths that it goes through. Types tie no files together, nor do
 * modules that are loaded when they are first wanted.
 */
export function importCircles(files: ReadonlyMap<string, string>): string[][] {
  const circles: string[][] = [];
  const way: string[] = [];
  const done = new Set<string>();
  function visit(path: string): void {
    const at = way.indexOf(path);
    if (at >= 0) circles.push(way.slice(at));
    if (at >= 0 || done.has(path) || !files.has(path)) return;
    way.push(path);
    for (const target of valuesFrom(path, files.get(path)!)) visit(target);
    way.pop();
    done.add(path);
  }
  for (const path of files.keys()) visit(path);
  return circles;
}

/** Files whose values a file has from its first line on. */
function valuesFrom(path: string, text: string): string[] {
  const found = withoutComments(text).matchAll(/^(?:import|export)\s(?!type\b)(?:([^;"]*?)\sfrom\s)?\s*"(\.[^"]+)"/gm);
  return [...found].filter(([, names]) => !areTypes(names)).map(([, , target]) =>
    posix.join(posix.dirname(path), target)
  );
}

function areTypes(names: string | undefined): boolean {
  const list = /^\s*\{([^}]*)\}\s*$/.exec(names ?? "");
  return list !== null && list[1].split(",").every((name) => /^\s*(type\s.*)?$/s.test(name));
}

/**
 * Says whether every link between the project's own pages leads to a file.
 * @module
 */
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Targets of Markdown links that are paths, without their anchors. */
export function localLinks(markdown: string): string[] {
  return [...markdown.matchAll(/\]\(([^)\s]+)\)/g)]
    .map((found) => found[1])
    .filter((target) => !/^[a-z]+:/i.test(target) && !target.startsWith("#"))
    .map((target) => target.split("#")[0]);
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  let links = 0;
  let broken = 0;
  for (const page of await pages(root)) {
    for (const target of localLinks(await Deno.readTextFile(page))) {
      links++;
      if (await exists(join(dirname(page), target))) continue;
      broken++;
      console.error(`${relative(root, page)}: no such file: ${target}`);
    }
  }
  if (broken > 0) Deno.exit(1);
  console.log(`${links} links lead somewhere`);
}

async function pages(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const folder of [root, join(root, "docs"), join(root, "docs", "decisions"), join(root, "bench")]) {
    if (!await exists(folder)) continue;
    for await (const entry of Deno.readDir(folder)) {
      if (entry.isFile && entry.name.endsWith(".md")) found.push(join(folder, entry.name));
    }
  }
  return found.sort();
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

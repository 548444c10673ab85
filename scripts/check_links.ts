/**
 * Says whether every link between the project's own pages leads to a file, and every file they name is there.
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

/** Source files and folders that a page names in code spans, as paths from the root. */
export function namedFiles(markdown: string): string[] {
  const spans = [...markdown.matchAll(/`([^`\s]+)`/g)].map((found) => found[1]);
  return spans.filter((span) => /^(proto|crypto|net|relay|client|cli|scripts|tests|bench|docs)\/[\w/.-]*$/.test(span));
}

if (import.meta.main) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  let links = 0;
  let broken = 0;
  for (const page of await pages(root)) {
    const text = await Deno.readTextFile(page);
    const targets = [
      ...localLinks(text).map((target) => join(dirname(page), target)),
      ...namedFiles(text).map((target) => join(root, target)),
    ];
    for (const target of targets) {
      links++;
      if (await exists(target)) continue;
      broken++;
      console.error(`${relative(root, page)}: no such file: ${relative(root, target)}`);
    }
  }
  if (broken > 0) Deno.exit(1);
  console.log(`${links} links and names of files lead somewhere`);
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

/**
 * LICENSES/ of a tree: the texts that go with what is in it, and where its exact source is.
 * @module
 */
import { join } from "node:path";
import type { Input } from "./inputs.ts";
import type { Package } from "./lock_graph.ts";
import type { TreeFile } from "./tar.ts";

/** Texts that the project holds, by their names in the tree. */
const HELD = ["Apache-2.0.txt", "GPL-3.txt", "LGPL-2.1.txt", "deno.txt"];

/** The files below LICENSES/ but those that are inputs themselves. Throws when a package has no licence. */
export async function licenceFiles(
  root: string,
  packages: readonly Package[],
  inputs: readonly Input[],
): Promise<TreeFile[]> {
  const file = (name: string, text: string): TreeFile => ({
    path: `LICENSES/${name}`,
    mode: 0o644,
    bytes: new TextEncoder().encode(text),
  });
  const files = [file("qight.txt", await Deno.readTextFile(join(root, "LICENSE")))];
  for (const name of HELD) files.push(file(name, await Deno.readTextFile(join(root, "packaging/licences", name))));
  files.push(file("npm.txt", await npmTexts(root, packages)), file("README.txt", readme(inputs)));
  return files;
}

/** The licence that a package's own manifest names (SPDX). */
export async function licenceOf(root: string, { name, folder }: Package): Promise<string> {
  const { license } = JSON.parse(await Deno.readTextFile(join(root, folder, "package.json")));
  if (typeof license !== "string") throw new Error(`${name} names no licence`);
  return license;
}

async function npmTexts(root: string, packages: readonly Package[]): Promise<string> {
  const parts: string[] = [];
  for (const each of packages) {
    const head = `${each.name} ${each.version} (${await licenceOf(root, each)})`;
    const text = await licenceText(join(root, each.folder));
    parts.push(`${head}\n${"=".repeat(head.length)}\n\n${text ?? "See Apache-2.0.txt and its package.\n"}`);
  }
  return parts.join("\n\n");
}

async function licenceText(folder: string): Promise<string | null> {
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  const name = names.sort().find((each) => /^licen[cs]e/i.test(each));
  return name === undefined ? null : (await Deno.readTextFile(join(folder, name))).trimEnd() + "\n";
}

function readme(inputs: readonly Input[]): string {
  const debian = [
    ...new Set(inputs.filter(({ debian }) => debian).map(({ debian, version }) => `${debian} ${version}`)),
  ];
  const deno = inputs.find(({ path }) => path === "deno")!;
  return `What is in this tree, and under which licence
=============================================

qight                    MIT                               qight.txt
Deno ${deno.version.padEnd(19)} MIT, and those of its parts       deno.txt; unchanged, of the npm package ${deno.npm}
JavaScript packages      MIT, Apache-2.0, BSD and such     npm.txt, Apache-2.0.txt
glibc (lib/)             LGPL-2.1-or-later                 glibc.txt, LGPL-2.1.txt
libgcc, libstdc++ (lib/) GPL-3.0 with runtime exception    gcc.txt, GPL-3.txt

The files in lib/ are unchanged copies out of Debian's packages; lib/qight is its dynamic loader under another name.
They may be replaced by other builds of the same libraries. Their source is the source of these Debian packages:

${debian.sort().map((line) => `  ${line}`).join("\n")}

  apt-get source glibc=VERSION, apt-get source gcc-12=VERSION
`;
}

/** docs/expectations.md: each expectation, the tests that prove it, found by their names, and its state. @module */
import { expectations } from "./expectations.ts";

/** A test that says which row it proves. */
export interface Proof {
  readonly row: number;
  /** File from the root. */
  readonly file: string;
  readonly name: string;
}

/** Names in a test file that begin with "expectation N: "; what a template fills in is shown as "…". */
export function proofsIn(file: string, source: string): Proof[] {
  const found = source.matchAll(/(["'`])expectation (\d+): ((?:\\.|(?!\1)[^\\])*)\1/g);
  return [...found].map(([, , row, name]) => ({
    row: Number(row),
    file,
    name: name.replaceAll(/\$\{[^}]*\}/g, "…").replaceAll(/\\(.)/g, "$1").replaceAll(/\s+/g, " "),
  }));
}

/** Rows that have no test and may not wait. */
export function missingRows(proofs: readonly Proof[]): number[] {
  const proven = new Set(proofs.map(({ row }) => row));
  return expectations.flatMap(({ waitsFor, part }, index) =>
    proven.has(index + 1) || (waitsFor && !part) ? [] : [index + 1]
  );
}

/** The page. */
export function expectationsPage(proofs: readonly Proof[]): string {
  const missing = missingRows(proofs);
  const of = (row: number) => proofs.filter((proof) => proof.row === row);
  const rows = expectations.map(({ text }, index) =>
    `| ${index + 1} | ${text.replaceAll("|", "\\|")} | ${state(index)} |`
  );
  return [
    "# Expectations",
    "",
    "What people of the command line expect of a tool, and the tests that prove it. Generated from `scripts/expectations.ts`",
    'and the names of tests that begin with "expectation N: " by `deno task gen`; do not edit.',
    "",
    ...(missing.length > 0 ? [`Without a test so far: ${missing.join(", ")}.`, ""] : []),
    "| # | Expectation | State |",
    "|---|---|---|",
    ...rows,
    "",
    "## Tests",
    "",
    ...expectations.flatMap((_, index) => listed(index + 1, of(index + 1))),
    "",
  ].join("\n");

  function state(index: number): string {
    const { waitsFor, part } = expectations[index];
    const count = of(index + 1).length;
    if (waitsFor && !part) return count > 0 ? "proven" : `waits for ${waitsFor}`;
    if (count === 0) return "no test yet";
    return part ? `proven; ${part} waits for ${waitsFor}` : "proven";
  }
}

function listed(row: number, proofs: readonly Proof[]): string[] {
  const files = [...new Set(proofs.map(({ file }) => file))].sort();
  return files.flatMap((file) => [
    `- ${row}: \`${file}\``,
    ...proofs.filter((proof) => proof.file === file).map(({ name }) => `  - ${shown(name)}`),
  ]);
}

function shown(name: string): string {
  return name.replaceAll(/[<*_`[\]]/g, "\\$&");
}

/** Every proof in the tests of the folder `root`, by file. */
export async function allProofs(root: URL): Promise<Proof[]> {
  const proofs: Proof[] = [];
  for (const path of await testFiles(new URL("tests/", root))) {
    proofs.push(...proofsIn(path.href.slice(root.href.length), await Deno.readTextFile(path)));
  }
  return proofs;
}

async function testFiles(folder: URL): Promise<URL[]> {
  const found: URL[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await testFiles(new URL(`${name}/`, folder)));
    else if (name.endsWith("_test.ts")) found.push(new URL(name, folder));
  }
  return found.sort((a, b) => a.href < b.href ? -1 : 1);
}

/** Reads the published vectors in the folder `shared` beside the project, where it is there. @module */
import { existsSync, readFileSync } from "node:fs";

const FOLDER = new URL("../../../shared/vectors/", import.meta.url);

/** Whether the vectors are there; tests are ignored without them. */
const haveVectors: boolean = existsSync(FOLDER);

/** What the name of a test says when the vectors are absent. */
const vectorNote: string = haveVectors ? "" : " (ignored: no folder shared/vectors beside the project)";

/** One vector file, parsed. */
// deno-lint-ignore no-explicit-any
export function readVectors(path: string): any {
  const vectors = JSON.parse(readFileSync(new URL(path, FOLDER), "utf8"));
  if (Array.isArray(vectors) && vectors.length === 0) throw new Error(`${path} holds no vectors`);
  return vectors;
}

/** The cases of a Wycheproof file, each with its group. */
// deno-lint-ignore no-explicit-any
export function wycheproof(name: string): { group: any; test: any }[] {
  const { testGroups, numberOfTests } = readVectors(`wycheproof/${name}_test.json`);
  // deno-lint-ignore no-explicit-any
  const cases = testGroups.flatMap((group: any) => group.tests.map((test: any) => ({ group, test })));
  if (cases.length !== numberOfTests) throw new Error(`${name}: ${cases.length} cases, ${numberOfTests} announced`);
  return cases;
}

/** A test over vectors. */
export function vectorTest(name: string, body: () => void | Promise<void>): void {
  Deno.test({ name: name + vectorNote, ignore: !haveVectors, fn: body });
}

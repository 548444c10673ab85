/**
 * Writes the SHA-256 of every input into packaging/inputs.lock.json, after somebody changed a version there. What changed
 * is then read with `git diff` and compared with what its publisher says.
 * @module
 */
import { join } from "node:path";
import { fetchFromDebian, forgetDebian } from "./build/debian_input.ts";
import { type Input, readInputs, sha256Hex } from "./build/inputs.ts";
import { fetchFromNpm } from "./build/npm_input.ts";
import { projectRoot } from "./build/tree.ts";

if (import.meta.main) {
  const pinned: Input[] = [];
  try {
    for (const input of await readInputs(projectRoot)) {
      const { npm, debian, arch, version, file } = input;
      const bytes = npm ? await fetchFromNpm(npm, version, file) : await fetchFromDebian(debian!, arch!, version, file);
      const sha256 = await sha256Hex(bytes);
      console.log(`${sha256 === input.sha256 ? "same   " : "changed"}  ${input.path} of ${input.target}`);
      pinned.push({ ...input, sha256 });
    }
  } finally {
    await forgetDebian();
  }
  await Deno.writeTextFile(join(projectRoot, "packaging/inputs.lock.json"), `${JSON.stringify(pinned, null, 2)}\n`);
}

/**
 * One build for all tests that need one: it is made when the source has changed, and kept beside the pinned inputs.
 * @module
 */
import { join } from "node:path";
import { inputCache, sha256Hex, type Target } from "../../scripts/build/inputs.ts";
import { oneFile } from "../../scripts/build/onefile.ts";
import { sourceFiles } from "../../scripts/build/stage.ts";
import { byBytes, type TreeFile } from "../../scripts/build/tar.ts";
import { makeBundle, makeTree, openInputs, projectRoot } from "../../scripts/build/tree.ts";
import { forgetDebian } from "../../scripts/build/debian_input.ts";

/** A build of this source. */
export interface Built {
  /** The self-extracting file for linux-x64. */
  readonly program: string;
  /** Its header and payload. */
  readonly bytes: Uint8Array;
}

/** The build, or why there is none: an input is missing and cannot be fetched. */
export type Attempt = { readonly built: Built; readonly missing: null } | {
  readonly built: null;
  readonly missing: string;
};

/** A commit that no checkout has, so that the bytes depend on the files alone. */
export const TEST_COMMIT = "0".repeat(40);

/** Makes the build, or takes the one that is there. */
export async function buildOnce(): Promise<Attempt> {
  const folder = join(inputCache(), "tests");
  const program = join(folder, `qight-${await fingerprint()}`);
  try {
    return { built: { program, bytes: await Deno.readFile(program) }, missing: null };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  let bytes: Uint8Array;
  try {
    bytes = await oneFile(await treeOf("linux-x64"), await headerScript());
  } catch (error) {
    const message = (error as Error).message;
    if (!message.startsWith("An input is missing")) throw error;
    return { built: null, missing: message.split("\n")[0] };
  }
  await Deno.mkdir(folder, { recursive: true });
  for await (const { name } of Deno.readDir(folder)) await Deno.remove(join(folder, name)); // of older source
  await Deno.writeFile(`${program}.part`, bytes, { mode: 0o755 });
  await Deno.rename(`${program}.part`, program);
  return { built: { program, bytes }, missing: null };
}

/** The tree of a project folder for a target. */
export async function treeOf(target: Target, root: string = projectRoot): Promise<TreeFile[]> {
  const inputs = await openInputs(root);
  try {
    const bundle = await makeBundle({ root, inputs, commit: TEST_COMMIT });
    return await makeTree(target, { root, inputs, bundle });
  } finally {
    await forgetDebian();
  }
}

/** The header of the self-extracting file, with its marks. */
export async function headerScript(root: string = projectRoot): Promise<string> {
  return await Deno.readTextFile(join(root, "packaging/onefile/header.sh"));
}

/** A hash of everything that a build is made of. */
async function fingerprint(): Promise<string> {
  const paths = ["deno.json", "deno.lock", "LICENSE", "packaging/inputs.lock.json", "packaging/onefile/header.sh"];
  for await (const path of sourceFiles(projectRoot)) paths.push(path);
  for (const folder of ["scripts/build", "packaging/licences"]) {
    for await (const { name } of Deno.readDir(join(projectRoot, folder))) paths.push(`${folder}/${name}`);
  }
  const hashes = await Promise.all(
    paths.sort(byBytes).map(async (path) => {
      return `${path} ${await sha256Hex(await Deno.readFile(join(projectRoot, path)))}`;
    }),
  );
  return await sha256Hex(new TextEncoder().encode(hashes.join("\n")));
}

/**
 * The archive of a release: one folder with the program, its manual, completions and licences.
 * @module
 */
import type { Target } from "./inputs.ts";
import { gzip9, type TreeFile, ustar } from "./tar.ts";

/** `qight-VERSION-TARGET.tar.gz`; the program in it is the one file, bit for bit. */
export function releaseArchive(
  target: Target,
  version: string,
  program: Uint8Array,
  tree: readonly TreeFile[],
): Uint8Array<ArrayBuffer> {
  const folder = `qight-${version}-${target}`;
  const beside = tree.filter(({ path }) => /^(man|completions|LICENSES)\//.test(path));
  const licence = tree.find(({ path }) => path === "LICENSES/qight.txt")!;
  const files: TreeFile[] = [
    { path: "qight", mode: 0o755, bytes: program },
    { ...licence, path: "LICENSE" },
    ...beside,
  ];
  return gzip9(ustar(files.map((file) => ({ ...file, path: `${folder}/${file.path}` })), { folders: true }));
}

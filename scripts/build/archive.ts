/**
 * The archive of a release, for the shortest download: one folder with the unpacked program, its manual, completions and
 * licences. Nothing is compressed twice, and nothing has to be unpacked by the program itself.
 * @module
 */
import type { Target } from "./inputs.ts";
import { DENO_WORDS } from "./launcher.ts";
import { type TreeFile, ustar } from "./tar.ts";

/**
 * What xz is told. The filter for x86 code saves a megabyte; the one for arm64 is unknown to xz before 5.4, so it is left
 * out. One thread: with more the bytes would depend on the machine. Needs 700 MB of memory, 65 MB to unpack.
 */
const XZ: Readonly<Record<Target, readonly string[]>> = {
  "linux-x64": ["--x86", "--lzma2=preset=9e"],
  "linux-arm64": ["--lzma2=preset=9e"],
};

/** The files of an archive: `qight` starts the program that lies in `lib/` beside it, through links too. */
export function archiveFiles(folder: string, tree: readonly TreeFile[]): TreeFile[] {
  const beside = (path: string) => /^(man|completions)\//.test(path);
  const licence = tree.find(({ path }) => path === "LICENSES/qight.txt")!;
  const files: TreeFile[] = [
    { path: "qight", mode: 0o755, bytes: new TextEncoder().encode(LAUNCHER) },
    { ...licence, path: "LICENSE" },
    ...tree.map((file) => beside(file.path) ? file : { ...file, path: `lib/qight/${file.path}` }),
  ];
  return files.map((file) => ({ ...file, path: `${folder}/${file.path}` }));
}

/** `qight-VERSION-TARGET.tar.xz`. The same xz gives the same bytes. Throws when there is no xz. */
export async function releaseArchive(
  target: Target,
  version: string,
  tree: readonly TreeFile[],
): Promise<Uint8Array<ArrayBuffer>> {
  const archive = ustar(archiveFiles(`qight-${version}-${target}`, tree), { folders: true });
  let xz: Deno.ChildProcess;
  try {
    xz = new Deno.Command("xz", {
      args: ["--compress", "--stdout", "--threads=1", "--check=crc64", ...XZ[target]],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error("xz is not here: install the package xz-utils, or choose with --only what else to make", {
      cause: error,
    });
  }
  const feeding = new Blob([archive]).stream().pipeTo(xz.stdin);
  const { code, stdout } = await xz.output();
  await feeding;
  if (code !== 0) throw new Error(`xz ended with ${code}`);
  return stdout;
}

const LAUNCHER = `#!/bin/sh
# qight out of its archive, wherever that was unpacked. Compiled code is kept in the user's cache.
self=$(readlink -f -- "$0") || { echo "qight: cannot find where $0 is" >&2; exit 78; }
dir=\${self%/*}/lib/qight
[ -e /proc/self/exe ] || { echo "qight: /proc is not mounted" >&2; exit 78; }
cache=\${XDG_CACHE_HOME:-\${HOME:+$HOME/.cache}}
export QIGHT_SELF="$self" DENO_DIR="\${DENO_DIR:-\${cache:-/nonexistent}/qight/deno}" DENO_NO_UPDATE_CHECK=1
unset LD_PRELOAD LD_LIBRARY_PATH DENO_V8_FLAGS
exec "$dir/lib/qight" --library-path "$dir/lib" "$dir/deno" ${DENO_WORDS.join(" ")} "$dir/main.js" "$@"
`;

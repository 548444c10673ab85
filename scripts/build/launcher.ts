/**
 * How an unpacked tree is started: the words of the image's entrypoint, and /usr/bin/qight of the packages.
 * @module
 */

/** Where packages and image keep the tree. */
export const TREE_FOLDER = "/usr/lib/qight";

/** What Deno is told before the program's own arguments; the same as in the one file's header. */
export const DENO_WORDS: readonly string[] = [
  ...["run", "-A", "--unstable-net", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--no-prompt"],
];

/** The command that starts the program out of a tree in `folder`, up to its own arguments. */
export function commandOf(folder: string = TREE_FOLDER): string[] {
  const loader = [`${folder}/lib/qight`, "--library-path", `${folder}/lib`];
  return [...loader, `${folder}/deno`, ...DENO_WORDS, `${folder}/main.js`];
}

/** /usr/bin/qight, for any POSIX shell. `exec` keeps the pid, so signals and exit codes need no care. */
export function launcherText(): string {
  const [loader, option, lib, deno, ...rest] = commandOf("$dir");
  const quoted = (word: string) => word.includes("$") ? `"${word}"` : word;
  return `#!/bin/sh
# qight out of its package. Compiled code is kept in the user's cache; where there is no home, it is not kept.
dir=${TREE_FOLDER}
[ -e /proc/self/exe ] || { echo "qight: /proc is not mounted" >&2; exit 78; }
cache=\${XDG_CACHE_HOME:-\${HOME:+$HOME/.cache}}
export QIGHT_SELF=/usr/bin/qight DENO_DIR="\${DENO_DIR:-\${cache:-/nonexistent}/qight/deno}" DENO_NO_UPDATE_CHECK=1
unset LD_PRELOAD LD_LIBRARY_PATH DENO_V8_FLAGS
exec ${[loader, option, lib, deno, ...rest].map(quoted).join(" ")} "$@"
`;
}

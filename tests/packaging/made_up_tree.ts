/** A tree of the right shape whose program only says how it was called, for what does not need the real one. @module */
import { createHash } from "node:crypto";
import type { TreeFile } from "../../scripts/build/tar.ts";

/** Stands for the loader: prints its arguments and the variables it was given. */
const SAYS_HOW = `#!/bin/sh
[ "$1" = --library-path ] || exit 99
printf '%s\\n' "$@" "DENO_DIR=$DENO_DIR" "QIGHT_SELF=$QIGHT_SELF" "LD_PRELOAD=\${LD_PRELOAD-unset}"
`;

/** Files of a tree in any order; `more` are added. */
export function madeUpTree(more: Readonly<Record<string, string | Uint8Array>> = {}): TreeFile[] {
  const files: Record<string, string | Uint8Array> = {
    "LICENSES/MIT.txt": "free\n",
    "completions/bash/qight": "complete qight\n",
    "completions/fish/qight.fish": "complete -c qight\n",
    "completions/zsh/_qight": "#compdef qight\n",
    "deno": new Uint8Array(200_000).map((_, index) => index * 7),
    "empty.txt": "",
    "lib/libc.so.6": "\x7fELF",
    "lib/qight": SAYS_HOW,
    "main.js": "console.log(1);\n",
    "man/man1/qight.1": ".TH QIGHT 1\n",
    "man/man1/qight-relay.1": ".TH QIGHT-RELAY 1\n",
    ...more,
  };
  const tree = Object.entries(files).map(([path, text]): TreeFile => {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    return { path, mode: path === "lib/qight" || path === "deno" ? 0o755 : 0o644, bytes };
  });
  const sums = tree.map(({ path, bytes }) => `${createHash("sha256").update(bytes).digest("hex")}  ${path}\n`).sort();
  return [...tree, { path: "SHA256SUMS", mode: 0o644, bytes: new TextEncoder().encode(sums.join("")) }];
}

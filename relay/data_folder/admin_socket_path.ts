/**
 * Where the admin socket of a data folder is; the relay and its commands find it by the same rule.
 * @module
 */

import { createHash } from "node:crypto";
import { isAbsolute, join, resolve } from "node:path";

// sockaddr_un holds 108 bytes on Linux and 104 on macOS; 100 leaves room (docs/operations.md, Files).
const longest = 100;

/** DIR/admin.sock; over 100 bytes a short name under `$XDG_RUNTIME_DIR/qight/`, or under /tmp when that is too long too. */
export function adminSocketPath(dataDir: string, env: Readonly<Record<string, string | undefined>>): string {
  const path = join(resolve(dataDir), "admin.sock");
  if (fits(path)) return path;
  const name = `${createHash("sha256").update(path).digest("hex").slice(0, 16)}.sock`;
  // XDG Base Directory Specification: relative paths are invalid and ignored.
  const runtime = env.XDG_RUNTIME_DIR ?? "";
  const short = join(runtime, "qight", name);
  if (isAbsolute(runtime) && fits(short)) return short;
  // Services of root have no runtime folder; this one is checked for owner and mode before it is used.
  return join(`/tmp/qight-${Deno.uid() ?? 0}`, name);
}

function fits(path: string): boolean {
  return new TextEncoder().encode(path).length <= longest;
}

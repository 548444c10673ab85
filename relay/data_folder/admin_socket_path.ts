/**
 * Where the admin socket of a data folder is; the relay and its commands find it by the same rule.
 * @module
 */

import { createHash } from "node:crypto";
import { join, resolve } from "node:path";

// sockaddr_un holds 108 bytes on Linux and 104 on macOS; 100 leaves room (docs/operations.md, Files).
const longest = 100;

/** DIR/admin.sock; when that is over 100 bytes, a short name under `$XDG_RUNTIME_DIR/qight/`. */
export function adminSocketPath(dataDir: string, env: Readonly<Record<string, string | undefined>>): string {
  const path = join(resolve(dataDir), "admin.sock");
  const bytes = new TextEncoder().encode(path);
  if (bytes.length <= longest) return path;
  const name = `${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}.sock`;
  // Services of root have no runtime folder; this one is checked for owner and mode before it is used.
  const folder = env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, "qight") : `/tmp/qight-${Deno.uid() ?? 0}`;
  return join(folder, name);
}

/**
 * Programs for macOS, Windows and Linux by `deno compile`, for machines whose network gives Deno its runtimes.
 * @module
 */
import { join } from "node:path";
import type { Bundle } from "./bundle.ts";

/** Deno's name of a platform, and the addon's. */
export const compiledTargets: Readonly<Record<string, string>> = {
  "x86_64-unknown-linux-gnu": "linux-x64",
  "aarch64-unknown-linux-gnu": "linux-arm64",
  "x86_64-apple-darwin": "darwin-x64",
  "aarch64-apple-darwin": "darwin-arm64",
  "x86_64-pc-windows-msvc": "win32-x64",
};

/** How a platform's program begins and which CPU it says it is for: what `deno compile` does not check. */
const MACHINES: Readonly<Record<string, readonly [at: number, bytes: readonly number[]]>> = {
  // ELF e_machine; Mach-O cputype; PE has its header at an offset of its own, so only "MZ" is looked at.
  "x86_64-unknown-linux-gnu": [18, [0x3e, 0x00]],
  "aarch64-unknown-linux-gnu": [18, [0xb7, 0x00]],
  "x86_64-apple-darwin": [4, [0x07, 0x00, 0x00, 0x01]],
  "aarch64-apple-darwin": [4, [0x0c, 0x00, 0x00, 0x01]],
  "x86_64-pc-windows-msvc": [0, [0x4d, 0x5a]],
};

/** Compiles a bundle; throws when Deno cannot get the runtime, or when the result is for another machine. */
export async function compile(
  target: string,
  bundle: Bundle,
  addon: Uint8Array,
  env: Record<string, string> = {},
): Promise<{ readonly bytes: Uint8Array; readonly said: string }> {
  const folder = await Deno.makeTempDir({ prefix: "qight-compile-" });
  try {
    for (const [name, bytes] of bundle.files) await Deno.writeFile(join(folder, name), bytes);
    await Deno.writeFile(join(folder, "better_sqlite3.node"), addon);
    // Equal inputs and an equal name of the output give equal bytes.
    const output = target.includes("windows") ? "qight.exe" : "qight";
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["compile", "--no-check", "--no-config", "-A", "--unstable-net"],
        // All of them by name: their literals are hidden, and the compiler finds none by itself.
        ...["better_sqlite3.node", ...bundle.files.keys()].filter((name) => name !== "main.js").flatMap((name) => {
          return ["--include", name];
        }),
        ...["--target", target, "--output", output, "main.js"],
      ],
      cwd: folder,
      env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    if (code !== 0) throw new Error(`deno compile for ${target} failed: ${said}`);
    return { bytes: await Deno.readFile(join(folder, output)), said };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Throws unless the program is for the machine that its target names; Deno takes any file as a runtime. */
export function assertMachine(target: string, program: Uint8Array): void {
  const [at, bytes] = MACHINES[target];
  if (bytes.every((byte, index) => program[at + index] === byte)) return;
  throw new Error(`The compiled program is not for ${target}`);
}

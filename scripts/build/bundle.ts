/**
 * Makes the program's JavaScript files with `deno bundle` and a pinned esbuild.
 * @module
 */
import { join } from "node:path";
import type { BuildInfo } from "../../cli/build_info.ts";
import { importsOf, withoutComments } from "../architecture.ts";
import type { Inputs } from "./inputs.ts";
import { type LockFile, type Package, packagesBehind } from "./lock_graph.ts";
import { entries, sourceFiles, stage } from "./stage.ts";

/** What a bundle came to. */
export interface Bundle {
  /** Bytes of each file by its name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** npm packages that it is made of, sorted by name. */
  readonly packages: readonly Package[];
}

/** Bundles the source of a project folder; the same source gives the same bytes in any folder. */
export async function bundle(root: string, inputs: Inputs, info: BuildInfo): Promise<Bundle> {
  const folder = await Deno.makeTempDir({ prefix: "qight-bundle-" });
  try {
    const staged = join(folder, "source");
    await Deno.mkdir(staged);
    await stage(root, staged, info);
    const denoDir = join(folder, "deno");
    await placeEsbuild(inputs, denoDir);
    // All in one call: what the program and its threads share is in it once.
    const out = join(folder, "out");
    const flags = ["--quiet", "--platform", "deno", "--minify", "--code-splitting", "--outdir", out];
    await deno(["bundle", ...flags, ...entries], staged, denoDir);
    const files = new Map<string, Uint8Array>();
    for await (const { name } of Deno.readDir(out)) {
      files.set(name, encoder.encode(hideLateImports(await Deno.readTextFile(join(out, name)))));
    }
    const lock: LockFile = JSON.parse(await Deno.readTextFile(join(root, "deno.lock")));
    return { files, packages: packagesBehind(lock, await importedPackages(root)) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Deno reads every module that a literal names before the program begins, late ones too; one that it cannot read waits. */
function hideLateImports(code: string): string {
  return code.replace(/\bimport\("(\.\/[\w.-]+\.js)"\)/g, 'import(String("$1"))');
}

const encoder = new TextEncoder();

/** Deno fetches its esbuild by itself when it is not there, and checks it against nothing that we pinned. */
async function placeEsbuild(inputs: Inputs, denoDir: string): Promise<void> {
  const host = `${Deno.build.os}-${Deno.build.arch === "aarch64" ? "arm64" : "x64"}`;
  const input = inputs.of(`host-${host}`).find(({ path }) => path === "esbuild");
  if (!input) throw new Error(`packaging/inputs.lock.json has no esbuild for ${host}: build on Linux, x64 or arm64`);
  const folder = join(denoDir, "dl", `esbuild-${input.version}`);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeFile(join(folder, `esbuild-${host}`), await inputs.bytes(input), { mode: 0o755 });
}

/** npm specifiers that the program imports for more than their types, as deno.json writes them. */
async function importedPackages(root: string): Promise<Set<string>> {
  const { imports }: { imports: Record<string, string> } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const found = new Set<string>();
  for await (const path of sourceFiles(root)) {
    const code = withoutComments(await Deno.readTextFile(join(root, path))).replace(/\bimport type [^;]*;/g, "");
    for (const specifier of importsOf(code)) {
      const name = /^((?:@[^/]+\/)?[^/]+)/.exec(specifier)![1];
      if (imports[name]) found.add(imports[name]);
    }
  }
  return found;
}

async function deno(args: string[], cwd: string, denoDir: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { DENO_DIR: denoDir, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  if (code !== 0) throw new Error(`deno ${args.join(" ")} failed: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/**
 * Generates proto/gen from the .proto files, offline; `--check` only says whether it is fresh, whether the files pass
 * lint, and whether the wire is still compatible with proto/released.binpb (`--release` renews that image).
 * @module
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { join } from "node:path";

const root = fileURLToPath(new URL("..", import.meta.url));
const proto = join(root, "proto");

/** The platform package's binary: the JavaScript wrapper beside it would want Node (docs/decisions/0002-protobuf.md). */
function bufBinary(): string {
  // The real path: beside it the package manager links the platform package.
  const require = createRequire(
    join(Deno.realPathSync(join(root, "node_modules", "@bufbuild", "buf")), "package.json"),
  );
  const arch = Deno.build.arch === "x86_64" ? "x64" : Deno.build.os === "linux" ? "aarch64" : "arm64";
  const os = Deno.build.os === "windows" ? "win32" : Deno.build.os;
  const suffix = Deno.build.os === "windows" ? ".exe" : "";
  return require.resolve(`@bufbuild/buf-${os}-${arch}/bin/buf${suffix}`);
}

async function buf(...args: string[]): Promise<void> {
  const { code } = await new Deno.Command(bufBinary(), { args, cwd: proto, stdout: "inherit", stderr: "inherit" })
    .output();
  if (code !== 0) throw new Error(`buf ${args[0]} failed with exit code ${code}`);
}

async function generate(out: string): Promise<void> {
  const plugin = join(root, "node_modules", "@bufbuild", "protoc-gen-es", "bin", "protoc-gen-es");
  const template = {
    version: "v2",
    plugins: [{
      local: [Deno.execPath(), "run", "-A", `--config=${join(root, "deno.json")}`, plugin],
      out,
      opt: ["target=ts", "import_extension=ts"],
    }],
  };
  await buf("generate", "--template", JSON.stringify(template));
}

async function filesBelow(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const entry of Deno.readDir(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) {
      for (const [name, text] of await filesBelow(path)) found.set(join(entry.name, name), text);
    } else found.set(entry.name, await Deno.readTextFile(path));
  }
  return found;
}

const image = join(proto, "released.binpb");
if (Deno.args.includes("--check")) {
  await buf("lint");
  await buf("breaking", "--against", image);
  const fresh = await Deno.makeTempDir({ prefix: "qight-gen-" });
  try {
    await generate(fresh);
    const [made, kept] = [await filesBelow(fresh), await filesBelow(join(proto, "gen"))];
    const stale = [...new Set([...made.keys(), ...kept.keys()])].filter((name) => made.get(name) !== kept.get(name));
    if (stale.length > 0) {
      console.error(`proto/gen is not fresh: ${stale.join(", ")}. Run: deno task gen`);
      Deno.exit(1);
    }
    console.log(`proto/gen is fresh (${made.size} files)`);
  } finally {
    await Deno.remove(fresh, { recursive: true });
  }
} else {
  await Deno.remove(join(proto, "gen"), { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await generate(join(proto, "gen"));
  if (Deno.args.includes("--release")) await buf("build", "-o", image);
}

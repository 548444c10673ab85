/**
 * Takes one file out of an npm package with Deno's own npm client: no other program, and whatever registry is set.
 * @module
 */
import { join } from "node:path";

/** The bytes of a file in a package; throws when the package cannot be fetched or does not hold it. */
export async function fetchFromNpm(name: string, version: string, file: string): Promise<Uint8Array> {
  const folder = await Deno.makeTempDir({ prefix: "qight-npm-" });
  try {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["cache", "--quiet", "--no-config", "--no-lock", `npm:${name}@${version}`],
      cwd: folder,
      env: { DENO_DIR: join(folder, "cache"), NO_COLOR: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    if (code !== 0) throw new Error(`It could not be fetched: ${firstLine(new TextDecoder().decode(stderr))}`);
    // The folder between is called like the registry.
    for await (const registry of Deno.readDir(join(folder, "cache", "npm"))) {
      const path = join(folder, "cache", "npm", registry.name, name, version, file);
      try {
        return await Deno.readFile(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    throw new Error(`The package holds no ${file}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function firstLine(text: string): string {
  return text.split("\n").find((line) => line.trim() !== "") ?? "no reason was given";
}

/**
 * Takes files out of Debian packages with apt, for any architecture, without touching the lists of the system's own apt.
 * @module
 */
import { join } from "node:path";

/** Folders made so far: lists of an architecture, packages laid out. */
const made = new Map<string, Promise<string>>();

/** The bytes of a file in a package; throws when apt cannot fetch exactly that version. Needs apt-get and dpkg-deb. */
export async function fetchFromDebian(
  name: string,
  arch: string,
  version: string,
  file: string,
): Promise<Uint8Array> {
  const lists = await once(`lists ${arch}`, async (folder) => {
    for (const sub of ["state/lists/partial", "cache/archives/partial"]) {
      await Deno.mkdir(join(folder, sub), { recursive: true });
    }
    await must("apt-get", [...options(folder, arch), "update", "-q"], folder);
  });
  const laidOut = await once(`${name} ${arch} ${version}`, async (folder) => {
    await must("apt-get", [...options(lists, arch), "download", "-q", `${name}=${version}`], folder);
    const [archive] = await Array.fromAsync(Deno.readDir(folder));
    await must("dpkg-deb", ["-x", archive.name, "."], folder);
  });
  return await Deno.readFile(join(laidOut, file));
}

/** Removes lists and packages that were fetched. */
export async function forgetDebian(): Promise<void> {
  const folders = await Promise.allSettled(made.values());
  made.clear();
  for (const folder of folders) if (folder.status === "fulfilled") await Deno.remove(folder.value, { recursive: true });
}

function once(what: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const known = made.get(what);
  if (known) return known;
  const filled = (async () => {
    const folder = await Deno.makeTempDir({ prefix: "qight-debian-" });
    try {
      await fill(folder);
      return folder;
    } catch (error) {
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  })();
  made.set(what, filled);
  return filled;
}

/** The system may be of another architecture and must not notice. */
function options(folder: string, arch: string): string[] {
  return [
    `Dir::State=${folder}/state`,
    "Dir::State::status=/dev/null",
    `Dir::Cache=${folder}/cache`,
    `APT::Architecture=${arch}`,
    `APT::Architectures=${arch}`,
    "Acquire::Languages=none",
    "APT::Sandbox::User=root", // the folder is private
  ].flatMap((option) => ["-o", option]);
}

async function must(program: string, args: string[], cwd: string): Promise<void> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(program, { args, cwd, stdin: "null", stdout: "null", stderr: "piped" }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(`${program} is not here`, { cause: error });
  }
  if (output.code === 0) return;
  const said = new TextDecoder().decode(output.stderr).split("\n").find((line) => line.startsWith("E:"));
  throw new Error(`${program} failed: ${said ?? `exit ${output.code}`}`);
}

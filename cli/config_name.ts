/** Finds a configuration under a name that nothing reads, so that it is not ignored without a word (ntfy #325). @module */
import { basename, dirname, extname, join } from "node:path";
import { QightError } from "../proto/errors.ts";
import { nearName } from "../relay/config/near_name.ts";

// What people and generators call a configuration; not copies that an editor or a person put aside.
const OTHER_ENDINGS = /^\.?(?:ya?ml|json[5c]?|conf|cfg|ini|tml|toml\.txt)$/i;

/** Throws `config` when a file beside `path` was probably meant to be it: config.yaml, Config.toml, qight.toml. */
export async function refuseWrongName(path: string): Promise<void> {
  const folder = dirname(path);
  const wrong = (await namesIn(folder)).sort().find((name) => meant(name, basename(path)));
  if (wrong === undefined) return;
  throw new QightError("config", `${join(folder, wrong)} is not read: the file is called ${basename(path)}`, {
    hint: /\.to?ml/i.test(extname(wrong)) ? `Rename it to ${path}.` : `Write it as TOML, in ${path}.`,
  });
}

function meant(name: string, right: string): boolean {
  if (name === right) return false;
  const lower = name.toLowerCase();
  const stem = right.replace(/\.toml$/, "");
  if (lower === stem) return true;
  for (const start of [stem, "qight"]) {
    if (lower.startsWith(`${start}.`) && OTHER_ENDINGS.test(lower.slice(start.length))) return true;
  }
  return lower === "qight.toml" || (lower.endsWith(".toml") && nearName(lower, [right]) !== null);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).filter(({ isDirectory }) => !isDirectory).map(({ name }) =>
      name
    );
  } catch (error) {
    const { NotFound, NotADirectory, PermissionDenied } = Deno.errors;
    if ([NotFound, NotADirectory, PermissionDenied].some((kind) => error instanceof kind)) return [];
    throw new QightError("io", `Cannot look into ${folder}: ${(error as Error).message}`, { cause: error });
  }
}

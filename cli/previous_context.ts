/** Remembers the context that was in use before this one, for `context use -`. @module */
import { join } from "node:path";
import { QightError } from "../proto/errors.ts";
import { clientStateDir, makePrivateFolder, writePrivateFile } from "./paths.ts";
import type { Settings } from "./settings.ts";

// One for each config.toml; the oldest are forgotten.
const MOST_FILES = 64;

/** The context that `context use` left last; undefined when it never left one. */
export async function previousContext(settings: Settings): Promise<string | undefined> {
  const found = new Map(await remembered(settings)).get(settings.configPath);
  return typeof found === "string" ? found : undefined;
}

/** Remembers that this context was left. */
export async function rememberContext(settings: Settings, name: string): Promise<void> {
  const others = (await remembered(settings)).filter(([path]) => path !== settings.configPath);
  const all = [...others, [settings.configPath, name]].slice(-MOST_FILES);
  await makePrivateFolder(clientStateDir(settings.env));
  await writePrivateFile(stateFile(settings), `${JSON.stringify(Object.fromEntries(all))}\n`, { overwrite: true });
}

async function remembered(settings: Settings): Promise<[string, unknown][]> {
  const path = stateFile(settings);
  try {
    const value = JSON.parse(await Deno.readTextFile(path));
    return typeof value === "object" && value !== null ? Object.entries(value) : [];
  } catch (error) {
    // State may be lost: what cannot be understood counts as never written.
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return [];
    throw new QightError("io", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

function stateFile({ env }: Settings): string {
  return join(clientStateDir(env), "previous_context.json");
}

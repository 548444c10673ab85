/**
 * Refuses a lock file that names a package without a note, without a hash, or with a lifecycle script nobody has looked
 * at, and settings that would let a lock file change or a script run unnoticed.
 * @module
 */
import { fileURLToPath } from "node:url";
import { placeOf } from "./check_licences.ts";
import { packageNotes, scriptNotes } from "./package_notes.ts";

/** A lock file, as far as it is looked at. */
export interface Lock {
  readonly npm: Readonly<Record<string, { readonly integrity?: string; readonly scripts?: boolean }>>;
  readonly [section: string]: unknown;
}

/** deno.json, as far as it is looked at. */
export interface Settings {
  readonly lock?: { readonly frozen?: boolean } | boolean | string;
  readonly allowScripts?: unknown;
  readonly tasks?: Readonly<Record<string, unknown>>;
  readonly imports?: Readonly<Record<string, string>>;
}

/** Names that Deno gives the parts of a lock file that hold no package from elsewhere. */
const KNOWN_SECTIONS = ["version", "specifiers", "npm", "workspace"];

/** What is wrong with lock file and settings, one sentence each; nothing when all is well. */
export function packageProblems(
  lock: Lock,
  settings: Settings,
  notes: Readonly<Record<string, string>> = packageNotes,
  scripts: Readonly<Record<string, string>> = scriptNotes,
): string[] {
  const problems: string[] = [];
  const named = new Set<string>();
  for (const [key, { integrity, scripts: hasScripts }] of Object.entries(lock.npm)) {
    const { name } = placeOf(key);
    named.add(name);
    if (!notes[name]) problems.push(`${key}: a package without a note in scripts/package_notes.ts`);
    if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? "")) problems.push(`${key}: no SHA-512 to check it against`);
    if (hasScripts && !scripts[name]) problems.push(`${key}: has a lifecycle script that nobody has looked at`);
  }
  for (const name of Object.keys(notes)) {
    if (!named.has(name)) problems.push(`${name}: a note without a package in deno.lock`);
  }
  for (const section of Object.keys(lock)) {
    if (!KNOWN_SECTIONS.includes(section)) {
      problems.push(`deno.lock has a section "${section}": packages come from npm`);
    }
  }
  return [...problems, ...settingProblems(settings)];
}

function settingProblems({ lock, allowScripts, tasks, imports }: Settings): string[] {
  const problems: string[] = [];
  if (typeof lock !== "object" || lock.frozen !== true) problems.push("deno.json: the lock file is not frozen");
  const runsScripts = allowScripts !== undefined ||
    /--allow-scripts|--reload|--no-lock/.test(JSON.stringify(tasks ?? {}));
  if (runsScripts) problems.push("deno.json: lifecycle scripts would run, or the lock file would be passed over");
  for (const [name, target] of Object.entries(imports ?? {})) {
    if (!/^npm:(@[\w.-]+\/)?[\w.-]+@\d+\.\d+\.\d+$/.test(target)) {
      problems.push(`deno.json: ${name} is ${target}, not one exact version from npm`);
    }
  }
  return problems;
}

if (import.meta.main) {
  const read = async (name: string) =>
    JSON.parse(await Deno.readTextFile(fileURLToPath(new URL(`../${name}`, import.meta.url))));
  const lock: Lock = await read("deno.lock");
  const problems = packageProblems(lock, await read("deno.json"));
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) Deno.exit(1);
  console.log(`${Object.keys(lock.npm).length} packages have a note and a hash; none may run a script`);
}

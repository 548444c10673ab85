/**
 * Which packages of deno.lock a program is made of.
 * @module
 */
import { join } from "node:path";
import { placeOf } from "../check_licences.ts";

/** A package as the lock file has it. */
export interface LockedPackage {
  readonly integrity: string;
  readonly dependencies?: readonly string[];
  readonly optionalDependencies?: readonly string[];
  readonly optionalPeers?: readonly string[];
}

/** deno.lock, as far as it is looked at. */
export interface LockFile {
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: Readonly<Record<string, LockedPackage>>;
}

/** One package of a program. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** SHA-512 of its tarball, as `sha512-` and base64. */
  readonly integrity: string;
  /** `name@version` of what it needs, sorted. */
  readonly needs: readonly string[];
  /** Folder of its files below the project's folder. */
  readonly folder: string;
}

/** Everything that these npm specifiers (`npm:zod@4.6.7`) bring, sorted by name. Throws when the lock file lacks one. */
export function packagesBehind(lock: LockFile, specifiers: Iterable<string>): Package[] {
  const keys = Object.keys(lock.npm);
  const keyOf = (entry: string): string => {
    if (lock.npm[entry]) return entry;
    const found = keys.filter((key) => placeOf(key).name === entry || key.startsWith(`${entry}_`));
    if (found.length === 0) throw new Error(`deno.lock has no ${entry}`);
    return found[0];
  };
  const found = new Map<string, Package>();
  const visit = (key: string) => {
    if (found.has(key)) return;
    const { name, folder } = placeOf(key);
    const version = folder.slice(folder.lastIndexOf("@") + 1);
    const locked = lock.npm[key];
    const needed = (locked.dependencies ?? []).map(keyOf);
    found.set(key, {
      name,
      version,
      integrity: locked.integrity,
      needs: needed.map(shortName).sort(),
      folder: join("node_modules/.deno", folder, "node_modules", name),
    });
    for (const each of needed) visit(each);
  };
  for (const specifier of specifiers) {
    const resolved = lock.specifiers[specifier];
    if (resolved === undefined) throw new Error(`deno.lock has no ${specifier}`);
    visit(keyOf(`${specifier.slice("npm:".length, specifier.lastIndexOf("@"))}@${resolved}`));
  }
  return [...found.values()].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

function shortName(key: string): string {
  const { name, folder } = placeOf(key);
  return `${name}@${folder.slice(folder.lastIndexOf("@") + 1)}`;
}

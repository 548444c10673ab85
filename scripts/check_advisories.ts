/**
 * Asks the registry, through npm, whether a locked package has a known hole. Says so and passes where that cannot be asked.
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { placeOf } from "./check_licences.ts";

interface Lock {
  readonly npm: Readonly<Record<string, { readonly integrity: string }>>;
}

/** A package-lock.json that names exactly what deno.lock names, so that npm resolves nothing by itself. */
export function asPackageLock(lock: Lock): { packages: Record<string, unknown>; [field: string]: unknown } {
  const wanted: Record<string, string> = {};
  const packages: Record<string, unknown> = {};
  for (const [key, { integrity }] of Object.entries(lock.npm)) {
    const { name, folder } = placeOf(key);
    const version = folder.slice(folder.lastIndexOf("@") + 1);
    // A second version of a name under another name: npm's alias, which it audits as what it is.
    const place = wanted[name] === undefined ? name : `${name}-${version}`;
    wanted[place] = place === name ? version : `npm:${name}@${version}`;
    packages[`node_modules/${place}`] = { ...(place === name ? {} : { name }), version, integrity };
  }
  const root = { name: "qight-audit", version: "0.0.0", dependencies: wanted };
  return { ...root, lockfileVersion: 3, requires: true, packages: { "": root, ...packages } };
}

/** What npm's answer says: the holes, one sentence each; null when it is no answer. */
export function holesIn(answer: string): string[] | null {
  let report: {
    vulnerabilities?: Record<string, { severity: string; via: (string | { title: string; range: string })[] }>;
  };
  try {
    report = JSON.parse(answer);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (report.vulnerabilities === undefined) return null;
  return Object.entries(report.vulnerabilities).flatMap(([name, { severity, via }]) =>
    via.flatMap((each) => typeof each === "string" ? [] : [`${name} ${each.range}: ${each.title} (${severity})`])
  );
}

if (import.meta.main) {
  const lock: Lock = JSON.parse(await Deno.readTextFile(fileURLToPath(new URL("../deno.lock", import.meta.url))));
  const answer = await audit(asPackageLock(lock));
  const holes = typeof answer === "string" ? holesIn(answer) : null;
  if (holes === null) {
    console.log("advisories were not asked for: npm or its registry cannot be reached");
  } else {
    for (const hole of holes) console.error(hole);
    if (holes.length > 0) Deno.exit(1);
    console.log(`${Object.keys(lock.npm).length} packages have no known hole`);
  }
}

async function audit(packageLock: ReturnType<typeof asPackageLock>): Promise<string | null> {
  const folder = await Deno.makeTempDir({ prefix: "qight-audit-" });
  try {
    const { packages } = packageLock;
    await Deno.writeTextFile(join(folder, "package.json"), JSON.stringify(packages[""]));
    await Deno.writeTextFile(join(folder, "package-lock.json"), JSON.stringify(packageLock));
    const { stdout } = await new Deno.Command("npm", {
      args: ["audit", "--json", "--package-lock-only"],
      cwd: folder,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

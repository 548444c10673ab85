/**
 * Says whether deno.json and deno.lock name a host: packages come from whatever registry the machine is set to.
 * @module
 */
import { fileURLToPath } from "node:url";

/** Lines of a file that name a host or a tarball's address, with their numbers. */
export function hostsIn(text: string): string[] {
  return text.split("\n")
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => /[a-z]:\/\/|"tarball"|registry\s*=/i.test(line))
    .map(({ line, number }) => `${number}: ${line}`);
}

if (import.meta.main) {
  let found = 0;
  for (const name of ["deno.json", "deno.lock"]) {
    const text = await Deno.readTextFile(fileURLToPath(new URL(`../${name}`, import.meta.url)));
    for (const line of hostsIn(text)) {
      console.error(`${name}:${line}`);
      found++;
    }
  }
  if (found > 0) Deno.exit(1);
  console.log("deno.json and deno.lock name no host");
}

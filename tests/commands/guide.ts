/** Runs the blocks of a guide in docs/guides/ as they stand, each in a shell of somebody. @module */
import assert from "node:assert/strict";
import { cliArguments, type Person } from "./harness.ts";

/** The `sh` blocks of a page by the title above them, in order. */
export async function blocksOf(name: string): Promise<Map<string, string[]>> {
  const page = await Deno.readTextFile(new URL(`../../docs/guides/${name}.md`, import.meta.url));
  return new Map(
    page.split(/^## /m).slice(1).map((section) => {
      const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text]) => text);
      return [section.split("\n")[0], blocks] as const;
    }).filter(([, blocks]) => blocks.length > 0),
  );
}

/** A `qight` in the person's PATH that runs this source. */
export function installQight(person: Person): void {
  const words = [Deno.execPath(), ...cliArguments()].map((word) => `'${word}'`).join(" ");
  Deno.mkdirSync(person.path("bin"), { recursive: true });
  person.file("bin/qight", `#!/bin/sh\nexec ${words} "$@"\n`, 0o700);
}

/** Runs a block, every command of which must succeed; answers what it printed. */
export async function runBlock(person: Person, text: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-ec", text],
    env: { ...person.env, PATH: `${person.path("bin")}:${person.env.PATH}` },
    clearEnv: true,
    cwd: person.home,
    stdin: "null",
  }).output();
  assert.equal(code, 0, `${text}\n${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

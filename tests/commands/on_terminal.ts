/** The real command line on a pseudo-terminal. @module */
import assert from "node:assert/strict";
import { cliArguments, type Person } from "./harness.ts";

/** Whether script(1) of util-linux is there, which makes pseudo-terminals. */
export const hasScript =
  new Deno.Command("sh", { args: ["-c", "command -v script"], stdout: "null" }).outputSync().success;

/** Starts a shell command of a person's on a pseudo-terminal: what is typed goes in, what is on the screen comes out. */
export function onPseudoTerminal(person: Person, command: string, env: Record<string, string> = person.env) {
  return new Deno.Command("script", {
    args: ["-qefc", command, "/dev/null"],
    env,
    clearEnv: true,
    cwd: person.home,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
}

/** Types each answer when its question is on the screen of a pseudo-terminal; ends with the command. */
export function onTerminal(
  person: Person,
  args: string[],
  dialogue: [question: Pick<RegExp, "exec">, answer: string][],
) {
  return programOnTerminal(person, [...person.within, Deno.execPath(), ...cliArguments(), ...args], dialogue);
}

/** The same with any program. */
export async function programOnTerminal(person: Person, words: string[], dialogue: [Pick<RegExp, "exec">, string][]) {
  const command = words.map((word) => `'${word}'`).join(" ");
  const child = onPseudoTerminal(person, command);
  const keyboard = child.stdin.getWriter();
  const left = [...dialogue];
  let screen = "";
  let seen = 0;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    screen += chunk;
    while (left.length > 0) {
      const match = left[0][0].exec(screen.slice(seen));
      if (!match) break;
      seen += match.index + match[0].length;
      await keyboard.write(new TextEncoder().encode(left.shift()![1]));
    }
  }
  await keyboard.close();
  const { code } = await child.status;
  assert.equal(left.length, 0, `never asked ${left[0]?.[0]}: ${screen}`);
  return { code, screen };
}

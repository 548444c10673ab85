/**
 * Whether a program of the system is here, for tests that are worth running only with it.
 * @module
 */

/** What a program said. */
export interface Said {
  readonly code: number;
  readonly text: string;
}

/** True when the program can be started. */
export function isInstalled(program: string): boolean {
  try {
    new Deno.Command(program, { args: ["--version"], stdin: "null", stdout: "null", stderr: "null" }).outputSync();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Runs a program to its end; output and errors together. */
export async function say(program: string, ...args: string[]): Promise<Said> {
  const output = await new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "piped" }).output();
  const text = new TextDecoder();
  return { code: output.code, text: text.decode(output.stdout) + text.decode(output.stderr) };
}

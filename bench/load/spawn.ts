/**
 * Runs a load generator in a process of its own and reads the one JSON object that it prints.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import { script } from "../../tests/prove/processes.ts";

/** Runs `bench/load/NAME.ts`; throws when it fails. */
export async function load<Counts>(name: string, ...args: (string | number)[]): Promise<Counts> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: script(`bench/load/${name}.ts`, ...args.map(String)),
    stdin: "null",
    stderr: "piped",
  }).output();
  const text = new TextDecoder();
  if (!output.success) throw new QightError("internal", `load ${name} failed: ${text.decode(output.stderr).trim()}`);
  return JSON.parse(text.decode(output.stdout)) as Counts;
}

/** Throws when a bench's own check does not hold: a figure without it would be worth nothing. */
export function selfCheck(holds: boolean, what: string): void {
  if (!holds) throw new QightError("invariant", `The bench's own check failed: ${what}`);
}

/** Prints an object as aligned lines for people, or as JSON. @module */
import type { Output } from "./output.ts";

/** One `name  value` line for each field; the object itself with `--json`. */
export async function printFields(out: Output, fields: Record<string, unknown>): Promise<void> {
  if (out.json) return await out.object(fields);
  const width = Math.max(...Object.keys(fields).map((name) => name.length));
  for (const [name, value] of Object.entries(fields)) {
    await out.line(`${name.padEnd(width)}  ${typeof value === "object" ? JSON.stringify(value) : String(value)}`);
  }
}

/** Prints an object as aligned lines for people, or as JSON. @module */
import type { Output } from "./output.ts";

/** One `name  value` line for each field, for a list one for each of its values; the object itself with `--json`. */
export async function printFields(out: Output, fields: Record<string, unknown>): Promise<void> {
  if (out.json) return await out.object(fields);
  const width = Math.max(...Object.keys(fields).map((name) => name.length));
  for (const [name, value] of Object.entries(fields)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      await out.line(`${name.padEnd(width)}  ${typeof each === "object" ? JSON.stringify(each) : String(each)}`);
    }
  }
}

/** `qight relay allow list`: who may come in. @module */
import { askRelay } from "../relay_admin.ts";
import type { Call } from "../tree/spec.ts";

/** Prints one line for each account on the list. */
export async function run({ settings, out }: Call): Promise<void> {
  for (const row of await askRelay(settings, "allow.list") as { id: string; note: string }[]) {
    await out.result(row, row.note ? `${row.id}  ${row.note}` : row.id);
  }
}

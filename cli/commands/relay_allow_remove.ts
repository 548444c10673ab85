/** `qight relay allow remove`: takes an account off the list. @module */
import { askRelay } from "../relay_admin.ts";
import type { Call } from "../tree/spec.ts";

/** The account keeps what it sent; its next session is refused. */
export async function run({ args, settings, out }: Call): Promise<void> {
  const answer = await askRelay(settings, "allow.remove", { id: args[0] }) as { id: string };
  await out.result(answer, answer.id);
}

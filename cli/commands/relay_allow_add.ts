/** `qight relay allow add`: lets an account in. @module */
import { askRelay } from "../relay_admin.ts";
import type { Call } from "../tree/spec.ts";

/** Puts an account id on the allow list. */
export async function run({ args, settings, out }: Call): Promise<void> {
  const answer = await askRelay(settings, "allow.add", { id: args[0] }) as { id: string };
  await out.result(answer, answer.id);
}

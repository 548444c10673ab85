/** `qight relay account reopen`: lets an account in again. @module */
import { askRelay } from "../relay_admin.ts";
import type { Call } from "../tree/spec.ts";

/** Takes a suspension or a ban back; its devices have to sign in again. */
export async function run({ args, settings, out }: Call): Promise<void> {
  const answer = await askRelay(settings, "account.reopen", { who: args[0] }) as { id: string };
  await out.result(answer, answer.id);
}

/** `qight relay account ban`: keeps an account out for good. @module */
import { askRelay } from "../relay_admin.ts";
import type { relayAccountBanSpec } from "../tree/relay_account.ts";
import type { Call } from "../tree/spec.ts";

/** Ends its sessions at once; nobody else gets its name. */
export async function run({ args, options, settings, out }: Call<typeof relayAccountBanSpec>): Promise<void> {
  const answer = await askRelay(settings, "account.ban", {
    who: args[0],
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  }) as { id: string };
  await out.result(answer, answer.id);
}

/** `qight relay account suspend`: keeps an account out for a time. @module */
import { parseDuration } from "../../relay/config/durations.ts";
import { askRelay } from "../relay_admin.ts";
import type { relayAccountSuspendSpec } from "../tree/relay_account.ts";
import type { Call } from "../tree/spec.ts";

/** Ends its sessions at once; its mail stays, and it comes back by itself when the time is over. */
export async function run({ args, options, settings, out }: Call<typeof relayAccountSuspendSpec>): Promise<void> {
  const answer = await askRelay(settings, "account.suspend", {
    who: args[0],
    ...(options.for === undefined ? {} : { for_ms: parseDuration(options.for) }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  }) as { id: string };
  await out.result(answer, answer.id);
}

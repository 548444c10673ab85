/** `qight relay token revoke`: ends a token. @module */
import { askRelay } from "../relay_admin.ts";
import type { Call } from "../tree/spec.ts";

/** Takes the id that `token list` shows; who uses the token is refused from the next call on. */
export async function run({ args, settings, out }: Call): Promise<void> {
  await out.result(await askRelay(settings, "token.revoke", { id: args[0] }), args[0]);
}

/** `qight relay reload`: the running relay reads relay.toml again. @module */
import { askRelay } from "../relay_admin.ts";
import type { Call } from "../tree/spec.ts";

/** Ends when the new values are in force; a mistake in the file is this command's error, and nothing has changed. */
export async function run({ settings, out }: Call): Promise<void> {
  await out.result(await askRelay(settings, "reload"), "reloaded");
}

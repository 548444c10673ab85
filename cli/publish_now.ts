/** Tells the relay of a fresh key; a relay that is away is no reason to lose the key. @module */
import { asQightError } from "../proto/errors.ts";
import type { Identity } from "./identity.ts";
import { Messenger } from "./messenger.ts";
import type { Output } from "./output.ts";
import type { Settings } from "./settings.ts";

/** Publishes when a relay is chosen; a failure becomes one warning, and the next send or fetch publishes. */
export async function publishOrWarn(
  identity: Identity,
  settings: Settings,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  if (settings.relay === undefined) {
    return out.note("no relay is chosen, so none knows this key yet; the next send, fetch or repl tells it");
  }
  try {
    await using messenger = await Messenger.open(settings, out, identity);
    const { relay } = await messenger.connect();
    await relay[Symbol.asyncDispose]();
  } catch (thrown) {
    signal.throwIfAborted();
    const { code, message } = asQightError(thrown);
    if (code === "login_needed") {
      return out.note(
        "this relay wants a name: take one with qight account register NAME, or qight device link if you have one",
      );
    }
    out.error(`warning: the relay does not know this key yet (${message}); the next send or fetch tells it`);
  }
}

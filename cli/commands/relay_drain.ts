/** `qight relay drain`: the relay finishes what is under way and stops. @module */
import { asQightError } from "../../proto/errors.ts";
import { startProgress } from "../progress.ts";
import { askRelay } from "../relay_admin.ts";
import type { Call } from "../tree/spec.ts";
import { LOOK_EVERY_MS } from "../watching.ts";
import { pause, systemClock } from "../../client/clock.ts";

/** Tells the relay to drain; it answers before it begins. Who looks on a terminal sees the calls that are waited for. */
export async function run({ settings, out, signal }: Call): Promise<void> {
  await out.result(await askRelay(settings, "drain"), "draining");
  if (!Deno.stderr.isTerminal() || out.quiet) return;
  using bar = startProgress(out, "draining", "calls");
  let most = 0;
  for (;;) {
    const left = await callsLeft(() => askRelay(settings, "clients"));
    if (left === null || signal.aborted) return;
    most = Math.max(most, left);
    bar.update(most - left, most);
    await pause(systemClock, LOOK_EVERY_MS, signal);
  }
}

/** Calls under way; null when the relay is gone. */
async function callsLeft(ask: () => Promise<unknown>): Promise<number | null> {
  try {
    return (await ask() as { calls: number }[]).reduce((sum, { calls }) => sum + calls, 0);
  } catch (thrown) {
    if (["unreachable", "io"].includes(asQightError(thrown).code)) return null;
    throw thrown;
  }
}

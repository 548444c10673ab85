/**
 * `qight relay` whose clock jumps eight days ahead at SIGUSR2 and whose minute of housekeeping comes then: a week of waiting
 * for messages to expire is a signal here. `relay_ahead.ts FLAGS…` (a process of its own).
 * @module
 */
import { runCommand } from "../../../cli/run.ts";

const housekeepingMs = 60_000;
const jumpMs = 8 * 24 * 60 * 60 * 1000;

let aheadMs = 0;
const realNow = Date.now.bind(Date);
Date.now = () => realNow() + aheadMs;
const realElapsed = performance.now.bind(performance);
// Both clocks: a wall clock that leaps alone is a wrong clock, by which nothing expires.
performance.now = () => realElapsed() + aheadMs;

const held: (() => void)[] = [];
const realSetInterval = globalThis.setInterval;
globalThis.setInterval = ((task: () => void, ms?: number) => {
  if (ms === housekeepingMs) held.push(task);
  return realSetInterval(task, ms);
}) as typeof setInterval;

Deno.addSignalListener("SIGUSR2", () => {
  aheadMs += jumpMs;
  for (const task of held) task();
});

Deno.exit(await runCommand(["relay", ...Deno.args]));

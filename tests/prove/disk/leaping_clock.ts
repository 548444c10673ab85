/**
 * Importing this makes the process's clocks jump eight days ahead at SIGUSR2, and a relay's minute of housekeeping come then.
 * @module
 */

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

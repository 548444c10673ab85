/**
 * Gives back what only the start needed: half of a young relay's heap is what loading its modules left behind.
 * @module
 */
import v8 from "node:v8";
import vm from "node:vm";

/**
 * One full garbage collection, a few milliseconds. V8 itself would wait until the heap has doubled, which on a router
 * may be never; measured with `rss_idle_mb` (docs/performance.md) it gives back 14 MB.
 */
export function releaseStartupMemory(): void {
  v8.setFlagsFromString("--expose-gc");
  // The flag puts `gc` into contexts that are made from here on.
  const collect = vm.runInNewContext("gc") as () => void;
  collect();
}

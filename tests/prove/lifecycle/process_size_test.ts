/** Growth of memory as a line through what is left after each collection. @module */
import assert from "node:assert/strict";
import { percentile, rssSlope, type Sample } from "./process_size.ts";

/** A saw: memory rises by 40 MB within each half minute and is collected, on top of `mbPer10Min`. */
function saw(mbPer10Min: number): Sample[] {
  return Array.from({ length: 900 }, (_, second) => ({
    atMs: second * 1000,
    rssMb: 100 + 40 * (second % 30) / 30 + mbPer10Min * second / 600,
    descriptors: 20,
    walMb: 1,
  }));
}

for (const growth of [0, 0.5, 3]) {
  Deno.test(`memory that is collected every half minute and grows by ${growth} MB in ten minutes is seen to do just that`, () => {
    assert.ok(Math.abs(rssSlope(saw(growth), 60_000) - growth) < 0.05, String(rssSlope(saw(growth), 60_000)));
  });
}

Deno.test("the 99th of a hundred values is the 99th percentile, and nothing has none", () => {
  assert.equal(percentile(Array.from({ length: 100 }, (_, i) => i), 0.99), 99);
  assert.ok(Number.isNaN(percentile([], 0.5)));
});

/** Growth of memory as a line through what is left after each collection. @module */
import assert from "node:assert/strict";
import { growth, percentile, type Sample } from "./process_size.ts";

/** A saw: memory rises by 40 MB within each half minute and is collected, on top of `mbPer10Min`. */
function saw(mbPer10Min: number): Sample[] {
  return Array.from({ length: 1500 }, (_, second) => ({
    atMs: second * 1000,
    rssMb: 100 + 40 * (second % 30) / 30 + mbPer10Min * second / 600,
    descriptors: 20,
  }));
}

for (const mb of [0, 0.5, 3]) {
  Deno.test(`memory that is collected every half minute and grows by ${mb} MB in ten minutes is seen to do just that`, () => {
    const { slope, error } = growth(saw(mb));
    assert.ok(Math.abs(slope - mb) < 0.05 && error < 0.05, `${slope} +- ${error}`);
  });
}

Deno.test("memory that jumps about without growing has an error larger than its slope", () => {
  const jumps = [250, 340, 240, 300, 350, 230, 340, 245];
  const samples = Array.from({ length: 1600 }, (_, second) => ({
    atMs: second * 1000,
    rssMb: jumps[Math.floor(second / 200)],
    descriptors: 20,
  }));
  const { slope, error } = growth(samples);
  assert.ok(slope - 2 * error < 1, `${slope} +- ${error}`);
});

Deno.test("the 99th of a hundred values is the 99th percentile, and nothing has none", () => {
  assert.equal(percentile(Array.from({ length: 100 }, (_, i) => i), 0.99), 99);
  assert.ok(Number.isNaN(percentile([], 0.5)));
});

/** The plot of latency against load. @module */
import assert from "node:assert/strict";
import { draw, readCurves } from "../../bench/plot.ts";

const lines = [
  { commit: "abc", date: "2026-11-21" },
  { figure: "ack_latency", system: "a <b>", value: 2, achieved_per_s: 100 },
  { figure: "ack_latency", system: "a <b>", value: 40, achieved_per_s: 4000 },
  { figure: "ack_latency", system: "absent", value: null, skipped: "not installed" },
  { figure: "ack_latency", system: "c", value: 1, achieved_per_s: 100 },
  { figure: "durable_sends_per_s_1", value: 700 },
].map((line) => JSON.stringify(line)).join("\n");

Deno.test("each system that was measured becomes one line, whatever else stands in the file", () => {
  const svg = draw(readCurves(lines));
  assert.deepEqual(svg.match(/<polyline/g)?.length, 2);
  assert.deepEqual(svg.match(/<circle/g)?.length, 3);
  assert.ok(svg.includes("a &lt;b>") && !svg.includes("<b>"), "names are text");
});

Deno.test("more load lies further right, more time further up", () => {
  const [low, high] = [...draw(readCurves(lines)).matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)]
    .map(([, x, y]) => ({ x: Number(x), y: Number(y) }));
  assert.ok(high.x > low.x);
  assert.ok(high.y < low.y);
});

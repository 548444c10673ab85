/** The rank test must see a difference where there is one, and none where there is none. @module */
import assert from "node:assert/strict";
import { seeded } from "../random.ts";
import { quartiles, rankScore } from "./ranks.ts";

const random = seeded(1);
const times = (count: number, more: number) =>
  Array.from({ length: count }, () => 1 + random() ** 4 * 20 + (random() < 0.02 ? 200 : 0) + more);

Deno.test("two series from the same source cannot be told apart, whatever their outliers", () => {
  for (let run = 0; run < 50; run++) assert.ok(Math.abs(rankScore(times(300, 0), times(300, 0))) < 4);
});

Deno.test("a difference far below the noise is seen", () => {
  const score = rankScore(times(1000, 0.3), times(1000, 0));
  assert.ok(score > 4, `${score}`);
  assert.ok(rankScore(times(1000, 0), times(1000, 0.3)) < -4);
});

Deno.test("equal values share their ranks", () => {
  assert.equal(rankScore([1, 1, 1], [1, 1, 1]), 0);
  assert.equal(rankScore([1, 2], [1, 2]), 0);
});

Deno.test("quartiles are those of the sorted values, whatever their order", () => {
  assert.equal(quartiles([5, 1, 4, 2, 3]), "2.000/3.000/4.000");
});

/** Which numbers are missing, whatever order they come in. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  accountFor,
  type CounterState,
  formatCounterState,
  type Gap,
  GAP_AGE_MS,
  NOTHING_RECEIVED,
  parseCounterState,
  settleGaps,
} from "../../client/gaps.ts";

const SEED = 20260101; // printed by fast-check with the path when a property fails
const NOW = 1_000_000_000;

/** A stream of numbers 1..n, some dropped, some doubled, in any order. */
const stream = fc.integer({ min: 1, max: 60 }).chain((length) =>
  fc.record({
    dropped: fc.subarray(Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1)),
    doubled: fc.subarray(Array.from({ length }, (_, i) => i + 1)),
    keys: fc.array(fc.integer(), { minLength: 2 * length, maxLength: 2 * length }),
    drains: fc.array(fc.nat(120), { maxLength: 4 }),
    length: fc.constant(length),
  })
);

function arrivals(
  { length, dropped, doubled, keys }: { length: number; dropped: number[]; doubled: number[]; keys: number[] },
) {
  const numbers = [...Array.from({ length }, (_, i) => i + 1), ...doubled].filter((n) => !dropped.includes(n));
  return numbers.map((n, i) => ({ n, key: keys[i] })).sort((a, b) => a.key - b.key).map(({ n }) => n);
}

function drain(state: CounterState, numbers: number[], receivedAtMs: number): CounterState {
  for (const n of numbers) {
    state = parseCounterState(formatCounterState(accountFor(state, n, receivedAtMs))); // as the store keeps it
  }
  return state;
}

function flat(gaps: Gap[]): number[] {
  return gaps.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
}

Deno.test("any reordering and doubling of a stream without drops shows no gap", () => {
  fc.assert(
    fc.property(stream, ({ length, doubled, keys, drains }) => {
      const numbers = arrivals({ length, dropped: [], doubled, keys });
      let state = NOTHING_RECEIVED;
      let at = 0;
      // Drains in between: mere reordering is younger than a minute.
      for (const until of [...drains.toSorted((a, b) => a - b), numbers.length]) {
        state = drain(state, numbers.slice(at, until), NOW);
        at = Math.max(at, Math.min(until, numbers.length));
        const settled = settleGaps(state, NOW + GAP_AGE_MS - 1);
        assert.deepEqual(settled.gaps, []);
        state = settled.state;
      }
      assert.deepEqual(settleGaps(state, NOW + 10 * GAP_AGE_MS).gaps, []);
      assert.equal(state.upTo, length);
    }),
    { seed: SEED, numRuns: 500 },
  );
});

Deno.test("real drops show exactly once, as exactly that gap, and what comes late is no new gap", () => {
  fc.assert(
    fc.property(stream, ({ length, dropped, doubled, keys }) => {
      const state = drain(NOTHING_RECEIVED, arrivals({ length, dropped, doubled, keys }), NOW);
      const settled = settleGaps(state, NOW + GAP_AGE_MS);
      assert.deepEqual(flat(settled.gaps), dropped.toSorted((a, b) => a - b));
      assert.deepEqual(settleGaps(settled.state, NOW + 10 * GAP_AGE_MS).gaps, []);
      const late = drain(settled.state, dropped, NOW + GAP_AGE_MS);
      assert.deepEqual(late, settled.state);
      assert.equal(late.upTo, length);
    }),
    { seed: SEED, numRuns: 500 },
  );
});

Deno.test("a hole is a gap only below a number that is a minute old", () => {
  let state = drain(NOTHING_RECEIVED, [1, 3], NOW);
  state = drain(state, [5], NOW + 30_000);
  assert.deepEqual(settleGaps(state, NOW + 59_999).gaps, []);
  const first = settleGaps(state, NOW + 60_000);
  assert.deepEqual(first.gaps, [{ first: 2, last: 2 }]);
  assert.deepEqual(settleGaps(first.state, NOW + 90_000).gaps, [{ first: 4, last: 4 }]);
});

Deno.test("a number far away is one gap and little state", () => {
  const state = accountFor(NOTHING_RECEIVED, Number.MAX_SAFE_INTEGER, NOW);
  assert.equal(formatCounterState(state).length < 60, true);
  assert.deepEqual(settleGaps(state, NOW + GAP_AGE_MS).gaps, [{ first: 1, last: Number.MAX_SAFE_INTEGER - 1 }]);
});

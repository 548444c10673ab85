/**
 * Finds the numbers that never came: which counters of one sender's lineage this reader has, and what is missing.
 * State in, new state out.
 * @module
 */

/** Numbers received in a row beyond a hole; `oldestMs` = when the first of them reached the relay, by our clock. */
interface Run {
  readonly first: number;
  readonly last: number;
  readonly oldestMs: number;
}

/** What is known of one lineage: everything up to `upTo` is accounted for, and some runs above. */
export interface CounterState {
  readonly upTo: number;
  readonly runs: readonly Run[];
}

/** Missing numbers, both ends included. */
export interface Gap {
  readonly first: number;
  readonly last: number;
}

/** Nothing received yet: the first number of a lineage is 1. */
export const NOTHING_RECEIVED: CounterState = { upTo: 0, runs: [] };

/** A hole counts as a gap when a higher number has been there for so long, milliseconds. */
export const GAP_AGE_MS = 60_000;

/** More runs than this are not kept: a relay that hands on every other number would make the state grow without end. */
const MAX_RUNS = 1_000;

/** Takes note of a number that came, or that its sender declared void. Numbers that are known change nothing. */
export function accountFor(state: CounterState, counter: number, atMs: number): CounterState {
  if (counter <= state.upTo || state.runs.some((run) => run.first <= counter && counter <= run.last)) return state;
  const runs = [...state.runs, { first: counter, last: counter, oldestMs: atMs }]
    .sort((a, b) => a.first - b.first);
  return join({ upTo: state.upTo, runs });
}

/** When there are too many holes, the lowest are gaps at once, and the state is without them. */
export function settleSurplus(state: CounterState): { state: CounterState; gaps: Gap[] } {
  const gaps: Gap[] = [];
  let settled = state;
  while (settled.runs.length > MAX_RUNS) {
    gaps.push(lowestHole(settled));
    settled = skipHole(settled);
  }
  return { state: settled, gaps };
}

/** At the end of a drain: which numbers are missing for good, and the state in which they are not told again. */
export function settleGaps(state: CounterState, nowMs: number): { state: CounterState; gaps: Gap[] } {
  const old = state.runs.findLastIndex((run) => run.oldestMs <= nowMs - GAP_AGE_MS);
  const gaps: Gap[] = [];
  let settled = state;
  for (let i = 0; i <= old; i++) {
    gaps.push(lowestHole(settled));
    settled = skipHole(settled);
  }
  return { state: settled, gaps };
}

/** The state without the holes up to number `last`, which were told. */
export function settleUntil(state: CounterState, last: number): CounterState {
  let settled = state;
  while (settled.runs.length > 0 && settled.runs[0].first - 1 <= last) settled = skipHole(settled);
  return settled;
}

/** When the oldest hole may become a gap, in milliseconds since 1970; null without holes. */
export function nextGapCheckMs(state: CounterState): number | null {
  return state.runs.length === 0 ? null : Math.min(...state.runs.map((run) => run.oldestMs)) + GAP_AGE_MS;
}

/** The state as text: `upTo`, then `;first-last@oldestMs` for each run. */
export function formatCounterState({ upTo, runs }: CounterState): string {
  return upTo + runs.map(({ first, last, oldestMs }) => `;${first}-${last}@${oldestMs}`).join("");
}

/** Reads what `formatCounterState` wrote. */
export function parseCounterState(text: string): CounterState {
  const [upTo, ...runs] = text.split(";");
  return {
    upTo: Number(upTo),
    runs: runs.map((run) => {
      const [first, last, oldestMs] = run.split(/[-@]/).map(Number);
      return { first, last, oldestMs };
    }),
  };
}

function lowestHole({ upTo, runs }: CounterState): Gap {
  return { first: upTo + 1, last: runs[0].first - 1 };
}

function skipHole({ runs }: CounterState): CounterState {
  return join({ upTo: runs[0].last, runs: runs.slice(1) });
}

/** Runs that touch become one; a run that follows on `upTo` is absorbed. */
function join(state: CounterState): CounterState {
  let { upTo } = state;
  const runs: Run[] = [];
  for (const run of state.runs) {
    const before = runs.at(-1);
    if (before && before.last + 1 === run.first) {
      runs[runs.length - 1] = {
        first: before.first,
        last: run.last,
        oldestMs: Math.min(before.oldestMs, run.oldestMs),
      };
    } else if (!before && run.first === upTo + 1) upTo = run.last;
    else runs.push(run);
  }
  return { upTo, runs };
}

/**
 * Whether two series of times can be told apart: the rank test of Mann and Whitney, which one slow outlier cannot move.
 * @module
 */

/** Standard deviations by which the ranks of `a` differ from chance; beyond 4 is one run in 15,000. */
export function rankScore(a: readonly number[], b: readonly number[]): number {
  const all = [...a.map((value) => ({ value, ofA: true })), ...b.map((value) => ({ value, ofA: false }))];
  all.sort((x, y) => x.value - y.value);
  let ranksOfA = 0, ties = 0;
  for (let from = 0; from < all.length;) {
    let to = from;
    while (to < all.length && all[to].value === all[from].value) to++;
    const shared = (from + to + 1) / 2; // ranks from + 1 to `to`, equal values share their mean
    for (let i = from; i < to; i++) if (all[i].ofA) ranksOfA += shared;
    ties += (to - from) ** 3 - (to - from);
    from = to;
  }
  const n = a.length + b.length, pairs = a.length * b.length;
  const u = ranksOfA - a.length * (a.length + 1) / 2;
  const variance = pairs / 12 * (n + 1 - ties / (n * (n - 1)));
  return variance === 0 ? 0 : (u - pairs / 2) / Math.sqrt(variance);
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/** First quartile, median and third quartile, in three decimals. */
export function quartiles(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  return [1, 2, 3].map((quarter) => sorted[Math.floor(sorted.length * quarter / 4)].toFixed(3)).join("/");
}

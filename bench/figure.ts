/**
 * One measured number and how it is printed: one JSON object a line.
 * @module
 */

/** A measured number. Fields beyond the first three say what it rests on. */
export interface Figure {
  readonly figure: string;
  /** Null when it could not be measured here; `skipped` says why. */
  readonly value: number | null;
  readonly unit: string;
  readonly runs?: number[];
  readonly [detail: string]: unknown;
}

/** Prints a figure as one line of JSON. */
export function print(figure: Figure): void {
  console.log(JSON.stringify(figure));
}

/** A figure from several runs: the median, rounded, with the runs beside it. */
export function medianFigure(
  figure: string,
  unit: string,
  runs: number[],
  details: Record<string, unknown> = {},
): Figure {
  return { figure, value: rounded(median(runs)), unit, runs: runs.map(rounded), ...details };
}

/** Middle value; of an even number of values the lower middle. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The smallest value that at least `percent` of the values do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * percent / 100) - 1)];
}

/** Three significant digits for small values, whole numbers for large ones. */
export function rounded(value: number): number {
  return value >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
}

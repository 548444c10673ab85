/**
 * Counters and histograms as plain numbers, and the shape in which prom-client writes them out.
 * prom-client's own classes hash their labels at every increment, which the hot path need not pay.
 * @module
 */

import type { Metric } from "prom-client";

/** A number for each combination of label values. */
export interface Counter {
  add(count: number, ...labels: string[]): void;
  forPrometheus(): Metric;
}

/** A distribution for each value of one label (or of none). */
export interface Histogram {
  observe(value: number, label?: string): void;
  forPrometheus(): Metric;
}

interface Sample {
  metricName?: string;
  labels: Record<string, string | number>;
  value: number;
}

// Label values come from our own tables; this only bounds the damage of a mistake there.
const mostSeries = 1000;

/** A counter; a counter without labels is shown as 0 from the start. */
export function createCounter(name: string, help: string, labelNames: readonly string[]): Counter {
  const series = new Map<string, { labels: string[]; value: number }>();
  if (labelNames.length === 0) series.set("", { labels: [], value: 0 });
  return {
    add(count, ...labels) {
      const key = labels.length === 1 ? labels[0] : labels.join("\n");
      const found = series.get(key);
      if (found) found.value += count;
      else if (series.size < mostSeries) series.set(key, { labels, value: count });
    },
    forPrometheus: () =>
      metric(name, help, "counter", () =>
        [...series.values()].map(({ labels, value }) => ({
          labels: Object.fromEntries(labelNames.map((label, index) => [label, labels[index] ?? ""])),
          value,
        }))),
  };
}

/** A histogram with these upper bounds, ascending; +Inf is added. */
export function createHistogram(
  name: string,
  help: string,
  labelName: string | null,
  bounds: readonly number[],
): Histogram {
  const series = new Map<string, { buckets: Float64Array; sum: number }>();
  const fresh = () => ({ buckets: new Float64Array(bounds.length + 1), sum: 0 });
  if (labelName === null) series.set("", fresh());
  return {
    observe(value, label = "") {
      let found = series.get(label);
      if (!found) {
        if (series.size >= mostSeries) return;
        series.set(label, found = fresh());
      }
      let bucket = 0;
      while (bucket < bounds.length && value > bounds[bucket]) bucket++;
      found.buckets[bucket]++;
      found.sum += value;
    },
    forPrometheus: () =>
      metric(name, help, "histogram", () =>
        [...series].flatMap(([value, { buckets, sum }]) => {
          const labels: Record<string, string> = labelName === null ? {} : { [labelName]: value };
          let count = 0;
          const samples: Sample[] = [...buckets].map((inBucket, index) => ({
            metricName: `${name}_bucket`,
            labels: { ...labels, le: index < bounds.length ? String(bounds[index]) : "+Inf" },
            value: count += inBucket,
          }));
          samples.push({ metricName: `${name}_sum`, labels, value: sum });
          samples.push({ metricName: `${name}_count`, labels, value: count });
          return samples;
        })),
  };
}

/** A gauge with one value, read now. */
export function gauge(name: string, help: string, value: number, labels: Record<string, string> = {}): Metric {
  return metric(name, help, "gauge", () => [{ labels, value }]);
}

/** A counter that somebody else counts, read now. */
export function countedElsewhere(name: string, help: string, value: number): Metric {
  return metric(name, help, "counter", () => [{ labels: {}, value }]);
}

// The registry asks a metric for nothing but its name and get().
function metric(name: string, help: string, type: string, values: () => Sample[]): Metric {
  return {
    name,
    get: () => Promise.resolve({ name, help, type, values: values(), aggregator: "sum" }),
  } as unknown as Metric;
}

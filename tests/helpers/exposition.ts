/** Prometheus' text format, read strictly, and the rules for names that promtool checks. @module */
import assert from "node:assert/strict";

/** A metric with its samples. */
export interface Family {
  type: string;
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

/** Text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats), with the rules that promtool checks. */
export function parse(text: string): Map<string, Family> {
  assert.ok(text.endsWith("\n"), "the last line must end");
  const families = new Map<string, Family>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const meta = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (meta) {
      const family = families.get(meta[2]) ?? { type: "", help: "", samples: [] };
      assert.equal(family.samples.length, 0, `${meta[2]}: HELP and TYPE come first, once`);
      if (meta[1] === "HELP") family.help = meta[3];
      else family.type = meta[3];
      families.set(meta[2], family);
      continue;
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/.exec(
      line,
    );
    assert.ok(sample, `not a sample: ${line}`);
    const family = families.get(sample[1]) ?? families.get(sample[1].replace(/_(bucket|sum|count)$/, ""));
    assert.ok(family, `${sample[1]} has no TYPE`);
    const labels = Object.fromEntries(
      [...(sample[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((m) => [m[1], m[2]]),
    );
    assert.ok(Number.isFinite(Number(sample[3])), line);
    family.samples.push({ name: sample[1], labels, value: Number(sample[3]) });
  }
  return families;
}

/** Base units, `_total` on counters only, help everywhere, no series twice, and no label that could name somebody. */
export function assertNamedByTheRules(families: Map<string, Family>): void {
  for (const [name, { type, help, samples }] of families) {
    assert.equal(name.endsWith("_total"), type === "counter", name);
    assert.ok(/^(qight|process)_[a-z_]+$/.test(name), name);
    assert.ok(!/_(ms|milliseconds|kb|minutes)(_|$)/.test(name), `${name} is in base units`);
    assert.ok(help.length > 0, name);
    const seen = new Set<string>();
    for (const sample of samples) {
      for (const label of Object.keys(sample.labels)) {
        assert.ok(["version", "commit", "result", "method", "reason", "scope", "le"].includes(label), label);
      }
      const series = sample.name + JSON.stringify(sample.labels);
      assert.ok(!seen.has(series), `${series} comes twice`);
      seen.add(series);
    }
  }
}

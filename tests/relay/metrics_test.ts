/** The relay's metrics as a Prometheus server would read them. @module */
import assert from "node:assert/strict";
import { createMetrics } from "../../relay/metrics.ts";
import { createCounter } from "../../relay/metrics/plain_numbers.ts";
import { assertNamedByTheRules, parse } from "../helpers/exposition.ts";

const stats = { store: { messages: 3, bytes: 900, groups: 7 }, certificateExpiresAtMs: 1_800_000_000_000 };

function busy() {
  const metrics = createMetrics({ version: "0.1.0", commit: "abc" });
  metrics.connections(1);
  metrics.connections(1);
  metrics.connections(-1);
  metrics.handshake("ok");
  metrics.request("Send", "ok", 0.002);
  metrics.request("Send", "queue_full", 0.5);
  metrics.request("Fetch", "ok", 60);
  metrics.accepted(300);
  metrics.accepted(5_000_000);
  metrics.delivered(2);
  metrics.expired(4);
  metrics.rejected("queue_full");
  metrics.rateLimited("send");
  metrics.commit("stale_epoch");
  metrics.keyPackages("claimed", 2);
  return metrics;
}

Deno.test("every name of docs/operations.md that this relay can count is there, with its type", async () => {
  const families = parse(await busy().render(stats));
  const rows: [string, string][] = [
    ["qight_build_info", "gauge"],
    ["qight_connections", "gauge"],
    ["qight_handshakes_total", "counter"],
    ["qight_requests_total", "counter"],
    ["qight_request_duration_seconds", "histogram"],
    ["qight_messages_accepted_total", "counter"],
    ["qight_messages_delivered_total", "counter"],
    ["qight_messages_expired_total", "counter"],
    ["qight_messages_rejected_total", "counter"],
    ["qight_messages_stored", "gauge"],
    ["qight_store_bytes", "gauge"],
    ["qight_groups_stored", "gauge"],
    ["qight_commits_total", "counter"],
    ["qight_key_packages_total", "counter"],
    ["qight_logins_total", "counter"],
    ["qight_message_size_bytes", "histogram"],
    ["qight_rate_limited_total", "counter"],
    ["qight_certificate_expiry_timestamp_seconds", "gauge"],
    ["process_cpu_seconds_total", "counter"],
    ["process_resident_memory_bytes", "gauge"],
    ["process_start_time_seconds", "gauge"],
  ];
  for (const [name, type] of rows) assert.equal(families.get(name)?.type, type, name);
});

Deno.test("expectation 35: names follow Prometheus: base units, _total on counters only, no identifying labels", async () => {
  assertNamedByTheRules(parse(await busy().render(stats)));
});

Deno.test("what was counted is what is shown", async () => {
  const families = parse(await busy().render(stats));
  const rows: [string, Record<string, string>, number][] = [
    ["qight_build_info", { version: "0.1.0", commit: "abc" }, 1],
    ["qight_connections", {}, 1],
    ["qight_handshakes_total", { result: "ok" }, 1],
    ["qight_requests_total", { method: "Send", result: "queue_full" }, 1],
    ["qight_messages_accepted_total", {}, 2],
    ["qight_messages_delivered_total", {}, 2],
    ["qight_messages_expired_total", {}, 4],
    ["qight_messages_rejected_total", { reason: "queue_full" }, 1],
    ["qight_messages_stored", {}, 3],
    ["qight_store_bytes", {}, 900],
    ["qight_groups_stored", {}, 7],
    ["qight_commits_total", { result: "stale_epoch" }, 1],
    ["qight_key_packages_total", { result: "claimed" }, 2],
    ["qight_rate_limited_total", { scope: "send" }, 1],
    ["qight_certificate_expiry_timestamp_seconds", {}, 1_800_000_000],
    ["qight_request_duration_seconds_bucket", { method: "Send", le: "0.001" }, 0],
    ["qight_request_duration_seconds_bucket", { method: "Send", le: "0.0025" }, 1],
    ["qight_request_duration_seconds_bucket", { method: "Send", le: "0.5" }, 2],
    ["qight_request_duration_seconds_bucket", { method: "Fetch", le: "30" }, 0],
    ["qight_request_duration_seconds_bucket", { method: "Fetch", le: "+Inf" }, 1],
    ["qight_message_size_bytes_bucket", { le: "512" }, 1],
    ["qight_message_size_bytes_bucket", { le: "+Inf" }, 2],
    ["qight_message_size_bytes_sum", {}, 5_000_300],
    ["qight_message_size_bytes_count", {}, 2],
  ];
  const samples = [...families.values()].flatMap((family) => family.samples);
  for (const [name, labels, value] of rows) {
    const found = samples.find((sample) => sample.name === name && isSame(sample.labels, labels));
    assert.equal(found?.value, value, `${name} ${JSON.stringify(labels)}`);
  }
});

Deno.test("histograms are cumulative and end with their count", async () => {
  let ends = 0;
  for (const [name, { type, samples }] of parse(await busy().render(stats))) {
    if (type !== "histogram") continue;
    let last = { series: "", value: 0 };
    for (const { name: sample, labels: { le, ...rest }, value } of samples) {
      if (sample !== `${name}_bucket`) continue;
      const series = JSON.stringify(rest);
      if (series === last.series) assert.ok(value >= last.value, `${name} ${series} ${le}`);
      last = { series, value };
      const count = samples.find((other) => other.name === `${name}_count` && isSame(other.labels, rest));
      if (le !== "+Inf") continue;
      assert.equal(value, count?.value);
      ends++;
    }
  }
  assert.ok(ends >= 3, `${ends} histograms`);
});

Deno.test("two readings count the same things once", async () => {
  const metrics = busy();
  await metrics.render(stats);
  const samples = parse(await metrics.render(stats)).get("qight_messages_accepted_total")?.samples;
  assert.equal(samples?.[0].value, 2);
});

Deno.test("a label gone wild cannot fill memory", async () => {
  const counter = createCounter("wild_total", "x", ["reason"]);
  for (let i = 0; i < 5000; i++) counter.add(1, `reason ${i}`);
  const { values } = await (counter.forPrometheus() as unknown as { get(): Promise<{ values: unknown[] }> }).get();
  assert.equal(values.length, 1000);
});

function isSame(a: Record<string, string>, b: Record<string, string>): boolean {
  return Object.keys(a).length === Object.keys(b).length && Object.keys(a).every((key) => a[key] === b[key]);
}

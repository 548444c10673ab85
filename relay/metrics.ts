/**
 * What the relay counts, in plain numbers; turned into Prometheus text only when somebody asks.
 * Labels never carry users, keys or addresses.
 * @module
 */

import { Registry } from "prom-client";
import { type Counter, createCounter, createHistogram, gauge, type Histogram } from "./metrics/plain_numbers.ts";
import { processMetrics } from "./metrics/process.ts";
import type { StoreStats } from "./storage/store.ts";

/** Numbers that are read at the moment of rendering. */
export interface RenderStats {
  readonly store: Pick<StoreStats, "messages" | "bytes" | "groups">;
  /** End of the leaf's validity, Unix milliseconds; null when the relay has none. */
  readonly certificateExpiresAtMs: number | null;
}

/** Counters of one relay. */
export interface Metrics {
  /** Connections came (+1) or went (-1). */
  connections(delta: number): void;
  /** A handshake ended: `ok`, `failed`, `refused`, `timeout`. */
  handshake(result: string): void;
  /** A call ended: method name of the table, `ok` or an error code, and how long it took in seconds. */
  request(method: string, result: string, seconds: number): void;
  /** A message of that many bytes was accepted (durable). */
  accepted(bytes: number): void;
  /** Messages (not notices about groups) were handed to a reader that acknowledged them. */
  delivered(count: number): void;
  /** Messages expired unread. */
  expired(count: number): void;
  /** A message was refused for this error code. */
  rejected(reason: string): void;
  /** A commit ended an epoch of a group: `accepted`, `stale_epoch`, or another refusal. */
  commit(result: string): void;
  /** KeyPackages came or went: `published`, `claimed`, or `last_resort` for one that was handed out for want of others. */
  keyPackages(result: string, count: number): void;
  /** Somebody signs in: `started`, `ok`, `wrong_password`, `limited`, `stale`, `not_listed`, and what goes with it. */
  login(result: string): void;
  /** A limit hit: `send`, `connections`, `accounts`, … */
  rateLimited(scope: string): void;
  /** Connections now, for status. */
  readonly connectionsNow: number;
  /** Prometheus text, version 0.0.4. */
  render(stats: RenderStats): Promise<string>;
}

/** Content type of `render`. */
export const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Makes the counters; `commit` is the source revision of the build. */
export function createMetrics(build: { version: string; commit?: string }): Metrics {
  let connections = 0;
  const handshakes = createCounter("qight_handshakes_total", "Handshakes that ended.", ["result"]);
  const requests = createCounter("qight_requests_total", "Calls that ended.", ["method", "result"]);
  const durations = createHistogram("qight_request_duration_seconds", "Time a call took.", "method", [
    ...[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  ]);
  const accepted = createCounter("qight_messages_accepted_total", "Messages accepted and durable.", []);
  const delivered = createCounter("qight_messages_delivered_total", "Messages acknowledged by their reader.", []);
  const expired = createCounter("qight_messages_expired_total", "Messages that expired unread.", []);
  const rejected = createCounter("qight_messages_rejected_total", "Messages refused.", ["reason"]);
  const sizes = createHistogram("qight_message_size_bytes", "Size of accepted envelopes.", null, [
    ...[256, 512, 1024, 2048, 4096, 16384, 65536, 262144, 1048576, 4194304],
  ]);
  const commits = createCounter("qight_commits_total", "Commits offered to groups.", ["result"]);
  const keyPackages = createCounter("qight_key_packages_total", "KeyPackages published and handed out.", ["result"]);
  const logins = createCounter("qight_logins_total", "Steps of signing in, by what came of them.", ["result"]);
  const rateLimited = createCounter("qight_rate_limited_total", "Requests that met a limit.", ["scope"]);

  return {
    connections: (delta) => void (connections += delta),
    handshake: (result) => handshakes.add(1, result),
    request(method, result, seconds) {
      requests.add(1, method, result);
      durations.observe(seconds, method);
    },
    accepted(bytes) {
      accepted.add(1);
      sizes.observe(bytes);
    },
    delivered: (count) => delivered.add(count),
    expired: (count) => expired.add(count),
    commit: (result) => commits.add(1, result),
    keyPackages: (result, count) => keyPackages.add(count, result),
    login: (result) => logins.add(1, result),
    rejected: (reason) => rejected.add(1, reason),
    rateLimited: (scope) => rateLimited.add(1, scope),
    get connectionsNow() {
      return connections;
    },
    render(stats) {
      const registry = new Registry();
      const add = (metric: Counter | Histogram) => registry.registerMetric(metric.forPrometheus());
      const labels = { version: build.version, commit: build.commit ?? "unknown" };
      registry.registerMetric(gauge("qight_build_info", "Version of this relay.", 1, labels));
      registry.registerMetric(gauge("qight_connections", "Connections that are up.", connections));
      [handshakes, requests, durations, accepted, delivered, expired, rejected].forEach(add);
      registry.registerMetric(gauge("qight_messages_stored", "Messages stored now.", stats.store.messages));
      registry.registerMetric(gauge("qight_store_bytes", "Bytes of the envelopes stored now.", stats.store.bytes));
      const groups = "Groups and direct conversations stored now.";
      registry.registerMetric(gauge("qight_groups_stored", groups, stats.store.groups));
      [sizes, rateLimited, commits, keyPackages, logins].forEach(add);
      if (stats.certificateExpiresAtMs !== null) {
        registry.registerMetric(gauge(
          "qight_certificate_expiry_timestamp_seconds",
          "When the relay's TLS leaf ends, in Unix time.",
          stats.certificateExpiresAtMs / 1000,
        ));
      }
      processMetrics().forEach((metric) => registry.registerMetric(metric));
      return registry.metrics();
    },
  };
}

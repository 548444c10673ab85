/**
 * The relay's configuration as one typed value: defaults, relay.toml, environment and flags, in that order.
 * Pure: the CLI reads files and environment and hands them in.
 * @module
 */

import { dirname, isAbsolute, join } from "node:path";
import { relayDataDir } from "./config/data_dir.ts";
import { mergeSources, type Origins } from "./config/merge.ts";
import { checkTree } from "./config/problems.ts";
import type { RelayToml } from "./config/schema.ts";

export { sampleToml } from "./config/sample.ts";
export { checkOpenToTheWorld } from "./config/exposure.ts";
export { relayDataDir, relayTomlCandidates } from "./config/data_dir.ts";
export type { Origins } from "./config/merge.ts";

/** Everything an operator may set. Sizes are bytes, durations milliseconds; 0 turns a limit off. */
export interface RelayConfig {
  readonly listen: readonly string[];
  readonly advertise: string;
  readonly dataDir: string;
  readonly tls: { readonly cert: string; readonly key: string; readonly leafDays: number };
  readonly storage: {
    readonly backend: "sqlite" | "memory";
    readonly path: string;
    readonly defaultTtlMs: number;
    readonly maxTtlMs: number;
    readonly maxMessage: number;
    readonly maxMls: number;
    readonly maxQueue: number;
    readonly maxQueueBytes: number;
    readonly maxTotal: number;
  };
  readonly auth: {
    readonly mode: "open" | "token" | "allowlist" | "account";
    readonly tokensFile: string;
    readonly allow: readonly string[];
    readonly deny: readonly string[];
  };
  readonly limits: RelayLimits;
  readonly websocket: {
    /** null: the same addresses as `listen`, over TCP; []: off. */
    readonly listen: readonly string[] | null;
    readonly trustedProxies: readonly string[];
  };
  readonly http: { readonly listen: string };
  /** Announcing the relay on the local network; an empty name means the machine's. */
  readonly mdns: { readonly enabled: boolean; readonly name: string };
  readonly log: LogConfig;
}

/** Section `[limits]`. */
export interface RelayLimits {
  readonly sendPerMinute: number;
  readonly sendBurst: number;
  readonly connectionsPerIp: number;
  readonly newAccountsPerIpPerDay: number;
  readonly loginsPerIpPerHour: number;
  readonly openReportsPerAccount: number;
  readonly streamsPerConnection: number;
  readonly pendingHandshakes: number;
  readonly idleTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly drainTimeoutMs: number;
}

/** Section `[log]`. */
export interface LogConfig {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly format: "text" | "json";
  readonly addresses: "masked" | "full" | "none";
}

/** What a configuration is made of. */
export interface ConfigSources {
  /** Contents of relay.toml, when there is one. */
  readonly tomlText?: string;
  /** Its path, for error texts and as the base of relative paths in it. */
  readonly tomlPath?: string;
  /** Environment: `QIGHT_CFG__SECTION__KEY`, and what the data folder's default depends on. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Flags by the dotted key they set, for example `{ listen: ["[::]:4433"], data_dir: "/srv/relay" }`. */
  readonly flags: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Whether this process is root; asked of the system when absent. */
  readonly root?: boolean;
}

/**
 * One valid configuration and where each key came from (`default`, `relay.toml:3:1`, `QIGHT_CFG__…`, `flag`).
 * Throws `config` naming file, line, column, key and the near name of everything that is wrong.
 */
export function readRelayConfig(sources: ConfigSources): { config: RelayConfig; origins: Origins } {
  const merged = mergeSources(sources);
  const toml = checkTree(merged);
  const file = sources.tomlPath;
  // A relative path written in relay.toml means beside relay.toml, wherever the relay was started.
  const fromFile = (key: string, path: string) =>
    file !== undefined && path !== "" && !isAbsolute(path) && merged.origins[key].startsWith(`${file}:`)
      ? join(dirname(file), path)
      : path;
  const dataDir = relayDataDir({
    chosen: fromFile("data_dir", toml.data_dir),
    env: sources.env,
    root: sources.root ?? Deno.uid() === 0,
  });
  return { config: toConfig(toml, dataDir, fromFile), origins: merged.origins };
}

/** The built-in configuration with its data in `dataDir`. */
export function defaultRelayConfig(dataDir: string): RelayConfig {
  return readRelayConfig({ env: {}, flags: { data_dir: dataDir }, root: false }).config;
}

function toConfig(toml: RelayToml, dataDir: string, fromFile: (key: string, path: string) => string): RelayConfig {
  const { storage, auth, limits, websocket } = toml;
  return {
    listen: toml.listen,
    advertise: toml.advertise,
    dataDir,
    tls: {
      cert: fromFile("tls.cert", toml.tls.cert),
      key: fromFile("tls.key", toml.tls.key),
      leafDays: toml.tls.leaf_days,
    },
    storage: {
      backend: storage.backend,
      path: storage.path,
      defaultTtlMs: storage.default_ttl,
      maxTtlMs: storage.max_ttl,
      maxMessage: storage.max_message,
      maxMls: storage.max_mls,
      maxQueue: storage.max_queue,
      maxQueueBytes: storage.max_queue_bytes,
      maxTotal: storage.max_total,
    },
    auth: {
      mode: auth.mode,
      tokensFile: fromFile("auth.tokens_file", auth.tokens_file),
      allow: auth.allow,
      deny: auth.deny,
    },
    limits: {
      sendPerMinute: limits.send_per_minute,
      sendBurst: limits.send_burst,
      connectionsPerIp: limits.connections_per_ip,
      newAccountsPerIpPerDay: limits.new_accounts_per_ip_per_day,
      loginsPerIpPerHour: limits.logins_per_ip_per_hour,
      openReportsPerAccount: limits.open_reports_per_account,
      streamsPerConnection: limits.streams_per_connection,
      pendingHandshakes: limits.pending_handshakes,
      idleTimeoutMs: limits.idle_timeout,
      requestTimeoutMs: limits.request_timeout,
      drainTimeoutMs: limits.drain_timeout,
    },
    websocket: {
      listen: websocket.listen === undefined ? null : websocket.listen === "" ? [] : websocket.listen,
      trustedProxies: websocket.trusted_proxies,
    },
    http: { listen: toml.http.listen },
    mdns: toml.mdns,
    log: toml.log,
  };
}

/**
 * Every key of relay.toml: its default, its form and its limits. Unknown keys are errors.
 * @module
 */

// Not `{ z }`, nor a late import: as one object all of it would be in the bundle, 380 kB more.
import * as z from "zod";
import { asQightError } from "../../proto/errors.ts";
import { parseHostPort } from "./addresses.ts";
import { parseDuration } from "./durations.ts";
import { parseSize } from "./sizes.ts";

/** A value as TOML writes it. */
export type RawValue = string | number | boolean | string[];

/** Default of every key by its dotted path, written as in relay.toml, in the order of the sample file. */
export const defaults: Readonly<Record<string, RawValue>> = {
  listen: ["127.0.0.1:4433"],
  advertise: "",
  data_dir: "",
  "tls.cert": "",
  "tls.key": "",
  "tls.leaf_days": 30,
  "storage.backend": "sqlite",
  "storage.path": "relay.db",
  "storage.default_ttl": "7d",
  "storage.max_ttl": "30d",
  "storage.max_message": "256KiB",
  "storage.max_mls": "4MiB",
  "storage.max_queue": 10_000,
  "storage.max_queue_bytes": "64MiB",
  "storage.max_total": "10GiB",
  "auth.mode": "open",
  "auth.tokens_file": "",
  "auth.allow": [],
  "auth.deny": [],
  "limits.send_per_minute": 600,
  "limits.send_burst": 1000,
  "limits.connections_per_ip": 200,
  "limits.new_accounts_per_ip_per_day": 50,
  "limits.logins_per_ip_per_hour": 30,
  "limits.open_reports_per_account": 100,
  "limits.streams_per_connection": 64,
  "limits.pending_handshakes": 3400,
  "limits.idle_timeout": "60s",
  "limits.request_timeout": "30s",
  "limits.drain_timeout": "30s",
  "websocket.listen": [], // absent: the same addresses as the top-level listen
  "websocket.trusted_proxies": [],
  "http.listen": "127.0.0.1:9464",
  "log.level": "info",
  "log.format": "text",
  "log.addresses": "masked",
  "mdns.enabled": false,
  "mdns.name": "",
};

const day = 86_400_000;
const address = z.string().superRefine(checked(parseHostPort));
const emptyOrAddress = z.string().superRefine(checked((text) => text === "" || parseHostPort(text)));
const path = z.string().max(4096).refine((text) => !text.includes("\0"), "holds a NUL character");
const count = (min: number, max: number) => z.int().min(min).max(max);
const duration = (min: number, max: number) => bounded(parseDuration, min, max);
const size = (min: number, max: number) => bounded(parseSize, min, max);

const accountId = z.string().regex(/^(qid1[02-9ac-hj-np-z]{20,80}|QID1[02-9AC-HJ-NP-Z]{20,80}|[0-9a-fA-F]{64})$/, {
  error: "must be account ids (qid1… or 64 hex digits)",
});

// One label of DNS (63 bytes), with room for a number behind it; a dot would make two labels of it.
const instance = z.string().regex(/^[^\p{C}.]{0,48}$/u, { error: "must be at most 48 characters, without dots" })
  .refine((name) => new TextEncoder().encode(name).length <= 48, "is longer than 48 bytes");

const proxy = z.string().regex(/^[0-9a-fA-F:.]{2,45}(\/\d{1,3})?$/, {
  error: "must be IP addresses or networks such as 10.0.0.0/8",
});

/** The whole of relay.toml after defaults were filled in. */
export const relayToml = z.strictObject({
  listen: z.array(address).min(1).max(64),
  advertise: emptyOrAddress,
  data_dir: path,
  tls: z.strictObject({ cert: path, key: path, leaf_days: count(1, 398) }),
  storage: z.strictObject({
    backend: z.enum(["sqlite", "memory"]),
    path: path.min(1),
    default_ttl: duration(60_000, 90 * day),
    max_ttl: duration(60_000, 90 * day), // a client believes at most 90 days (docs/protocol.md, session proof)
    max_message: size(1024, 16 * 1024 ** 2),
    max_mls: size(64 * 1024, 4 * 1024 ** 2), // a client reads no larger MLS object
    max_queue: count(1, 10_000_000),
    max_queue_bytes: size(1024, 1024 ** 4),
    max_total: size(1024 ** 2, 1024 ** 5),
  }),
  auth: z.strictObject({
    mode: z.enum(["open", "token", "allowlist", "account"]),
    tokens_file: path,
    allow: z.array(accountId).max(100_000),
    deny: z.array(accountId).max(100_000),
  }),
  limits: z.strictObject({
    send_per_minute: count(0, 100_000_000),
    send_burst: count(0, 100_000_000),
    connections_per_ip: count(0, 1_000_000),
    new_accounts_per_ip_per_day: count(0, 1_000_000),
    logins_per_ip_per_hour: count(0, 1_000_000),
    open_reports_per_account: count(0, 1_000_000),
    streams_per_connection: count(0, 4096),
    pending_handshakes: count(0, 1_000_000),
    idle_timeout: duration(0, day),
    request_timeout: duration(0, day),
    drain_timeout: duration(0, day),
  }),
  websocket: z.strictObject({
    listen: z.union([z.literal(""), z.array(address).max(64)], {
      error: 'must be a list of addresses such as ["0.0.0.0:4433"], or "" to turn it off',
    }).optional(),
    trusted_proxies: z.array(proxy).max(1000),
  }),
  http: z.strictObject({ listen: emptyOrAddress }),
  log: z.strictObject({
    level: z.enum(["debug", "info", "warn", "error"]),
    format: z.enum(["text", "json"]),
    addresses: z.enum(["masked", "full", "none"]),
  }),
  mdns: z.strictObject({ enabled: z.boolean(), name: instance }),
}).superRefine((toml, context) => {
  const complain = (path: [string, string], message: string) => context.addIssue({ code: "custom", path, message });
  if (toml.tls.cert === "" && toml.tls.key !== "") complain(["tls", "key"], "is given without tls.cert");
  if (toml.tls.key === "" && toml.tls.cert !== "") complain(["tls", "cert"], "is given without tls.key");
  if (toml.storage.default_ttl > toml.storage.max_ttl) {
    complain(["storage", "default_ttl"], "is longer than storage.max_ttl");
  }
  if (toml.storage.max_queue_bytes < toml.storage.max_message) {
    complain(["storage", "max_queue_bytes"], "is smaller than storage.max_message");
  }
  if (toml.storage.max_total < toml.storage.max_queue_bytes) {
    complain(["storage", "max_total"], "is smaller than storage.max_queue_bytes");
  }
});

/** relay.toml as typed values: sizes in bytes, durations in milliseconds, names still as in the file. */
export type RelayToml = z.infer<typeof relayToml>;

function checked(parse: (text: string) => unknown) {
  return (text: string, context: z.RefinementCtx<string>) => {
    try {
      parse(text);
    } catch (thrown) {
      context.addIssue({ code: "custom", message: asQightError(thrown).message });
    }
  };
}

function bounded(parse: (text: string) => number, min: number, max: number) {
  return z.string().transform((text, context) => {
    try {
      const value = parse(text);
      if (value >= min && value <= max) return value;
      context.addIssue({ code: "custom", message: `${text} is ${value < min ? "too small" : "too large"}` });
    } catch (thrown) {
      const { message, code, hint } = asQightError(thrown);
      context.addIssue({ code: "custom", message: code === "bad_duration" ? `${message}: ${hint}` : message });
    }
    return z.NEVER;
  });
}

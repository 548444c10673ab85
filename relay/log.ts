/**
 * What the relay tells its operator. No ids, tokens or whole addresses at the default level.
 * @module
 */

import { getJsonLinesFormatter, getTextFormatter, type LogLevel, type LogRecord } from "@logtape/logtape";
import type { LogConfig } from "./config.ts";
import { presentable } from "./log/redaction.ts";

export { maskAddress } from "./log/redaction.ts";

/** Facts that belong to an event; undefined ones are left out. */
export type LogFields = Readonly<Record<string, unknown>>;

/** One line per event. `event` is a fixed sentence; whatever varies goes into the fields. */
export interface Log {
  /** Also for ids (account, device, request), which no higher level shows. */
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** Level, format and address masking may change while the relay runs. */
  reconfigure(config: LogConfig): void;
}

const rank = { debug: 0, info: 1, warn: 2, error: 3 } as const;
type Level = keyof typeof rank;

const formats = {
  text: getTextFormatter({
    format: ({ record }) => {
      const fields = Object.entries(record.properties).map(([name, value]) => ` ${name}=${quoted(value)}`).join("");
      const time = new Date(record.timestamp).toISOString();
      return `${time} ${shownLevel(record.level).padEnd(5)} ${record.rawMessage}${fields}`;
    },
  }),
  json: getJsonLinesFormatter({ categorySeparator: ".", properties: "nest:fields" }),
};

/** A log on standard error, or on `sink`, which gets whole lines without their end. */
export function createLog(
  config: LogConfig,
  sink: (line: string, level: Level) => void = Deno.env.get("OTEL_DENO") === "true" ? toConsole : toStandardError,
  now: () => number = Date.now,
): Log {
  let current = config;
  const at = (level: Level) => (event: string, fields: LogFields = {}) => {
    if (rank[level] < rank[current.level]) return;
    const shown = presentable(fields, { addresses: current.addresses, ids: level === "debug" });
    sink(formats[current.format](record(level, event, shown, now())).trimEnd(), level);
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    reconfigure(next) {
      current = next;
    },
  };
}

function record(level: Level, event: string, properties: Record<string, unknown>, timestamp: number): LogRecord {
  const category = ["relay"];
  const logtapeLevel: LogLevel = level === "warn" ? "warning" : level;
  return { category, level: logtapeLevel, message: [event], rawMessage: event, timestamp, properties };
}

function shownLevel(level: LogLevel): string {
  return level === "warning" ? "warn" : level;
}

function quoted(value: unknown): string {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
  return /^[A-Za-z0-9_.:/@\[\]+-]+$/.test(text) ? text : JSON.stringify(text);
}

/** What Deno sends over OTLP is what goes through its console; of that only these two end on standard error. */
function toConsole(line: string, level: Level): void {
  if (level === "error") console.error(line);
  else console.warn(line);
}

const encoder = new TextEncoder();

function toStandardError(line: string): void {
  const bytes = encoder.encode(line + "\n");
  try {
    for (let sent = 0; sent < bytes.length;) sent += Deno.stderr.writeSync(bytes.subarray(sent));
  } catch (thrown) {
    // Nobody reads the log any more; that must not stop the mail. Anything else is a real fault.
    if (!(thrown instanceof Deno.errors.BrokenPipe || thrown instanceof Deno.errors.WouldBlock)) throw thrown;
  }
}

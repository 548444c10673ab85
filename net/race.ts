/**
 * Reaching a relay: QUIC first, WebSocket half a second later in parallel, and the first that connects wins.
 * @module
 */

import { asQightError, QightError } from "../proto/errors.ts";
import { formatHostPort, type RelayAddress, trustFor } from "./address.ts";
import type { Connection, Transport, Trust } from "./connection.ts";
import { isFinal } from "./failure.ts";
import { connectQuic } from "./quic.ts";

/** One way to connect; rejects with a QightError or with the signal's reason. */
export type Connect = (
  options: { hostname: string; port: number; trust: Trust; signal: AbortSignal },
) => Promise<Connection>;

/** What to dial and how patiently; times in milliseconds. */
export interface DialOptions {
  readonly address: Pick<RelayAddress, "root" | "host" | "port">;
  readonly signal?: AbortSignal;
  /** For all attempts together; running out is `unreachable`. */
  readonly timeoutMs?: number;
  /** How long QUIC is alone. */
  readonly websocketDelayMs?: number;
  /** How long QUIC is waited for after WebSocket has failed: a closed UDP port never says so. */
  readonly quicGraceMs?: number;
  readonly transports?: readonly Exclude<Transport, "memory">[];
  /** How each transport connects; tests hand in their own. */
  readonly connect?: { readonly quic: Connect; readonly websocket: Connect };
}

/**
 * Connects to a relay. Exit 76 of any transport is final at once; `unreachable` comes when every transport has failed,
 * or when WebSocket has and QUIC stays silent. A transport that loses is closed before anything is sent over it.
 */
export function dial(options: DialOptions): Promise<Connection> {
  const { address, signal, timeoutMs = 10_000, websocketDelayMs = 500, quicGraceMs = 2_000 } = options;
  const transports = options.transports ?? ["quic", "websocket"];
  const connect = options.connect ?? { quic: connectQuic, websocket: connectWebSocketLazily };
  const name = formatHostPort(address.host, address.port);
  if (signal?.aborted) return Promise.reject(signal.reason);
  const attempts = new AbortController();
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const { promise, resolve, reject } = Promise.withResolvers<Connection>();
  let running = 0;
  let waiting = 0;
  let over = false;
  let lastError: QightError | undefined;

  const finish = (settle: () => void) => {
    if (over) return;
    over = true;
    for (const timer of timers) clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
    attempts.abort();
    settle();
  };
  const giveUp = () => finish(() => reject(signal!.reason));
  const unreachable = (why: string) =>
    finish(() => reject(lastError ?? new QightError("unreachable", `${name} cannot be reached: ${why}`)));
  const later = (ms: number, job: () => void) => {
    const timer = setTimeout(() => (timers.delete(timer), job()), ms);
    timers.add(timer);
  };

  const attempt = async (transport: "quic" | "websocket") => {
    running++;
    try {
      const trust = trustFor(address);
      const connection = await connect[transport]({
        hostname: address.host,
        port: address.port,
        trust,
        signal: attempts.signal,
      });
      if (over) connection.close();
      else finish(() => resolve(connection));
    } catch (thrown) {
      if (over) return;
      const error = asQightError(thrown, "unreachable");
      lastError = error;
      if (isFinal(error)) return finish(() => reject(error));
      running--;
      if (running === 0 && waiting === 0) return unreachable("every transport failed");
      if (transport === "quic") startWebSocket();
      else later(quicGraceMs, () => unreachable("no answer over QUIC"));
    }
  };
  const startWebSocket = () => {
    if (waiting === 0 || over) return;
    waiting = 0;
    attempt("websocket");
  };

  signal?.addEventListener("abort", giveUp, { once: true });
  later(timeoutMs, () => unreachable(`no answer within ${timeoutMs} ms`));
  if (transports.includes("websocket")) {
    waiting = 1;
    if (transports.includes("quic")) later(websocketDelayMs, startWebSocket);
    else startWebSocket();
  }
  if (transports.includes("quic")) attempt("quic");
  return promise;
}

/** Loads WebSocket only when QUIC has not answered: `ws` and node:https cost a command tens of milliseconds. */
const connectWebSocketLazily: Connect = async (options) => (await import("./websocket.ts")).connectWebSocket(options);

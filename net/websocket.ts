/**
 * WebSocket over TLS, for networks where UDP is blocked: connecting, with the same promises as QUIC.
 * @module
 */

import { WebSocket } from "ws";
import { QightError } from "../proto/errors.ts";
import { formatHostPort } from "./address.ts";
import type { Connection, Trust } from "./connection.ts";
import { classifyConnectFailure } from "./failure.ts";
import { isIpAddress } from "./tls.ts";
import { MAX_MESSAGE } from "./websocket_frame.ts";
import { DEFAULT_MAX_STREAMS, MuxConnection } from "./websocket_mux.ts";

/** The one path and the one subprotocol. */
export const WEBSOCKET_PATH = "/qight";
export const WEBSOCKET_PROTOCOL = "qight.1";
/** Response header in which a relay says how many streams a client may have open; 100 when absent. */
export const MAX_STREAMS_HEADER = "qight-max-streams";

/** Whom to connect to and how patiently; times in milliseconds. */
export interface ConnectWebSocketOptions {
  readonly hostname: string;
  readonly port: number;
  readonly trust: Trust;
  readonly signal?: AbortSignal;
  readonly handshakeTimeoutMs?: number;
  /** How often to ping; a peer that is silent for two pings is gone. */
  readonly pingMs?: number;
}

/** Connects over WebSocket; rejects with a classified QightError, or with the signal's reason. */
export async function connectWebSocket(options: ConnectWebSocketOptions): Promise<Connection> {
  const { hostname, port, trust, signal } = options;
  signal?.throwIfAborted();
  const where = formatHostPort(hostname, port);
  const socket = new WebSocket(`wss://${where}${WEBSOCKET_PATH}`, [WEBSOCKET_PROTOCOL], {
    ...(trust.caCerts.length > 0 ? { ca: [...trust.caCerts] } : {}),
    // RFC 6066 §3: an IP address is never sent as a server name.
    ...(isIpAddress(trust.serverName) ? {} : { servername: trust.serverName }),
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE,
    autoPong: false,
    followRedirects: false,
    handshakeTimeout: options.handshakeTimeoutMs ?? 10_000,
  });
  const giveUp = () => socket.terminate();
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    const maxStreams = await opened(socket);
    return new MuxConnection(socket, {
      role: "client",
      peer: { hostname, port },
      maxStreams,
      ...(options.pingMs === undefined ? {} : { pingMs: options.pingMs }),
    });
  } catch (thrown) {
    socket.terminate();
    signal?.throwIfAborted();
    throw classifyConnectFailure(thrown, { name: where, hasRoot: trust.caCerts.length > 0 });
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}

/** Resolves with the number of streams that the relay allows. */
function opened(socket: WebSocket): Promise<number> {
  let maxStreams = DEFAULT_MAX_STREAMS;
  return new Promise((resolve, reject) => {
    socket.on("upgrade", (response) => {
      const said = Number(response.headers[MAX_STREAMS_HEADER]);
      if (Number.isInteger(said) && said > 0) maxStreams = said;
    });
    // Stays in place: ws reports a terminated attempt as an error later, and nobody else listens then.
    socket.on("error", reject);
    socket.once("open", () => {
      if (socket.protocol === WEBSOCKET_PROTOCOL) resolve(maxStreams);
      else reject(new QightError("protocol", "The server does not speak qight.1 over WebSocket"));
    });
  });
}

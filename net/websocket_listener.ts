/**
 * WebSocket over TLS, for networks where UDP is blocked: listening.
 * @module
 */

import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Connection, Leaf, Listener, ListenerEvents, PeerAddress } from "./connection.ts";
import { type ForwardedFor, forwardedFor } from "./forwarded.ts";
import { AsyncQueue } from "./queue.ts";
import { listenFailure, socketAddress } from "./socket.ts";
import { MAX_STREAMS_HEADER, WEBSOCKET_PATH, WEBSOCKET_PROTOCOL } from "./websocket.ts";
import { MAX_MESSAGE } from "./websocket_frame.ts";
import { DEFAULT_MAX_STREAMS, MuxConnection } from "./websocket_mux.ts";

/** Where and how to listen; times in milliseconds. */
export interface ListenWebSocketOptions {
  readonly hostname: string;
  readonly port: number;
  readonly leaf: Leaf;
  readonly maxStreams?: number;
  /** How often to ping; a peer that is silent for two pings is gone. */
  readonly pingMs?: number;
  /** TCP connections that have not become WebSockets yet; more are dropped. */
  readonly pendingLimit?: number;
  readonly handshakeTimeoutMs?: number;
  /** Proxies (addresses or CIDR networks) whose X-Forwarded-For names the peer. */
  readonly trustedProxies?: readonly string[];
  readonly events?: ListenerEvents;
}

/** Listens for WebSocket connections; rejects with `port_taken` or `config` when the socket cannot be had. */
export async function listenWebSocket(options: ListenWebSocketOptions): Promise<Listener> {
  const listener = new WebSocketListener(options);
  try {
    await listener.listen(options.hostname, options.port);
    return listener;
  } catch (thrown) {
    throw listenFailure(thrown, "tcp", options.hostname, options.port);
  }
}

class WebSocketListener implements Listener {
  address: PeerAddress = { hostname: "", port: 0 };
  readonly #options: ListenWebSocketOptions;
  readonly #https: Server;
  readonly #upgrader: WebSocketServer;
  readonly #connections = new AsyncQueue<Connection>();
  readonly #live = new Set<MuxConnection>();
  /** TCP connections that are not WebSockets yet, by their remote address and port. */
  readonly #pending = new Map<string, PendingSocket>();
  readonly #forwardedFor: ForwardedFor;
  #stopped?: Promise<void>;

  constructor(options: ListenWebSocketOptions) {
    this.#options = options;
    this.#forwardedFor = forwardedFor(options.trustedProxies ?? []);
    this.#upgrader = new WebSocketServer({
      noServer: true,
      maxPayload: MAX_MESSAGE,
      perMessageDeflate: false,
      autoPong: false,
      handleProtocols: () => WEBSOCKET_PROTOCOL,
    });
    this.#upgrader.on("headers", (headers) => {
      headers.push(`${MAX_STREAMS_HEADER}: ${options.maxStreams ?? DEFAULT_MAX_STREAMS}`);
    });
    this.#https = createServer(
      { cert: options.leaf.cert, key: options.leaf.key, maxHeaderSize: 16_384 },
      (_request, response) => {
        response.writeHead(426, { connection: "close", "content-type": "text/plain" }).end(
          "qight speaks WebSocket here\n",
        );
      },
    );
    this.#https.on("connection", (socket: Socket) => this.#tcp(socket));
    this.#https.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#https.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  get connections(): AsyncIterable<Connection> {
    return this.#connections;
  }

  get pending(): number {
    return this.#pending.size;
  }

  listen(hostname: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#https.once("error", reject);
      this.#https.listen({ host: hostname, port }, () => {
        this.#https.off("error", reject);
        const bound = this.#https.address();
        if (bound && typeof bound === "object") {
          this.address = socketAddress({ hostname: bound.address, port: bound.port });
        }
        resolve();
      });
    });
  }

  renew(leaf: Leaf): void {
    this.#https.setSecureContext({ cert: leaf.cert, key: leaf.key });
  }

  stop(): void {
    this.#stopped ??= new Promise((resolve) => this.#https.close(() => resolve()));
    this.#connections.end();
    for (const pending of this.#pending.values()) pending.socket.destroy();
  }

  async close(): Promise<void> {
    this.stop();
    for (const connection of this.#live) connection.close();
    await Promise.all([...this.#live].map((connection) => connection.closed));
    await this.#stopped;
  }

  #tcp(socket: Socket): void {
    const { pendingLimit = 5_000, handshakeTimeoutMs = 10_000, events } = this.#options;
    if (this.#stopped || this.#pending.size >= pendingLimit) {
      socket.destroy();
      events?.onHandshake?.("refused");
      return;
    }
    const key = keyOf(socket);
    const from = socketAddress({ hostname: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 });
    const finish = (result: "ok" | "failed" | "timeout") => {
      if (this.#pending.get(key) !== pending) return;
      clearTimeout(timer);
      this.#pending.delete(key);
      if (result !== "ok") socket.destroy();
      events?.onHandshake?.(result, from);
    };
    const timer = setTimeout(() => finish("timeout"), handshakeTimeoutMs);
    const pending = { socket, finish };
    this.#pending.set(key, pending);
    socket.on("error", () => finish("failed"));
    socket.once("close", () => finish("failed"));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    const refusal = refusalOf(request);
    if (refusal || this.#stopped) {
      socket.end(`HTTP/1.1 ${refusal ?? "503 Service Unavailable"}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#upgrader.handleUpgrade(request, socket, head as never, (upgraded) => this.#open(upgraded, request));
  }

  #open(socket: WebSocket, request: IncomingMessage): void {
    const { maxStreams, pingMs } = this.#options;
    this.#pending.get(keyOf(request.socket))?.finish("ok");
    const from = socketAddress({
      hostname: request.socket.remoteAddress ?? "",
      port: request.socket.remotePort ?? 0,
    });
    const header = request.headers["x-forwarded-for"];
    const hostname = this.#forwardedFor(from.hostname, Array.isArray(header) ? header.join(",") : header);
    const connection = new MuxConnection(socket, {
      role: "server",
      peer: { hostname, port: from.port },
      ...(maxStreams === undefined ? {} : { maxStreams }),
      ...(pingMs === undefined ? {} : { pingMs }),
    });
    this.#live.add(connection);
    connection.closed.then(() => this.#live.delete(connection));
    if (!this.#connections.push(connection)) connection.close();
  }
}

interface PendingSocket {
  readonly socket: Socket;
  finish(result: "ok" | "failed" | "timeout"): void;
}

/** The HTTP status line for a request that may not become a connection. */
function refusalOf(request: IncomingMessage): string | undefined {
  if (request.url !== WEBSOCKET_PATH) return "404 Not Found";
  // A web page would speak with the user's own network position; browsers come with the web step.
  if (request.headers.origin !== undefined) return "403 Forbidden";
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  return offered.includes(WEBSOCKET_PROTOCOL) ? undefined : "400 Bad Request";
}

function keyOf(socket: { remoteAddress?: string; remotePort?: number }): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

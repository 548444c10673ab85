/**
 * QUIC, the transport of first choice. The only file that touches Deno's QUIC, which is unstable and full of traps.
 * @module
 */

import type { Connection, Leaf, Listener, ListenerEvents, PeerAddress, Trust } from "./connection.ts";
import { classifyConnectFailure } from "./failure.ts";
import { listenFailure, socketAddress } from "./socket.ts";
import { QuicConnection } from "./quic_connection.ts";
import { AsyncQueue } from "./queue.ts";

/** The protocol name that clients of a relay ask for. */
export const CLIENT_ALPN = "qight/1";

/** Whom to connect to and how patiently; times in milliseconds. */
export interface ConnectQuicOptions {
  readonly hostname: string;
  readonly port: number;
  readonly trust: Trust;
  readonly alpn?: string;
  /** A closed UDP port gives no error: without a signal it takes `idleTimeoutMs` to notice that nobody is there. */
  readonly signal?: AbortSignal;
  readonly keepAliveMs?: number;
  readonly idleTimeoutMs?: number;
}

/** Connects over QUIC, never with 0-RTT; rejects with a classified QightError, or with the signal's reason. */
export async function connectQuic(options: ConnectQuicOptions): Promise<Connection> {
  const { hostname, port, trust, signal, alpn = CLIENT_ALPN } = options;
  signal?.throwIfAborted();
  const peer = { name: `${hostname}:${port}`, hasRoot: trust.caCerts.length > 0 };
  let endpoint: Deno.QuicEndpoint | undefined;
  // Closing the endpoint is the only way to make Deno give up a connection attempt.
  const giveUp = () => endpoint?.close();
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    endpoint = takeEndpoint();
    const conn = await Deno.connectQuic({
      endpoint,
      hostname,
      port,
      serverName: trust.serverName,
      ...(trust.caCerts.length > 0 ? { caCerts: [...trust.caCerts] } : {}),
      alpnProtocols: [alpn],
      // A relay that was killed says nothing: a reader that follows notices when the idle time is over.
      keepAliveInterval: options.keepAliveMs ?? 4_000,
      maxIdleTimeout: options.idleTimeoutMs ?? 12_000,
      // Only clients open streams.
      maxConcurrentBidirectionalStreams: 0,
      maxConcurrentUnidirectionalStreams: 0,
    });
    signal?.throwIfAborted();
    const connection = new QuicConnection(conn);
    const socket = endpoint;
    connection.closed.then(() => returnEndpoint(socket));
    return connection;
  } catch (thrown) {
    endpoint?.close();
    signal?.throwIfAborted();
    throw classifyConnectFailure(thrown, peer);
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}

/** Where and how to listen; times in milliseconds. */
export interface ListenQuicOptions {
  readonly hostname: string;
  readonly port: number;
  readonly leaf: Leaf;
  readonly alpn?: readonly string[];
  /** Streams that one client may have open at once (each pins up to 1.25 MB, docs/decisions/0001-deno-quic.md 5). */
  readonly maxStreams?: number;
  readonly idleTimeoutMs?: number;
  /** Handshakes begun and not finished; more are ignored until there is room, and clients repeat by themselves. */
  readonly pendingLimit?: number;
  /** A handshake that finishes later than this is closed; one that never does ends with `idleTimeoutMs`, or UNDER_FLOOD. */
  readonly handshakeTimeoutMs?: number;
  readonly events?: ListenerEvents;
}

/** Listens for QUIC connections; rejects with `port_taken` or `config` when the socket cannot be had. */
export async function listenQuic(options: ListenQuicOptions): Promise<Listener> {
  let endpoint: Deno.QuicEndpoint | undefined;
  try {
    endpoint = new Deno.QuicEndpoint({ hostname: options.hostname, port: options.port });
    return new QuicListener(endpoint, options);
  } catch (thrown) {
    endpoint?.close();
    throw listenFailure(thrown, "udp", options.hostname, options.port);
  }
}

/**
 * From this share of the pending limit on, handshakes are begun under conditions of their own. A handshake that stalls cannot
 * be closed before its idle time is over (accept() hands out nothing until it is done), so that time becomes as short as
 * quinn allows: three probe timeouts, 1 s each. A flood is then endured up to (1 - share) * limit / 3 s first packets a second.
 * Keep-alive from our side holds those that do connect although their idle time is short.
 */
const FLOOD_SHARE = 0.25;
const UNDER_FLOOD = { maxIdleTimeout: 3_000, keepAliveInterval: 1_000 };

class QuicListener implements Listener {
  readonly address: PeerAddress;
  readonly #endpoint: Deno.QuicEndpoint;
  #listener: Deno.QuicListener;
  readonly #options: ListenQuicOptions;
  readonly #pendingLimit: number;
  readonly #connections = new AsyncQueue<Connection>();
  #pending = 0;
  #stopped = false;

  constructor(endpoint: Deno.QuicEndpoint, options: ListenQuicOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#pendingLimit = options.pendingLimit ?? 4_000;
    this.#listener = endpoint.listen(this.#transport(options.leaf));
    this.address = socketAddress(endpoint.addr);
    this.#acceptAll(this.#listener);
  }

  get connections(): AsyncIterable<Connection> {
    return this.#connections;
  }

  get pending(): number {
    return this.#pending;
  }

  renew(leaf: Leaf): void {
    // A second listen() replaces the certificate of the endpoint.
    this.#listener = this.#endpoint.listen(this.#transport(leaf));
    this.#acceptAll(this.#listener);
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#listener.stop();
    this.#connections.end();
  }

  async close(): Promise<void> {
    this.stop();
    for (const connection of this.#connections.drain()) connection.close();
    this.#endpoint.close();
  }

  async #acceptAll(listener: Deno.QuicListener): Promise<void> {
    try {
      for await (const incoming of listener as AsyncIterable<Deno.QuicIncoming>) {
        // Never read incoming.remoteAddr here: the getter consumes the connection (docs/decisions/0001-deno-quic.md 1).
        if (this.#stopped) incoming.refuse();
        else if (this.#pending >= this.#pendingLimit) {
          incoming.ignore();
          this.#options.events?.onHandshake?.("refused");
        } else this.#handshake(incoming, listener); // not awaited: one that stalls must not delay the others (fact 2)
        if (listener !== this.#listener) return; // renewed: the loop over the newer one goes on
      }
    } catch {
      // The endpoint is gone (close), or the socket broke: either way the loop over `connections` ends.
    }
    this.#connections.end();
  }

  async #handshake(incoming: Deno.QuicIncoming, listener: Deno.QuicListener): Promise<void> {
    const { events, handshakeTimeoutMs = 10_000 } = this.#options;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      events?.onHandshake?.("timeout");
    }, handshakeTimeoutMs);
    this.#pending++;
    try {
      // accept() with options takes the certificate of the listener that it came from, without them the endpoint's newest.
      const flood = this.#pending > this.#pendingLimit * FLOOD_SHARE && listener === this.#listener;
      const conn = await incoming.accept(flood ? { ...this.#limits(), ...UNDER_FLOOD } : undefined);
      const connection = new QuicConnection(conn);
      if (late || !this.#connections.push(connection)) connection.close();
      if (!late) events?.onHandshake?.("ok");
    } catch (thrown) {
      // The peer went away, fell silent or refused our certificate; it is counted, and there is nobody to tell.
      if (!late) events?.onHandshake?.(String(thrown).includes("timed out") ? "timeout" : "failed");
    } finally {
      this.#pending--;
      clearTimeout(timer);
    }
  }

  #transport(leaf: Leaf): Deno.QuicListenOptions {
    return {
      cert: leaf.cert,
      key: leaf.key,
      alpnProtocols: [...this.#options.alpn ?? [CLIENT_ALPN]],
      ...this.#limits(),
    };
  }

  #limits(): Deno.QuicTransportOptions {
    return {
      maxIdleTimeout: this.#options.idleTimeoutMs ?? 30_000,
      maxConcurrentBidirectionalStreams: this.#options.maxStreams ?? 100,
      maxConcurrentUnidirectionalStreams: 0,
    };
  }
}

// Sockets whose connection is over. Deno releases a UDP socket only when garbage is collected, so a client that connects
// again and again would run out of descriptors; each attempt needs its own socket because closing it is the way to give up.
const idleEndpoints: Deno.QuicEndpoint[] = [];
const IDLE_ENDPOINTS = 16;

function takeEndpoint(): Deno.QuicEndpoint {
  const idle = idleEndpoints.pop();
  if (idle) return idle;
  try {
    return new Deno.QuicEndpoint({ hostname: "::", port: 0 }); // dual-stack
  } catch {
    // A machine without IPv6 cannot bind "::"; if IPv4 fails as well, that error is the one to show.
    return new Deno.QuicEndpoint({ hostname: "0.0.0.0", port: 0 });
  }
}

function returnEndpoint(endpoint: Deno.QuicEndpoint): void {
  if (idleEndpoints.length < IDLE_ENDPOINTS) idleEndpoints.push(endpoint);
  else endpoint.close();
}

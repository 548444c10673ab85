/**
 * What every transport offers: connections that carry many bidirectional byte streams.
 * QUIC, WebSocket and memory implement this; one contract suite runs over all of them.
 * @module
 */

/** One bidirectional stream of bytes. End of stream never carries meaning: messages are length-prefixed. */
export interface ByteStream {
  /** The next bytes as they arrive; null when the peer ended its side. Rejects when the stream or connection broke. */
  read(): Promise<Uint8Array | null>;
  /** Resolves when the bytes are handed to the transport and there is room for more (backpressure). */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends our sending side; reading goes on. */
  end(): Promise<void>;
  /** Gives up both directions at once; idempotent, never throws. */
  reset(code?: number): void;
}

/** A peer's address, for limits and masked logs. */
export interface PeerAddress {
  readonly hostname: string;
  readonly port: number;
}

/** Why a connection ended; `error` is absent after an orderly close by either side. */
export interface CloseReason {
  readonly code: number;
  readonly reason: string;
  readonly error?: Error;
}

/** Which mover of bytes a connection uses. */
export type Transport = "quic" | "websocket" | "memory";

/** A live connection to a peer. */
export interface Connection {
  readonly transport: Transport;
  readonly peer: PeerAddress;
  /** Opens a stream to the peer; waits while the peer's stream limit is reached. */
  openStream(): Promise<ByteStream>;
  /** Streams that the peer opens, in order; ends when the connection does. Iterate once. */
  readonly incoming: AsyncIterable<ByteStream>;
  /** Resolves (never rejects) when the connection is over. */
  readonly closed: Promise<CloseReason>;
  /** Closes at once. The side that receives last closes, else bytes in flight are lost (docs/decisions/0001-deno-quic.md 3). */
  close(code?: number, reason?: string): void;
}

/** A certificate chain and its key, PEM. */
export interface Leaf {
  readonly cert: string;
  readonly key: string;
}

/** A socket that accepts connections. */
export interface Listener {
  readonly address: PeerAddress;
  /** Fully established connections; a stalled handshake never delays another (docs/decisions/0001-deno-quic.md 2). Iterate once. */
  readonly connections: AsyncIterable<Connection>;
  /** New connections get this leaf; established ones live on. */
  renew(leaf: Leaf): void;
  /** Handshakes begun and not finished. */
  readonly pending: number;
  /** Stops accepting; connections that are up stay until `close` of each or of the process. */
  stop(): void;
  /** Stops and releases the socket. */
  close(): Promise<void>;
}

/** Whom a client trusts at the other end. */
export interface Trust {
  /** PEM roots; empty means the ordinary certificate roots. */
  readonly caCerts: readonly string[];
  /** Name that the leaf must carry. */
  readonly serverName: string;
}

/** What a server counts and logs about handshakes that came to nothing. */
export interface ListenerEvents {
  /** `from` only where a packet went there and back: over UDP anybody may write any sender's address on a first packet. */
  onHandshake?(result: "ok" | "failed" | "refused" | "timeout", from?: PeerAddress): void;
}

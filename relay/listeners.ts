/**
 * Opens the relay's sockets: QUIC on every address of `listen`, WebSocket on the same numbers over TCP.
 * @module
 */
import type { Leaf, Listener, ListenerEvents } from "../net/connection.ts";
import { listenQuic } from "../net/quic.ts";
import { listenWebSocket } from "../net/websocket_listener.ts";
import { QightError } from "../proto/errors.ts";
import type { RelayConfig } from "./config.ts";
import { parseHostPort } from "./config/addresses.ts";

/** All sockets of a relay. */
export interface Listeners {
  readonly all: readonly Listener[];
  /** Port of the first QUIC listener. */
  readonly port: number;
  readonly transports: readonly string[];
  close(): Promise<void>;
}

/** Tries for a free port whose number is free for both UDP and TCP. */
const ANY_PORT_TRIES = 20;

/** Opens them all or none; a port that is taken is `port_taken` and names the key. */
export async function openListeners(
  config: RelayConfig,
  leaf: Leaf,
  onHandshake: NonNullable<ListenerEvents["onHandshake"]>,
): Promise<Listeners> {
  const anyPort = config.listen.some((address) => parseHostPort(address).port === 0);
  for (let tries = anyPort ? ANY_PORT_TRIES : 1;; tries--) {
    try {
      return await openAll(config, leaf, onHandshake);
    } catch (thrown) {
      // The system chose a UDP port whose number another program uses over TCP: it may choose again.
      if (tries <= 1 || !(thrown instanceof QightError) || thrown.code !== "port_taken") throw thrown;
    }
  }
}

async function openAll(
  config: RelayConfig,
  leaf: Leaf,
  onHandshake: NonNullable<ListenerEvents["onHandshake"]>,
): Promise<Listeners> {
  const opened: Listener[] = [];
  const events = { onHandshake };
  const close = async () => {
    await Promise.all(opened.map((listener) => listener.close()));
  };
  try {
    for (const address of config.listen) {
      const { hostname, port } = parseHostPort(address);
      opened.push(
        await naming(
          "listen",
          () =>
            listenQuic({
              hostname,
              port,
              leaf,
              maxStreams: config.limits.streamsPerConnection || undefined,
              idleTimeoutMs: config.limits.idleTimeoutMs || undefined,
              pendingLimit: config.limits.pendingHandshakes || undefined,
              events,
            }),
        ),
      );
    }
    const quicPorts = opened.map((listener) => listener.address.port);
    const webSocketAddresses = config.websocket.listen ?? config.listen;
    for (const [i, address] of webSocketAddresses.entries()) {
      const { hostname, port } = parseHostPort(address);
      // The same number as QUIC took, also when any free one was asked for (0).
      const samePort = config.websocket.listen === null ? quicPorts[i] : port;
      opened.push(
        await naming(
          "websocket.listen",
          () =>
            listenWebSocket({
              hostname,
              port: samePort,
              leaf,
              maxStreams: config.limits.streamsPerConnection || undefined,
              pendingLimit: config.limits.pendingHandshakes || undefined,
              trustedProxies: config.websocket.trustedProxies,
              events,
            }),
        ),
      );
    }
    const transports = webSocketAddresses.length > 0 ? ["quic", "websocket"] : ["quic"];
    return { all: opened, port: quicPorts[0], transports, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function naming<T>(key: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (thrown) {
    if (!(thrown instanceof QightError) || thrown.code !== "port_taken") throw thrown;
    throw new QightError("port_taken", `${thrown.message} (key: ${key})`, { cause: thrown });
  }
}

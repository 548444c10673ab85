/**
 * Real sockets of a relay that is not to be trusted: QUIC and WebSocket on one loopback port, under a real root key.
 * @module
 */
import { formatRelayAddress } from "../../../net/address.ts";
import type { Connection, Listener } from "../../../net/connection.ts";
import { listenQuic } from "../../../net/quic.ts";
import { issueLeaf } from "../../../net/tls.ts";
import { listenWebSocket } from "../../../net/websocket_listener.ts";
import { QightError } from "../../../proto/errors.ts";
import { parseRootKey, type RootKey, rootKeyFromSeed } from "../../../relay/data_folder/root_key.ts";

/** The sockets, and the address that clients dial. */
export interface HostileSockets extends AsyncDisposable {
  readonly address: string;
  readonly port: number;
  readonly root: RootKey;
}

/** Where to listen and under which key; the system chooses a port and chance a key unless they are given. */
export interface HostileSocketOptions {
  readonly root?: RootKey;
  readonly port?: number;
  serve(connection: Connection): Promise<void>;
}

/** Tries for a port number that is free for both UDP and TCP. */
const PORT_TRIES = 20;

/** Opens both sockets and serves what connects; `port_taken` when the given port cannot be had. */
export async function openHostileSockets(options: HostileSocketOptions): Promise<HostileSockets> {
  const root = options.root ?? await rootKeyFromSeed(crypto.getRandomValues(new Uint8Array(32)));
  const hostname = "127.0.0.1";
  const leaf = await issueLeaf({
    rootPrivateKey: root.privateKey,
    rootPublicKey: root.publicKey,
    hosts: [hostname],
    notAfter: new Date(Date.now() + 24 * 3600_000),
  });
  const listeners = await openBoth(async (port) => {
    const quic = await listenQuic({ hostname, port, leaf });
    try {
      return [quic, await listenWebSocket({ hostname, port: quic.address.port, leaf })];
    } catch (thrown) {
      await quic.close();
      throw thrown;
    }
  }, options.port ?? 0);
  const serving = listeners.map((listener) => serveAll(listener, options.serve));
  const { port } = listeners[0].address;
  return {
    address: formatRelayAddress({ root: root.publicKey, host: hostname, port }),
    port,
    root,
    async [Symbol.asyncDispose]() {
      await Promise.all(listeners.map((listener) => listener.close()));
      await Promise.all(serving);
    },
  };
}

/** The root key of a real relay's data folder: whoever operates the relay has it. */
export async function stolenRootKey(dataDir: string): Promise<RootKey> {
  const path = `${dataDir}/root.key`;
  return await rootKeyFromSeed(parseRootKey(await Deno.readTextFile(path), path));
}

async function openBoth(open: (port: number) => Promise<Listener[]>, port: number): Promise<Listener[]> {
  for (let tries = port === 0 ? PORT_TRIES : 1;; tries--) {
    try {
      return await open(port);
    } catch (thrown) {
      if (tries <= 1 || !(thrown instanceof QightError) || thrown.code !== "port_taken") throw thrown;
    }
  }
}

async function serveAll(listener: Listener, serve: (connection: Connection) => Promise<void>): Promise<void> {
  for await (const connection of listener.connections) {
    serve(connection).catch(() => connection.close()); // whatever broke, the client sees a connection that is over
  }
}

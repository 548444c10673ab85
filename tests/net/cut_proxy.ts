/**
 * Proxies on loopback that can go dead in the middle, as a network does.
 * @module
 */

import type net from "node:net";
import type { PeerAddress } from "../../net/connection.ts";
import { tcpForwarder } from "../helpers/tcp_forwarder.ts";

/** A proxy in front of one server. */
export interface CutProxy {
  readonly address: PeerAddress;
  /** From now on nothing passes; TCP connections are torn down. */
  cut(): void;
  close(): Promise<void>;
}

/** Forwards datagrams of one client to `target` and back. */
export function udpProxy(target: PeerAddress): CutProxy {
  const front = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const back = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  let client: Deno.Addr | undefined;
  let dead = false;
  const forward = async (from: Deno.DatagramConn, to: Deno.DatagramConn, where: () => Deno.Addr | undefined) => {
    for await (const [datagram, sender] of from) {
      if (from === front) client = sender;
      const destination = where();
      if (!dead && destination) await to.send(datagram, destination);
    }
  };
  const running = [
    forward(front, back, () => ({ transport: "udp", ...target })),
    forward(back, front, () => client),
  ];
  return {
    address: { hostname: "127.0.0.1", port: (front.addr as Deno.NetAddr).port },
    cut: () => dead = true,
    async close() {
      front.close();
      back.close();
      await Promise.all(running);
    },
  };
}

/** Forwards TCP connections to `target`. */
export async function tcpProxy(target: PeerAddress): Promise<CutProxy> {
  const sockets = new Set<net.Socket>();
  const server = tcpForwarder(target, sockets);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const cut = () => sockets.forEach((socket) => socket.destroy());
  return {
    address: { hostname: "127.0.0.1", port: (server.address() as net.AddressInfo).port },
    cut,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      await closed;
    },
  };
}

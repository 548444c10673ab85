/** Carries TCP connections to another port, for proxies that cut or count. @module */
import net from "node:net";

/** A server, not listening yet, that forwards to `target`; both ends of each connection are in `sockets` while it lives. */
export function tcpForwarder(target: { hostname: string; port: number }, sockets: Set<net.Socket>): net.Server {
  const track = (socket: net.Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    return socket;
  };
  return net.createServer((front) => {
    const back = track(net.connect(target.port, target.hostname));
    track(front).pipe(back).pipe(front);
  });
}

/**
 * Slow peers, in a process of its own: `slow_process.ts KIND ADDRESS COUNT`. Speaks as flood_process.ts does: "ready", then
 * from the first line of its input to its end, and at last how many of its connections or streams the relay still served.
 *
 * idle:   COUNT QUIC connections that keep themselves alive and never say hello.
 * frames: COUNT streams over as few connections as go, each of which sends one byte of a frame in ten seconds.
 * tcp:    COUNT sockets on the TCP port: a third says nothing, a third sends one byte of a request a second inside TLS, a
 *         third are WebSockets that stop in the middle of a message.
 * @module
 */
import net from "node:net";
import tls from "node:tls";
import { WebSocket } from "ws";
import { parseRelayAddress, trustFor } from "../../../net/address.ts";
import type { ByteStream, Connection } from "../../../net/connection.ts";
import { connectQuic } from "../../../net/quic.ts";
import { WEBSOCKET_PATH, WEBSOCKET_PROTOCOL } from "../../../net/websocket.ts";
import { LineReader } from "../lines.ts";

const [kind, address, countText] = Deno.args;
const count = Number(countText);
const target = parseRelayAddress(address);
const trust = trustFor(target);
const where = { hostname: target.host, port: target.port };
const FRAME_BYTE_MS = 10_000, REQUEST_BYTE_MS = 1_000;
const STREAMS_EACH = 64, AT_ONCE = 50, SET_UP_MS = 8_000;

// The relay may break any of these connections at any time, which is what it should do.
globalThis.addEventListener("unhandledrejection", (event) => event.preventDefault());

async function idle(): Promise<() => number> {
  const open = new Set<Connection>();
  for (let n = 0; n < count; n += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - n) }, () => connect(open)));
  }
  return () => open.size;
}

async function frames(): Promise<() => number> {
  const open = new Set<Connection>(), streams = new Set<ByteStream>();
  while (open.size * STREAMS_EACH < count && !setUp.aborted) await connect(open);
  for (const connection of open) {
    for (let n = 0; n < STREAMS_EACH && streams.size < count; n++) streams.add(await connection.openStream());
  }
  const drip = () => {
    for (const stream of streams) stream.write(Uint8Array.of(0)).catch(() => streams.delete(stream));
  };
  for (const stream of streams) stream.read().then(() => streams.delete(stream), () => streams.delete(stream));
  drip();
  setInterval(drip, FRAME_BYTE_MS);
  return () => streams.size;
}

/** A relay that does not let the attacker in gets fewer of these connections; the count says so. */
async function connect(open: Set<Connection>): Promise<void> {
  const connection = await connectQuic({ ...where, trust, signal: setUp }).catch(() => null);
  if (!connection) return;
  open.add(connection);
  connection.closed.then(() => open.delete(connection));
}

async function tcp(): Promise<() => number> {
  const open = new Set<object>();
  const keep = (socket: net.Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket)).on("error", () => open.delete(socket));
    return socket;
  };
  const secured = { host: where.hostname, port: where.port, rejectUnauthorized: false };
  const opening = Array.from({ length: count }, (_, n) =>
    new Promise<void>((resolve) => {
      if (n % 3 === 0) keep(net.connect(where.port, where.hostname, resolve)).on("error", () => resolve());
      else if (n % 3 === 1) {
        const socket = tls.connect(secured, () => {
          const request = `GET ${WEBSOCKET_PATH} HTTP/1.1\r\nHost: x\r\nX-Slow: ${"a".repeat(10_000)}`;
          let at = 0;
          const timer = setInterval(
            () => socket.destroyed ? clearInterval(timer) : socket.write(request[at++]),
            REQUEST_BYTE_MS,
          );
          resolve();
        });
        keep(socket).on("error", () => resolve());
      } else {
        const url = `wss://${where.hostname}:${where.port}${WEBSOCKET_PATH}`;
        const socket = new WebSocket(url, [WEBSOCKET_PROTOCOL], {
          rejectUnauthorized: false,
          perMessageDeflate: false,
        });
        socket.on("open", () => {
          open.add(socket);
          socket.send(new Uint8Array(1000), { binary: true, fin: false });
          resolve();
        });
        socket.on("close", () => open.delete(socket)).on("error", () => resolve());
      }
    }));
  await Promise.all(opening);
  return () => open.size;
}

const input = new LineReader(Deno.stdin.readable);
const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
say("ready");
await input.next();
const setUp = AbortSignal.timeout(SET_UP_MS);
const served = await { idle, frames, tcp }[kind as "idle" | "frames" | "tcp"]();
say("begun");
await input.next();
say(String(served()));
Deno.exit(0);

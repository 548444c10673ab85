/** What a WebSocket peer must not do, row by row, and the close code that answers it. @module */

import assert from "node:assert/strict";
import { createServer, request } from "node:https";
import { WebSocket, WebSocketServer } from "ws";
import type { Connection } from "../../net/connection.ts";
import { connectWebSocket } from "../../net/websocket.ts";
import { encodeFrame, encodeNumber, Flag, MAX_MESSAGE, MAX_PAYLOAD } from "../../net/websocket_frame.ts";
import { listenWebSocket, type ListenWebSocketOptions } from "../../net/websocket_listener.ts";
import { QightError } from "../../proto/errors.ts";
import { bytes, readAll, serveEach } from "../contracts/connection_contract.ts";
import { testRoot } from "./relay_fixture.ts";

const root = await testRoot();
const leaf = await root.leaf();
const tls = { ca: [...root.trust.caCerts], servername: root.trust.serverName };

const open = (id: number) => encodeFrame(id, Flag.open);
const data = (id: number, length: number) => encodeFrame(id, Flag.data, bytes(length, id));
const end = (id: number) => encodeFrame(id, Flag.end);
/** Four full frames: the whole credit of a stream. */
const window = (id: number) => Array.from({ length: 4 }, () => data(id, MAX_PAYLOAD));

const rows: { what: string; sends: (Uint8Array | string)[]; code: number }[] = [
  { what: "data for a stream that was never opened", sends: [data(1, 1)], code: 1002 },
  { what: "credit for a stream that was never opened", sends: [encodeNumber(1, Flag.credit, 1)], code: 1002 },
  { what: "an even stream id", sends: [open(2)], code: 1002 },
  { what: "a first id that is not 1", sends: [open(3)], code: 1002 },
  { what: "a skipped id", sends: [open(1), open(5)], code: 1002 },
  { what: "a reused id", sends: [open(1), open(1)], code: 1002 },
  { what: "data after end", sends: [open(1), end(1), data(1, 1)], code: 1002 },
  { what: "a second end", sends: [open(1), end(1), end(1)], code: 1002 },
  { what: "one byte more than the credit of a stream", sends: [open(1), ...window(1), data(1, 1)], code: 1002 },
  {
    what: "more than 4 MiB on streams that each keep their credit",
    sends: Array.from({ length: 17 }, (_, n) => [open(2 * n + 1), ...window(2 * n + 1)]).flat(),
    code: 1002,
  },
  { what: "credit for data that was never sent", sends: [open(1), encodeNumber(1, Flag.credit, 1)], code: 1002 },
  { what: "an unknown flag", sends: [encodeFrame(1, 6 as Flag)], code: 1002 },
  { what: "flag zero", sends: [encodeFrame(1, 0 as Flag)], code: 1002 },
  { what: "a message shorter than its header", sends: [new Uint8Array(4)], code: 1002 },
  { what: "open with a payload", sends: [encodeFrame(1, Flag.open, bytes(1, 1))], code: 1002 },
  { what: "end with a payload", sends: [open(1), encodeFrame(1, Flag.end, bytes(1, 1))], code: 1002 },
  { what: "credit without a number", sends: [open(1), encodeFrame(1, Flag.credit)], code: 1002 },
  { what: "reset with half a code", sends: [open(1), encodeFrame(1, Flag.reset, bytes(2, 1))], code: 1002 },
  { what: "a text message", sends: ["hello"], code: 1003 },
  { what: "a message one byte too long", sends: [new Uint8Array(MAX_MESSAGE + 1)], code: 1009 },
  { what: "a message of 40 MiB", sends: [new Uint8Array(40 * 1024 * 1024)], code: 1009 },
];

for (const { what, sends, code } of rows) {
  Deno.test(`websocket relay: ${what} closes ${code}`, async () => {
    await using relay = await unreadRelay();
    const socket = await rawClient(relay.port);
    const closed = closeOf(socket);
    for (const message of sends) socket.send(message);
    assert.equal((await closed).code, code);
    const reason = await (await relay.connection).closed;
    assert.equal((reason.error as QightError).code, "protocol");
  });
}

Deno.test("websocket relay: the whole credit of a stream and of the connection may be used", async () => {
  await using relay = await unreadRelay();
  const socket = await rawClient(relay.port);
  for (let n = 0; n < 16; n++) [open(2 * n + 1), ...window(2 * n + 1)].forEach((message) => socket.send(message));
  const pong = new Promise((resolve) => socket.once("pong", resolve));
  socket.ping(); // answered after all of the above was taken in
  await pong;
  assert.equal(socket.readyState, WebSocket.OPEN);
  socket.terminate();
});

Deno.test("websocket relay: a stream too many is reset as busy, and what comes before its end is ignored", async () => {
  await using relay = await unreadRelay({ maxStreams: 2 });
  const socket = await rawClient(relay.port);
  const answer = new Promise<Uint8Array>((resolve) => socket.once("message", resolve));
  [open(1), open(3), open(5), data(5, 10), end(5)].forEach((message) => socket.send(message));
  assert.deepEqual(new Uint8Array(await answer), encodeNumber(5, Flag.reset, 7504));
  const closed = closeOf(socket);
  socket.send(data(5, 1)); // its end was seen
  assert.equal((await closed).code, 1002);
});

Deno.test("websocket: many streams that each owe a little credit never stop the connection", async () => {
  const listener = await listenWebSocket({ hostname: "127.0.0.1", port: 0, leaf });
  const client = await connectWebSocket({ ...listener.address, trust: root.trust });
  const server = (await listener.connections[Symbol.asyncIterator]().next()).value as Connection;
  const read: Promise<Uint8Array>[] = [];
  const serving = serveEach(server, async (stream) => {
    read.push(readAll(stream));
    await stream.end();
  });
  // 80 streams of 100,000 bytes: below the 128 KiB at which a stream gives credit by itself, 8 MB in all.
  const streams = await Promise.all(Array.from({ length: 80 }, () => client.openStream()));
  await Promise.all(streams.map((stream) => stream.write(bytes(100_000, 1))));
  await Promise.all(streams.map((stream) => stream.end()));
  // And 3,000 finished streams of 2,000 bytes: their credit comes back although they are gone.
  for (let n = 0; n < 3_000; n++) {
    const stream = await client.openStream();
    await stream.write(bytes(2_000, 1));
    await stream.end();
    await stream.read();
  }
  client.close();
  await serving;
  assert.equal((await Promise.all(read)).length, 3_080);
  await listener.close();
});

Deno.test("websocket relay: a peer that answers no ping is dropped", async () => {
  await using relay = await unreadRelay({ pingMs: 20 });
  const socket = await rawClient(relay.port, { autoPong: false });
  const closed = closeOf(socket);
  const reason = await (await relay.connection).closed;
  assert.match(reason.error!.message, /silent/);
  assert.equal((await closed).code, 1006);
});

const upgrades: {
  what: string;
  path?: string;
  protocols?: string[];
  headers?: Record<string, string>;
  status: number;
}[] = [
  { what: "an Origin header", headers: { origin: "https://example.org" }, status: 403 },
  { what: "another path", path: "/", status: 404 },
  { what: "a query", path: "/qight?x=1", status: 404 },
  { what: "another subprotocol", protocols: ["mqtt"], status: 400 },
  { what: "no subprotocol", protocols: [], status: 400 },
];

for (const { what, path = "/qight", protocols = ["qight.1"], headers = {}, status } of upgrades) {
  Deno.test(`websocket relay: a request with ${what} is answered ${status}`, async () => {
    await using relay = await unreadRelay();
    const socket = new WebSocket(`wss://127.0.0.1:${relay.port}${path}`, protocols, { ...tls, headers });
    const error = await new Promise<Error>((resolve) => socket.on("error", resolve));
    assert.match(error.message, new RegExp(`${status}$`));
  });
}

Deno.test("websocket relay: plain HTTP is answered 426", async () => {
  await using relay = await unreadRelay();
  const status = await new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port: relay.port, path: "/qight", agent: false, ...tls }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    }).on("error", reject).end();
  });
  assert.equal(status, 426);
});

for (
  const [proxies, seen] of [[["127.0.0.1"], "203.0.113.9"], [["10.0.0.0/8"], "127.0.0.1"], [[], "127.0.0.1"]] as const
) {
  Deno.test(`websocket relay: with trusted proxies [${proxies}] a forwarded client is ${seen}`, async () => {
    await using relay = await unreadRelay({ trustedProxies: proxies });
    const socket = await rawClient(relay.port, { headers: { "x-forwarded-for": "198.51.100.1, 203.0.113.9" } });
    assert.equal((await relay.connection).peer.hostname, seen);
    socket.terminate();
  });
}

Deno.test("websocket client: a relay that opens a stream is cut off with 1002", async () => {
  await using rogue = await rogueServer((socket) => socket.send(open(2)));
  const client = await connectWebSocket({ hostname: "127.0.0.1", port: rogue.port, trust: root.trust });
  assert.equal(((await client.closed).error as QightError).code, "protocol");
  assert.equal((await rogue.closed).code, 1002);
});

Deno.test("websocket client: a server without our subprotocol is protocol and exit 76", async () => {
  await using rogue = await rogueServer(() => {}, false);
  const attempt = connectWebSocket({ hostname: "127.0.0.1", port: rogue.port, trust: root.trust });
  const error = await attempt.catch((error) => error);
  assert.ok(error instanceof QightError);
  assert.deepEqual([error.code, error.exit], ["protocol", 76], error.message);
});

interface UnreadRelay extends AsyncDisposable {
  readonly port: number;
  /** The connection, whose streams nobody reads. */
  readonly connection: Promise<Connection>;
}

async function unreadRelay(options: Partial<ListenWebSocketOptions> = {}): Promise<UnreadRelay> {
  const listener = await listenWebSocket({ hostname: "127.0.0.1", port: 0, leaf, ...options });
  const connection = listener.connections[Symbol.asyncIterator]().next().then(({ value }) => value as Connection);
  return { port: listener.address.port, connection, [Symbol.asyncDispose]: () => listener.close() };
}

async function rawClient(port: number, options: Record<string, unknown> = {}): Promise<WebSocket> {
  const socket = new WebSocket(`wss://127.0.0.1:${port}/qight`, ["qight.1"], {
    ...tls,
    perMessageDeflate: false,
    ...options,
  });
  await new Promise<void>((resolve, reject) => socket.once("open", () => resolve()).once("error", reject));
  socket.on("error", () => socket.terminate()); // the relay may close while we still write
  return socket;
}

function closeOf(socket: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => {
    socket.once("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
}

async function rogueServer(
  onOpen: (socket: WebSocket) => void,
  speaksQight = true,
): Promise<AsyncDisposable & { port: number; closed: Promise<{ code: number }> }> {
  const https = createServer(leaf);
  const server = new WebSocketServer({ server: https, handleProtocols: () => speaksQight ? "qight.1" : false });
  const { promise: closed, resolve } = Promise.withResolvers<{ code: number }>();
  server.on("connection", (socket) => {
    closeOf(socket).then(resolve);
    onOpen(socket);
  });
  await new Promise<void>((listening) => https.listen(0, "127.0.0.1", () => listening()));
  return {
    port: (https.address() as { port: number }).port,
    closed,
    async [Symbol.asyncDispose]() {
      await closed;
      await new Promise((done) => https.close(done));
    },
  };
}

/** Which transport wins, and how a dial fails. @module */

import assert from "node:assert/strict";
import { parseRelayAddress } from "../../net/address.ts";
import { type MemoryConnection, memoryPair } from "../../net/memory.ts";
import { listenQuic } from "../../net/quic.ts";
import { type Connect, dial, type DialOptions } from "../../net/race.ts";
import { listenWebSocket } from "../../net/websocket_listener.ts";
import { QightError } from "../../proto/errors.ts";
import { testRoot } from "./relay_fixture.ts";

const address = parseRelayAddress("qight://relay.example.org:4433");

Deno.test("race: QUIC that connects is taken and WebSocket is never asked", async () => {
  const quic = script();
  const websocket = script();
  const dialing = dial({
    address,
    websocketDelayMs: 10_000,
    connect: { quic: quic.connect, websocket: websocket.connect },
  });
  const connection = quic.succeed();
  assert.equal(await dialing, connection);
  assert.equal(websocket.asked, 0);
});

Deno.test("race: WebSocket starts after the delay, wins while QUIC is silent, and QUIC is given up", async () => {
  const { dialing, quic, websocket } = race();
  await websocket.started;
  const connection = websocket.succeed();
  assert.equal(await dialing, connection);
  assert.ok(quic.signal!.aborted);
});

Deno.test("race: a QUIC connection that comes too late is closed", async () => {
  const { dialing, quic, websocket } = race();
  await websocket.started;
  websocket.succeed();
  await dialing;
  await quic.succeed().closed;
});

Deno.test("race: WebSocket starts at once when QUIC fails", async () => {
  const { dialing, quic, websocket } = race({ websocketDelayMs: 10_000 });
  quic.fail(new QightError("unreachable"));
  await websocket.started;
  const connection = websocket.succeed();
  assert.equal(await dialing, connection);
});

for (const code of ["wrong_relay", "bad_certificate", "protocol"] as const) {
  Deno.test(`race: ${code} over QUIC is final at once and WebSocket is never asked`, async () => {
    const { dialing, quic, websocket } = race({ websocketDelayMs: 10_000 });
    quic.fail(new QightError(code));
    await rejectsWith(dialing, code);
    assert.equal(websocket.asked, 0);
  });
  Deno.test(`race: ${code} over WebSocket is final at once while QUIC is silent`, async () => {
    const { dialing, quic, websocket } = race();
    await websocket.started;
    websocket.fail(new QightError(code));
    await rejectsWith(dialing, code);
    assert.ok(quic.signal!.aborted);
  });
}

Deno.test("race: both failing is unreachable", async () => {
  const { dialing, quic, websocket } = race({ quicGraceMs: 10_000 });
  await websocket.started;
  websocket.fail(new QightError("unreachable", "tcp refused"));
  quic.fail(new QightError("unreachable", "udp refused"));
  await rejectsWith(dialing, "unreachable");
});

Deno.test("race: WebSocket refused and QUIC silent is unreachable after the grace", async () => {
  const { dialing, quic, websocket } = race({ quicGraceMs: 1 });
  await websocket.started;
  websocket.fail(new QightError("unreachable", "tcp refused"));
  await rejectsWith(dialing, "unreachable");
  assert.ok(quic.signal!.aborted);
});

Deno.test("race: QUIC may still win within the grace", async () => {
  const { dialing, quic, websocket } = race({ quicGraceMs: 10_000 });
  await websocket.started;
  websocket.fail(new QightError("unreachable"));
  await Promise.resolve();
  const connection = quic.succeed();
  assert.equal(await dialing, connection);
});

Deno.test("race: silence on both is unreachable when the time is up", async () => {
  const { dialing, quic, websocket } = race({ timeoutMs: 20 });
  await rejectsWith(dialing, "unreachable");
  assert.ok(quic.signal!.aborted && websocket.signal!.aborted);
});

Deno.test("race: the caller's signal ends everything with its reason", async () => {
  const giveUp = new AbortController();
  const { dialing, quic } = race({ signal: giveUp.signal });
  giveUp.abort(new QightError("interrupted"));
  await rejectsWith(dialing, "interrupted");
  assert.ok(quic.signal!.aborted);
  await rejectsWith(race({ signal: giveUp.signal }).dialing, "interrupted");
});

Deno.test("race: one transport alone may be asked for", async () => {
  for (const only of ["quic", "websocket"] as const) {
    const { dialing, quic, websocket } = race({ transports: [only] });
    (only === "quic" ? quic : websocket).fail(new QightError("unreachable"));
    await rejectsWith(dialing, "unreachable");
    assert.equal(quic.asked + websocket.asked, 1);
  }
});

Deno.test("race: a relay with UDP blocked is reached over WebSocket on the same port, one with UDP over QUIC", async () => {
  const root = await testRoot();
  const leaf = await root.leaf();
  const tcp = await listenWebSocket({ hostname: "127.0.0.1", port: 0, leaf });
  const relay = { root: root.publicKey, host: "127.0.0.1", port: tcp.address.port };
  const first = await dial({ address: relay, websocketDelayMs: 20 });
  assert.equal(first.transport, "websocket");
  const udp = await listenQuic({ hostname: "127.0.0.1", port: tcp.address.port, leaf });
  const second = await dial({ address: relay });
  assert.equal(second.transport, "quic");
  const wrong = dial({ address: { ...relay, root: new Uint8Array(32) } });
  await rejectsWith(wrong, "wrong_relay");
  first.close();
  second.close();
  await Promise.all([first.closed, second.closed]);
  await Promise.all([tcp.close(), udp.close()]);
});

Deno.test("race: nobody there is unreachable within three seconds", async () => {
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  const began = performance.now();
  await rejectsWith(dial({ address: { host: "127.0.0.1", port } }), "unreachable");
  assert.ok(performance.now() - began < 3_000);
});

interface Script {
  readonly connect: Connect;
  readonly started: Promise<void>;
  readonly asked: number;
  readonly signal?: AbortSignal;
  succeed(): MemoryConnection;
  fail(error: Error): void;
}

/** A transport that connects or fails when the test says so. */
function script(): Script {
  const start = Promise.withResolvers<void>();
  const outcome = Promise.withResolvers<MemoryConnection>();
  let asked = 0;
  let signal: AbortSignal | undefined;
  return {
    connect: (options) => {
      asked++;
      signal = options.signal;
      start.resolve();
      return outcome.promise;
    },
    started: start.promise,
    get asked() {
      return asked;
    },
    get signal() {
      return signal;
    },
    succeed() {
      const [client] = memoryPair();
      outcome.resolve(client);
      return client;
    },
    fail: (error) => outcome.reject(error),
  };
}

function race(
  options: Partial<DialOptions> = {},
): { dialing: ReturnType<typeof dial>; quic: Script; websocket: Script } {
  const [quic, websocket] = [script(), script()];
  const connect = { quic: quic.connect, websocket: websocket.connect };
  return { dialing: dial({ address, websocketDelayMs: 5, connect, ...options }), quic, websocket };
}

async function rejectsWith(dialing: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(dialing, (error) => error instanceof QightError && error.code === code);
}

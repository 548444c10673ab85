/** What a flood of first packets does to a listener, and what it must not do. @module */
import assert from "node:assert/strict";
import type { ListenerEvents } from "../../net/connection.ts";
import { connectQuic, listenQuic } from "../../net/quic.ts";
import { QightError } from "../../proto/errors.ts";
import { first, readAll, serveEach } from "../contracts/connection_contract.ts";
import { forgeInitials, recordInitial } from "../prove/network/initial.ts";
import { type TestRoot, testRoot } from "./relay_fixture.ts";

const LONG_MS = 600_000;

Deno.test("regression: a flood leaves room within seconds of its end, whatever idle time its packets ask for", async () => {
  const root = await testRoot();
  const results: string[] = [];
  await using relay = await flooded(root, { packets: 6, limit: 4, onHandshake: (result) => results.push(result) });
  await until(() => results.includes("refused"), 20_000);
  // A quarter of the places are given under ordinary conditions: those stay for as long as the packet asked.
  await until(() => relay.listener.pending === 1, 20_000);
  assert.deepEqual(results.filter((result) => result !== "refused"), ["timeout", "timeout", "timeout"]);
  const client = await connectQuic({ ...relay.listener.address, trust: root.trust });
  client.close();
});

Deno.test("a client that connects under a flood keeps its connection without sending anything", async () => {
  const root = await testRoot();
  await using relay = await flooded(root, { packets: 3, limit: 8 });
  await until(() => relay.listener.pending === 3, 20_000);
  const client = await connectQuic({
    ...relay.listener.address,
    trust: root.trust,
    keepAliveMs: LONG_MS,
    idleTimeoutMs: LONG_MS,
  });
  const server = await first(relay.listener.connections);
  serveEach(server, async (stream) => {
    await stream.write(await readAll(stream));
    await stream.end();
  });
  // Longer than the short idle time: quinn's clock cannot be handed in.
  const over = Promise.withResolvers<string>();
  const timer = setTimeout(() => over.resolve("still up"), 4_000);
  assert.equal(await Promise.race([over.promise, server.closed.then(() => "closed")]), "still up");
  clearTimeout(timer);
  const stream = await client.openStream();
  await stream.write(Uint8Array.of(7));
  await stream.end();
  assert.deepEqual(await readAll(stream), Uint8Array.of(7));
  client.close();
});

Deno.test("a client that connects under a flood is shown the renewed certificate", async () => {
  const root = await testRoot();
  await using relay = await flooded(root, { packets: 3, limit: 8 });
  await until(() => relay.listener.pending === 3, 20_000);
  // Expired, so that the client can tell it from the first one.
  relay.listener.renew(await root.leaf({ notAfter: new Date("2020-01-01T00:00:00Z") }));
  for (let n = 0; n < 3; n++) {
    const error = await connectQuic({ ...relay.listener.address, trust: root.trust }).catch((error) => error);
    assert.ok(error instanceof QightError, String(error));
    assert.equal(error.code, "bad_certificate");
  }
  relay.listener.renew(await root.leaf());
  const client = await connectQuic({ ...relay.listener.address, trust: root.trust });
  client.close();
});

async function flooded(
  root: TestRoot,
  flood: { packets: number; limit: number; onHandshake?: ListenerEvents["onHandshake"] },
) {
  const listener = await listenQuic({
    hostname: "127.0.0.1",
    port: 0,
    leaf: await root.leaf(),
    idleTimeoutMs: LONG_MS,
    handshakeTimeoutMs: LONG_MS,
    pendingLimit: flood.limit,
    events: { onHandshake: flood.onHandshake },
  });
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  for (const packet of forgeInitials(await recordInitial(root.trust), flood.packets)) {
    await socket.send(packet, { transport: "udp", ...listener.address });
  }
  return {
    listener,
    async [Symbol.asyncDispose]() {
      socket.close();
      await listener.close();
    },
  };
}

async function until(reached: () => boolean, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!reached()) {
    assert.ok(performance.now() < deadline, "it did not come to that in time");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

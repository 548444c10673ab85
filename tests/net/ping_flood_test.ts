/** A flood of WebSocket pings: the attacker loses his connection, everybody else notices nothing. @module */
import assert from "node:assert/strict";
import { WebSocket } from "ws";
import { RelayClient } from "../../client/relay_client.ts";
import { parseRelayAddress, trustFor } from "../../net/address.ts";
import type { Connection } from "../../net/connection.ts";
import { dial } from "../../net/race.ts";
import { listenWebSocket } from "../../net/websocket_listener.ts";
import { row, World } from "../commands/harness.ts";
import { testRoot } from "./relay_fixture.ts";

/** Pings between two looks at whether the peer is alive, as net/websocket_mux.ts has it. */
const ALLOWED = 100;

/** A WebSocket client that does as it likes. */
async function rawClient(port: number, ca: readonly string[], servername: string): Promise<WebSocket> {
  const tls = { ca: [...ca], servername };
  const socket = new WebSocket(`wss://127.0.0.1:${port}/qight`, ["qight.1"], { ...tls, perMessageDeflate: false });
  await new Promise<void>((resolve, reject) => socket.once("open", () => resolve()).once("error", reject));
  socket.on("error", () => socket.terminate()); // the relay closes while we still write
  return socket;
}

function answered(socket: WebSocket, pongs: number): Promise<void> {
  return new Promise((resolve) => socket.on("pong", () => --pongs === 0 && resolve()));
}

for (const reads of [true, false]) {
  row(
    `a flood of pings (${reads ? "answers read" : "answers left unread"}) costs its senders their connections`,
    async () => {
      await using world = new World();
      const relay = await world.relay();
      const [ada, bob] = await Promise.all([world.member("ada", relay), world.member("bob", relay)]);
      const address = parseRelayAddress(relay.address);
      const { caCerts, serverName } = trustFor(address);
      // A neighbour of the attackers on the same transport, connected before they come.
      const neighbour = await RelayClient.connect(relay.address, {
        dial: (address) => dial({ address, transports: ["websocket"] }),
      });
      await neighbour.ping();
      const before = memoryOf(relay.process.pid);
      const attackers = await Promise.all(
        Array.from({ length: 4 }, () => rawClient(address.port, caCerts, serverName)),
      );
      const fallen = attackers.map((socket) => new Promise<void>((resolve) => socket.once("close", () => resolve())));
      for (const socket of attackers) if (!reads) socket.pause();
      const flooding = attackers.map(async (socket) => {
        // Far more than a relay without a limit would answer; a closed socket takes no more.
        for (let sent = 0; sent < 1_000_000 && socket.readyState === WebSocket.OPEN; sent += 1_000) {
          for (let n = 0; n < 1_000; n++) socket.ping();
          await new Promise((resolve) => setImmediate(resolve));
          // A paused socket does not hear that it was closed.
          if (!reads && sent >= 20_000) socket.resume();
        }
      });
      const id = await ada.ok(["send", bob.id, "under the flood"]);
      assert.equal(JSON.parse(await bob.ok(["fetch", "--json"])).id, id);
      await neighbour.ping();
      await Promise.all([...flooding, ...fallen]);
      const grown = memoryOf(relay.process.pid) - before;
      assert.ok(grown < 64, `the relay grew by ${grown} MB`);
      await neighbour.ping();
      neighbour.close();
      assert.equal(await relay.stop(), 0);
    },
  );
}

Deno.test(`${ALLOWED} pings are answered, one more ends the connection`, async () => {
  const root = await testRoot();
  await using listener = closing(await listenWebSocket({ hostname: "127.0.0.1", port: 0, leaf: await root.leaf() }));
  const connected = listener.connections[Symbol.asyncIterator]().next();
  const socket = await rawClient(listener.address.port, root.trust.caCerts, root.trust.serverName);
  const all = answered(socket, ALLOWED);
  for (let n = 0; n < ALLOWED; n++) socket.ping();
  await all;
  const next = Promise.race([
    new Promise((resolve) => socket.once("close", () => resolve("closed"))),
    answered(socket, 1).then(() => "answered"),
  ]);
  socket.ping();
  assert.equal(await next, "closed");
  const { error } = await ((await connected).value as Connection).closed;
  assert.match(error!.message, /a flood of pings/);
});

Deno.test("a peer that pings again and again, but slowly, stays", async () => {
  const root = await testRoot();
  const leaf = await root.leaf();
  await using listener = closing(await listenWebSocket({ hostname: "127.0.0.1", port: 0, leaf, pingMs: 50 }));
  const socket = await rawClient(listener.address.port, root.trust.caCerts, root.trust.serverName);
  for (let round = 0; round < 4; round++) {
    const some = answered(socket, 60);
    const looked = new Promise((resolve) => socket.once("ping", resolve));
    await looked; // the relay has looked whether we are alive: the count begins anew
    for (let n = 0; n < 60; n++) socket.ping();
    await some;
    socket.removeAllListeners("pong");
  }
  assert.equal(socket.readyState, WebSocket.OPEN);
  socket.terminate();
});

function closing<T extends { close(): Promise<void> }>(listener: T): T & AsyncDisposable {
  return Object.assign(listener, { [Symbol.asyncDispose]: () => listener.close() });
}

/** Resident memory of a process in MB; 0 where the system does not say. */
function memoryOf(pid: number): number {
  if (Deno.build.os !== "linux") return 0;
  return Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]) / 1024;
}

/** What the operator's log says about those who were turned away. @module */
import assert from "node:assert/strict";
import net from "node:net";
import { memoryListener } from "../../net/memory.ts";
import { listenWebSocket } from "../../net/websocket_listener.ts";
import { QightError } from "../../proto/errors.ts";
import { type ConnectionRoom, serveListener } from "../../relay/connection.ts";
import { createLog } from "../../relay/log.ts";
import { createTurnedAway } from "../../relay/turned_away.ts";
import { person } from "../helpers/people.ts";
import { testRelay } from "../helpers/test_relay.ts";
import { testRoot } from "../net/relay_fixture.ts";

for (const addresses of ["full", "masked"] as const) {
  Deno.test(`a session without a token is one line in the log, its address ${addresses}`, async () => {
    const lines: string[] = [];
    const log = createLog({ level: "info", format: "text", addresses }, (line) => lines.push(line));
    await using relay = await testRelay({ auth: { mode: "token" }, log });
    await using client = await relay.connect(await person(1, Date.now()));
    await assert.rejects(
      () => client.getBundle({ device: new Uint8Array(32).fill(1) }),
      QightError,
    );
    const said = lines.filter((line) => line.includes("turned away")).map((line) => line.slice(25));
    assert.deepEqual(said, [`warn  turned away ip=127.0.0.${addresses === "full" ? "1" : "x"} reason=bad_token`]);
  });
}

Deno.test("an address with too many connections is named", async () => {
  const said: string[] = [];
  const listener = memoryListener();
  const room = {
    limits: { admitConnection: () => false },
    metrics: { rateLimited: () => {} },
    turnedAway: (ip: string, reason: string) => said.push(`${ip} ${reason}`),
  } as unknown as ConnectionRoom;
  const serving = serveListener(listener, room);
  const client = await listener.connect({ hostname: "203.0.113.5", port: 9 });
  await client.closed;
  listener.stop();
  await serving;
  assert.deepEqual(said, ["203.0.113.5 too_many_connections"]);
});

Deno.test("a TCP peer that stalls is named: it has shown that it receives what is sent to it", async () => {
  const timedOut = Promise.withResolvers<string | undefined>();
  const listener = await listenWebSocket({
    hostname: "127.0.0.1",
    port: 0,
    leaf: await (await testRoot()).leaf(),
    handshakeTimeoutMs: 50,
    events: { onHandshake: (_result, from) => timedOut.resolve(from?.hostname) },
  });
  const socket = net.connect(listener.address.port, "127.0.0.1");
  assert.equal(await timedOut.promise, "127.0.0.1");
  socket.destroy();
  await listener.close();
});

Deno.test("a million refusals fill no disk: twenty lines a second, the rest as a number", () => {
  const lines: string[] = [];
  const clock = { ms: 1_000 };
  const log = createLog(
    { level: "info", format: "text", addresses: "full" },
    (line) => lines.push(line),
    () => clock.ms,
  );
  const turnedAway = createTurnedAway(log, () => clock.ms);
  for (let n = 0; n < 1_000_000; n++) turnedAway("203.0.113.5", "bad_token");
  assert.equal(lines.length, 20);
  clock.ms += 1_000;
  turnedAway("203.0.113.6", "bad_token");
  turnedAway("203.0.113.6", "bad_token");
  assert.deepEqual(lines.slice(20).map((line) => line.slice(25)), [
    "warn  turned away ip=203.0.113.6 reason=bad_token unsaid=999980",
    "warn  turned away ip=203.0.113.6 reason=bad_token",
  ]);
});

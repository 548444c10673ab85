/** A reader that leaves a call that waits gives everything back at once. @module */
import assert from "node:assert/strict";
import { RelayClient } from "../../client/relay_client.ts";
import { dial } from "../../net/race.ts";
import { envelope, type Person, person } from "../helpers/people.ts";
import { testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
/** Well above the 64 streams that a connection may have. */
const TIMES = 80;

const LEFT = new Error("left");

const calls: [string, (client: RelayClient, who: Person, signal: AbortSignal) => Promise<unknown>][] = [
  ["a watch", (client, _, signal) => Array.fromAsync(client.watch({ peek: true, signal }))],
  ["a long poll", (client, _, signal) => Array.fromAsync(client.fetch({ afterSeq: 1, waitMs: 60_000, signal }))],
  ["waiting for room", (client, who, signal) => client.awaitRoom(who.device.publicKey, { signal })],
];

for (const transport of ["quic", "websocket"] as const) {
  for (const [what, call] of calls) {
    Deno.test(`regression: ${what} that is left ${TIMES} times leaves the connection usable (${transport})`, async () => {
      const alice = await person(1, NOW);
      await using relay = await testRelay({ now: () => NOW, storage: { maxQueue: 1 } });
      await using joined = await relay.join(alice);
      await joined.send(await envelope(alice, alice, NOW)); // full: waiting for room waits
      await using client = await RelayClient.connect(relay.address, {
        signer: alice.device,
        dial: (address, options) => dial({ address, ...options, transports: [transport] }),
      });
      for (let n = 0; n < TIMES; n++) {
        const abort = new AbortController();
        const left = assert.rejects(call(client, alice, abort.signal), (thrown) => thrown === LEFT);
        // The relay has the call when it answers a later one.
        await client.ping(new Uint8Array(0), { timeoutMs: 5000 });
        abort.abort(LEFT);
        await left;
      }
      await client.ping(new Uint8Array(0), { timeoutMs: 5000 });
    });
  }
}

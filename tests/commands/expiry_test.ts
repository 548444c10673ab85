/** Messages that expired unread are told once as what they are, and not again as a riddle. @module */
import assert from "node:assert/strict";
import { row, World } from "./harness.ts";

const world = new World();
Deno.test.afterAll(() => world[Symbol.asyncDispose]());

row(
  "regression: the gap that expired messages leave behind says that it may be them; a later one does not",
  async () => {
    const first = await world.relay();
    const [ada, bob] = await Promise.all([world.member("ada", first), world.member("bob", first)]);
    const send = (text: string, ...more: string[]) => ada.ok(["send", bob.id, text, ...more]);
    await send("one");
    for (const text of ["two", "three"]) await send(text, "--ttl", "30s");
    await send("four");
    await first.stop();
    // The relay comes back two minutes later: two and three are gone, and the hole is old enough to be told.
    const shift = world.operator.file("later.js", "const real = Date.now; Date.now = () => real() + 120_000;");
    const later = await world.relay({ port: first.port, preload: shift });
    const told = (await bob.ok(["fetch", "--json", "--events"])).split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(
      told.map(({ type, text, first, last, perhaps_expired }) => [type, text ?? [first, last, perhaps_expired]]),
      [
        ["message", "one"], // number 2 of the mailbox: 1 said that a Welcome waits
        ["expired", [3, 4, undefined]],
        ["message", "four"],
        ["gap", [2, 3, 2]],
      ],
    );
    assert.equal(told[3].from, ada.id);
    assert.equal(await bob.ok(["fetch", "--events"]), "", "neither is told again");
    await later.stop();
  },
);

/** Envelopes on their way: what goes out, in which order, over calls that break. @module */
import assert from "node:assert/strict";
import { Wire } from "../../client/wire_queue.ts";

const DEVICE = new Uint8Array(32);

/** A wire with one line for each letter, made in the epoch after it. */
function wireOf(...lines: [string, number?][]): Wire<string> {
  const wire = new Wire<string>();
  for (const [owner, epoch] of lines) {
    const item = { owner, device: DEVICE, envelope: new TextEncoder().encode(owner) };
    wire.push(epoch === undefined ? item : { ...item, epoch });
  }
  return wire;
}

/** What has gone out so far over a new call; grows while the wire is answered. */
function callOver(wire: Wire<string>): { sent: string[]; over: Promise<void> } {
  const sent: string[] = [];
  const over = (async () => {
    for await (const envelope of wire.outgoing(() => {})) sent.push(new TextDecoder().decode(envelope));
  })();
  return { sent, over };
}

async function turn(): Promise<void> {
  for (let i = 0; i < 8; i++) await Promise.resolve();
}

Deno.test("regression: a line of a later epoch goes out only when the lines before it are answered", async () => {
  const wire = wireOf(["a", 1], ["b", 1], ["c", 2], ["d", 2]);
  const first = callOver(wire);
  await turn();
  assert.deepEqual(first.sent, ["a", "b"], "the relay may refuse a and b, and would take c and d before them");
  assert.equal(wire.answered().owner, "a");
  await turn();
  assert.deepEqual(first.sent, ["a", "b"]);
  assert.equal(wire.answered().owner, "b");
  await turn();
  assert.deepEqual(first.sent, ["a", "b", "c", "d"]);
  wire.end();
  await first.over;
});

Deno.test("lines that were refused in their epoch go out again before later ones, with other bytes", async () => {
  const wire = wireOf(["a", 1], ["b", 1], ["c", 2]);
  const first = callOver(wire);
  await turn();
  for (let left = 2; left > 0; left--) wire.postpone(wire.answered());
  wire.close();
  await first.over;
  wire.returnUnanswered();
  assert.deepEqual(wire.waiting().map(({ owner }) => owner), ["a", "b", "c"]);
  wire.replace(
    new Map(["a", "b"].map((owner) => [owner, { envelope: new TextEncoder().encode(`${owner}2`), epoch: 2 }])),
  );
  const second = callOver(wire);
  await turn();
  assert.deepEqual(second.sent, ["a2", "b2", "c"]);
  wire.end();
  await second.over;
});

Deno.test("lines to devices know no epoch and go out side by side", async () => {
  const wire = wireOf(["a"], ["b"], ["c"]);
  const call = callOver(wire);
  await turn();
  assert.deepEqual(call.sent, ["a", "b", "c"]);
  wire.end();
  await call.over;
});

/** Buffers, credit and order inside a stream. @module */

import assert from "node:assert/strict";
import fc from "fast-check";
import { BytePipe, Credit, InOrder } from "../../net/pipe.ts";
import { bytes } from "../contracts/connection_contract.ts";
import { SEED } from "./relay_fixture.ts";

Deno.test(`pipe: what goes in comes out, in order, however it is cut (seed ${SEED})`, async () => {
  const step = fc.oneof(fc.constant("read" as const), fc.integer({ min: 0, max: 3_000 }));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 300 }), async (steps) => {
      let reported = 0;
      const pipe = new BytePipe((count) => reported += count);
      const [wrote, read]: [number[], number[]] = [[], []];
      const pending: Promise<void>[] = [];
      const take = () => pipe.read().then((chunk) => void read.push(...chunk ?? []));
      for (const [at, one] of steps.entries()) {
        if (one !== "read") {
          const chunk = bytes(one, at);
          pipe.push(chunk);
          wrote.push(...chunk);
        } else if (pipe.buffered > 0) await take();
      }
      pipe.end();
      for (let chunk = await pipe.read(); chunk; chunk = await pipe.read()) read.push(...chunk);
      await Promise.all(pending);
      assert.deepEqual(read, wrote);
      assert.equal(reported, wrote.length);
      assert.equal(pipe.buffered, 0);
    }),
    { seed: SEED, numRuns: 100 },
  );
});

Deno.test("pipe: a quarter of a million single bytes are kept in a few thousand pieces", async () => {
  const pipe = new BytePipe();
  for (let n = 0; n < 256 * 1024; n++) pipe.push(Uint8Array.of(n));
  pipe.end();
  let pieces = 0;
  let at = 0;
  for (let chunk = await pipe.read(); chunk; chunk = await pipe.read()) {
    pieces++;
    for (const byte of chunk) assert.equal(byte, at++ & 0xff);
  }
  assert.equal(at, 256 * 1024);
  assert.ok(pieces < 5_000, `${pieces} pieces`);
});

Deno.test("pipe: a failure drops what is buffered, reports it as consumed and rejects every read", async () => {
  let reported = 0;
  const pipe = new BytePipe((count) => reported += count);
  pipe.push(bytes(10, 1));
  pipe.fail(new Error("gone"));
  assert.equal(reported, 10);
  await assert.rejects(() => pipe.read(), /gone/);
});

Deno.test("credit: writers wait for credit and are woken by it, or by the failure", async () => {
  const credit = new Credit(3);
  assert.equal(await credit.take(5), 3);
  const waiting = credit.take(5);
  credit.give(2);
  assert.equal(await waiting, 2);
  const lost = credit.take(1);
  credit.fail(new Error("gone"));
  await assert.rejects(() => lost, /gone/);
  await assert.rejects(() => credit.take(1), /gone/);
});

Deno.test("order: a step waits for the one before it, and a failure does not stop those behind", async () => {
  const order = new InOrder();
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = order.run(async () => {
    await gate.promise;
    log.push("first");
    throw new Error("first failed");
  });
  const second = order.run(async () => void log.push("second"));
  assert.equal(order.idle, false);
  gate.resolve();
  await assert.rejects(() => first, /first failed/);
  await second;
  assert.deepEqual(log, ["first", "second"]);
  assert.equal(order.idle, true);
});

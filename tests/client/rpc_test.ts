/** Calls over one connection. @module */
import assert from "node:assert/strict";
import { createRpc, type Rpc } from "../../client/rpc.ts";
import { decodePart, encodeCall, encodeParts } from "../../client/call_frames.ts";
import { create, toBinary } from "@bufbuild/protobuf";
import { QightError } from "../../proto/errors.ts";
import { encodeFrames } from "../../proto/frame.ts";
import { CallHeaderSchema, PartSchema } from "../../proto/gen/qight/v1/frame_pb.ts";
import {
  DeliveryService,
  FetchRequestSchema,
  FetchResponseSchema,
  SendOutcomeSchema,
  SendRequestSchema,
} from "../../proto/gen/qight/v1/delivery_pb.ts";
import { PingRequestSchema, PingResponseSchema, SessionService } from "../../proto/gen/qight/v1/session_pb.ts";
import { type Script, scripted } from "./scripted_relay.ts";
import { countingRandom, TestClock } from "./test_clock.ts";

const echo: Script = {
  Ping: async (call) => {
    const { data } = (await call.next(PingRequestSchema))!;
    await call.reply(PingResponseSchema, { data, nowMs: 7n });
    await call.stream.end();
  },
};

Deno.test("a unary call brings back the reply and leaves no timer behind", async () => {
  const clock = new TestClock();
  const rpc = createRpc(scripted(echo).connection, { clock, random: countingRandom() });
  const reply = await rpc.unary(SessionService.method.ping, { data: Uint8Array.of(1, 2, 3) });
  assert.deepEqual([...reply.data], [1, 2, 3]);
  assert.equal(reply.nowMs, 7n);
  assert.equal(clock.pending, 0);
});

Deno.test("the header names method, request id and deadline, and is encoded as protobuf does", () => {
  const requestId = countingRandom(3)(16);
  for (
    const [timeoutMs, message] of [[0, null], [10_000, new Uint8Array(0)], [300, new Uint8Array(200_000)]] as const
  ) {
    const header = toBinary(CallHeaderSchema, create(CallHeaderSchema, { method: 20, requestId, timeoutMs }));
    const frames = [header];
    if (message) {
      frames.push(toBinary(PartSchema, create(PartSchema, { kind: { case: "message", value: message } })));
    }
    assert.deepEqual(encodeCall(20, requestId, timeoutMs, message), encodeFrames(...frames));
  }
  const message = new Uint8Array(300).fill(7);
  const part = toBinary(PartSchema, create(PartSchema, { kind: { case: "message", value: message } }));
  const end = toBinary(PartSchema, create(PartSchema, { kind: { case: "end", value: {} } }));
  assert.deepEqual(encodeParts([message, message], true), encodeFrames(part, part, end));
  assert.deepEqual(decodePart(part), { kind: "message", bytes: message });
});

Deno.test("malformed reply frames are bad_frame", () => {
  for (const bytes of [[0x0a], [0x0a, 5, 1], [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff], [], [0x42, 1]]) {
    assert.throws(() => decodePart(Uint8Array.from(bytes)), { code: "bad_frame" }, String(bytes));
  }
});

Deno.test("a failure keeps its code, its sentence, its wait and its request id", async () => {
  const { connection } = scripted({
    Ping: () => Promise.reject(new QightError("rate_limited", "slow down", { retryAfterMs: 250 })),
  });
  const error = await rejected(pinging(createRpc(connection)));
  assert.equal(error.code, "rate_limited");
  assert.equal(error.message, "slow down");
  assert.equal(error.retryAfterMs, 250);
  assert.match(error.requestId!, /^[0-9a-f]{32}$/);
});

Deno.test("a deadline that passes is timeout and gives the stream up", async () => {
  const clock = new TestClock();
  const seen = Promise.withResolvers<Uint8Array | null>();
  const { connection } = scripted({
    Ping: async (call) => {
      await call.next(PingRequestSchema);
      call.stream.read().then(seen.resolve, seen.reject);
      await new Promise(() => {});
    },
  });
  const rpc = createRpc(connection, { clock, timeoutMs: 5_000 });
  const ping = pinging(rpc, 100);
  const slower = rejected(rpc.unary(SessionService.method.ping, {}));
  assert.equal((await rejected(clock.runUntil(ping, 50))).code, "timeout");
  assert.equal((await clock.runUntil(slower, 50)).code, "timeout");
  await seen.promise;
  assert.equal(clock.pending, 0);
});

Deno.test("a connection that breaks during a call is unreachable", async () => {
  const { connection, peer } = scripted({
    Ping: (_call, ours) => Promise.resolve(ours.close()),
  });
  assert.equal((await rejected(pinging(createRpc(connection)))).code, "unreachable");
  await peer.closed;
  assert.equal((await rejected(pinging(createRpc(connection)))).code, "unreachable");
});

Deno.test("a stream of replies without its end frame is not complete", async () => {
  const { connection } = scripted({
    Fetch: async (call) => {
      await call.next(FetchRequestSchema);
      await call.reply(FetchResponseSchema, { kind: { case: "lease", value: { id: new Uint8Array(16) } } });
      await call.stream.end();
    },
  });
  const seen: string[] = [];
  const error = await rejected((async () => {
    const replies = createRpc(connection).serverStream(DeliveryService.method.fetch, {});
    for await (const { kind } of replies) seen.push(kind.case!);
  })());
  assert.deepEqual(seen, ["lease"]);
  assert.equal(error.code, "unreachable");
});

Deno.test("an aborted signal ends a call with the signal's reason", async () => {
  const { connection } = scripted({ Ping: () => new Promise(() => {}) });
  const abort = new AbortController();
  const call = createRpc(connection).unary(SessionService.method.ping, {}, { signal: abort.signal });
  abort.abort(new QightError("interrupted"));
  assert.equal((await rejected(call)).code, "interrupted");
});

Deno.test("a two-way call sends in order, gathers what queues up, and ends explicitly", async () => {
  const { connection } = scripted({
    SendMany: async (call) => {
      for (let seq = 1n;; seq++) {
        const request = await call.next(SendRequestSchema);
        if (!request) break;
        await call.reply(SendOutcomeSchema, {
          kind: { case: "accepted", value: { seq: BigInt(request.envelope[0]) } },
        });
      }
      await call.end();
    },
  });
  const call = await createRpc(connection).bidi(DeliveryService.method.sendMany);
  for (let i = 0; i < 100; i++) await call.send({ envelope: Uint8Array.of(i) });
  await call.end();
  const seqs: number[] = [];
  for await (const { kind } of call.responses) seqs.push(Number(kind.case === "accepted" ? kind.value.seq : -1));
  assert.deepEqual(seqs, Array.from({ length: 100 }, (_, i) => i));
});

function pinging(rpc: Rpc, timeoutMs = 5_000) {
  return rpc.unary(SessionService.method.ping, {}, { timeoutMs });
}

async function rejected(promise: Promise<unknown>): Promise<QightError> {
  try {
    await promise;
  } catch (thrown) {
    assert.ok(thrown instanceof QightError, String(thrown));
    return thrown;
  }
  assert.fail("the call succeeded");
}

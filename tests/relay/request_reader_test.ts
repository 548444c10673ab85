/** Requests of one call: as they arrive, and within the connection's budget. @module */
import { create, toBinary } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { encodeFrames, FrameReader } from "../../proto/frame.ts";
import { PartSchema } from "../../proto/gen/qight/v1/frame_pb.ts";
import type { Connection } from "../../net/connection.ts";
import { Peer } from "../../relay/peer.ts";
import { encodeMessagePart } from "../../relay/reply_writer.ts";
import { RequestReader } from "../../relay/request_reader.ts";

const END = toBinary(PartSchema, create(PartSchema, { kind: { case: "end", value: {} } }));

function reading(...chunks: Uint8Array[]) {
  const peer = new Peer({} as Connection, 0);
  const frames = new FrameReader(() => Promise.resolve(chunks.shift() ?? null));
  return { peer, requests: new RequestReader(frames, 1000, peer, () => assert.fail("nothing was abandoned")) };
}

const messages = [1, 2, 3, 4, 5].map((n) => new Uint8Array(n * 10).fill(n));
const parts = messages.map(encodeMessagePart);

Deno.test("what has arrived together comes together, no more than asked for, and then the end", async () => {
  const whole = encodeFrames(...parts, END);
  const { requests } = reading(whole.subarray(0, 150), whole.subarray(150));
  assert.deepEqual(await requests.some(2), messages.slice(0, 2));
  assert.deepEqual(await requests.some(10), messages.slice(2, 4), "the fifth is cut by the chunk");
  assert.deepEqual(await requests.some(10), messages.slice(4));
  assert.equal(await requests.some(10), null);
  assert.equal(await requests.some(10), null, "the end stays the end");
});

Deno.test("a stream that stops without its end is a bad frame, not an end", async () => {
  const { requests } = reading(encodeFrames(...parts));
  assert.equal((await requests.some(10))!.length, 5);
  await assert.rejects(requests.some(10), { code: "bad_frame" });
});

Deno.test("regression: a call of many messages gives back every byte of the connection's budget as they are answered", async () => {
  const { peer, requests } = reading(encodeFrames(...parts, END));
  for (let got; (got = await requests.some(2));) {
    assert.ok(peer.bytesInFlight > 0);
    for (const message of got) requests.done(message.length);
    assert.equal(
      peer.bytesInFlight,
      0,
      "eight bytes a message stayed: after half a million the call was refused as busy",
    );
  }
});

Deno.test("a connection with 4 MiB under way is told to wait", async () => {
  const { peer, requests } = reading(encodeFrames(...parts, END));
  peer.bytesInFlight = 4 * 1024 * 1024 - 15;
  await assert.rejects(requests.some(10), { code: "busy" });
  requests.release();
  assert.equal(peer.bytesInFlight, 4 * 1024 * 1024 - 15);
});

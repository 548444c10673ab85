/**
 * Frames: their bytes, their limits, and that it never matters how the bytes were cut on the way.
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type ErrorCode, QightError } from "../../proto/errors.ts";
import { encodeFrames, FrameReader } from "../../proto/frame.ts";

const SEED = 20_261_121;

const layouts: readonly (readonly [string, number[][], string])[] = [
  ["an empty frame", [[]], "00000000"],
  ["one byte", [[0x2a]], "00000001" + "2a"],
  ["two frames in one write", [[1, 2, 3], [4]], "00000003" + "010203" + "00000001" + "04"],
  ["a length of two bytes", [new Array(258).fill(7)], "00000102" + "07".repeat(258)],
  ["a length of three bytes", [new Array(65536).fill(7)], "00010000" + "07".repeat(65536)],
];

for (const [what, messages, expected] of layouts) {
  Deno.test(`${what} has these bytes: length as u32 big-endian, then the message`, async () => {
    const bytes = encodeFrames(...messages.map((message) => Uint8Array.from(message)));
    assert.equal(bytes.toHex(), expected);
    assert.deepEqual((await readAll([bytes], 1 << 20)).map((frame) => [...frame]), messages);
  });
}

Deno.test("no bytes are no frames", async () => {
  assert.deepEqual(await readAll([], 10), []);
  assert.deepEqual(await readAll([new Uint8Array(0), new Uint8Array(0)], 10), []);
});

const broken: readonly (readonly [string, string, ErrorCode])[] = [
  ["a header of one byte", "00", "bad_frame"],
  ["a header of three bytes", "000000", "bad_frame"],
  ["a header and nothing after it", "00000005", "bad_frame"],
  ["a message cut by one byte", "00000005" + "01020304", "bad_frame"],
  ["a second frame cut in its header", "00000001" + "aa" + "0000", "bad_frame"],
  ["one byte above the limit", "00000065", "message_too_large"],
  ["2 GiB announced", "80000000", "message_too_large"],
  ["4 GiB announced", "ffffffff" + "00", "message_too_large"],
];

for (const [what, hex, code] of broken) {
  Deno.test(`${what} is ${code}`, async () => {
    await assert.rejects(readAll([Uint8Array.fromHex(hex)], 100), hasCode(code));
  });
}

Deno.test("a frame of exactly the limit is read", async () => {
  const frames = await readAll([encodeFrames(new Uint8Array(100))], 100);
  assert.equal(frames[0].length, 100);
});

Deno.test("an announced length is refused before another byte is asked for", async () => {
  let reads = 0;
  const reader = new FrameReader(() => {
    reads++;
    return Promise.resolve(Uint8Array.of(0xff, 0xff, 0xff, 0xff));
  });
  await assert.rejects(reader.next(1000), hasCode("message_too_large"));
  assert.equal(reads, 1);
});

Deno.test("a frame that is here already is taken without waiting; half of one is not", async () => {
  const whole = encodeFrames(Uint8Array.of(1), Uint8Array.of(2, 2), Uint8Array.of(3, 3, 3));
  const chunks = [whole.subarray(0, 13), whole.subarray(13)];
  const reader = new FrameReader(() => Promise.resolve(chunks.shift() ?? null));
  assert.equal(reader.arrived(10), null, "nothing was read yet");
  assert.deepEqual(await reader.next(10), Uint8Array.of(1));
  assert.deepEqual(reader.arrived(10), Uint8Array.of(2, 2));
  assert.equal(reader.arrived(10), null, "two bytes of a length");
  assert.deepEqual(await reader.next(10), Uint8Array.of(3, 3, 3));
  assert.equal(reader.arrived(10), null);
  const large = new FrameReader(() => Promise.resolve(encodeFrames(Uint8Array.of(1), new Uint8Array(11))));
  await large.next(10);
  assert.throws(() => large.arrived(10), hasCode("message_too_large"));
});

Deno.test("an allowed length takes memory only as its bytes arrive", async () => {
  const limit = 1 << 30;
  const before = Deno.memoryUsage();
  const chunks = [Uint8Array.of(0x40, 0, 0, 0), new Uint8Array(1000)];
  await assert.rejects(readAll(chunks, limit), hasCode("bad_frame"));
  const after = Deno.memoryUsage();
  assert.ok(after.external + after.heapTotal - before.external - before.heapTotal < 64 << 20);
});

Deno.test(`however the bytes are cut, the same frames come out (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 40 }),
      async (messages, cuts) => {
        const frames = await readAll(chop(encodeFrames(...messages), cuts), 300);
        assert.deepEqual(frames.map((frame) => [...frame]), messages.map((message) => [...message]));
      },
    ),
    { seed: SEED, numRuns: 500 },
  );
});

Deno.test(`however the bytes are cut, a missing tail is bad_frame or fewer frames (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 5 }),
      fc.nat(),
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      async (messages, place, cuts) => {
        const whole = encodeFrames(...messages);
        const cut = place % whole.length;
        const ends = messages.reduce((sums, message) => [...sums, sums.at(-1)! + 4 + message.length], [0]);
        const chunks = chop(whole.subarray(0, cut), cuts);
        if (!ends.includes(cut)) return await assert.rejects(readAll(chunks, 50), hasCode("bad_frame"));
        assert.equal((await readAll(chunks, 50)).length, ends.indexOf(cut));
      },
    ),
    { seed: SEED, numRuns: 500 },
  );
});

function hasCode(code: ErrorCode) {
  return (error: unknown) => error instanceof QightError && error.code === code;
}

function chop(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length];
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

async function readAll(chunks: readonly Uint8Array[], limit: number): Promise<Uint8Array[]> {
  let next = 0;
  const reader = new FrameReader(() => Promise.resolve(chunks[next++] ?? null));
  const frames: Uint8Array[] = [];
  for (;;) {
    const frame = await reader.next(limit);
    if (frame === null) return frames;
    frames.push(frame);
  }
}

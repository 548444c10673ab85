/** The input of `send --lines`, which may go on for days. @module */
import assert from "node:assert/strict";
import { readLines } from "../../cli/lines.ts";
import { releaseStartupMemory } from "../../relay/startup_memory.ts";

const CHUNK_BYTES = 64 * 1024;
const CHUNKS = 4096;

Deno.test("regression: an input of many lines is not held in memory after it was read", async () => {
  let made = 0;
  const source = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (made++ === CHUNKS) return controller.close();
      // As a pipe brings a line: a few bytes in a buffer of 64 KiB.
      const chunk = new Uint8Array(CHUNK_BYTES).subarray(0, 8);
      chunk.set(new TextEncoder().encode("a line.\n"));
      controller.enqueue(chunk);
    },
  });
  const before = Deno.memoryUsage().external;
  let lines = 0;
  for await (const line of readLines(source, new AbortController().signal)) lines += line.length > 0 ? 1 : 0;
  assert.equal(lines, CHUNKS);
  // What is held is what a full collection leaves: when V8 makes one by itself is its own affair.
  releaseStartupMemory();
  const grown = Deno.memoryUsage().external - before;
  assert.ok(grown < CHUNKS * CHUNK_BYTES / 2, `${Math.round(grown / 1024 ** 2)} MB are still held`);
});

Deno.test("an abort ends an input that stays silent, and its last half line is not a message", async () => {
  const source = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("whole\nhalf")),
  });
  const abort = new AbortController();
  const lines: string[] = [];
  for await (const line of readLines(source, abort.signal)) {
    lines.push(new TextDecoder().decode(line));
    queueMicrotask(() => abort.abort());
  }
  assert.deepEqual(lines, ["whole"]);
});

/**
 * Files at the relay: resumed, also over its restart; checked; refused to those who announce or bring something else.
 * @module
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { RelayClient } from "../../client/relay_client.ts";
import { MAX_BLOB_BYTES } from "../../crypto/file_cipher.ts";
import { BlobService } from "../../proto/gen/qight/v1/blob_pb.ts";
import { person } from "../helpers/people.ts";
import { testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
const DAY = 24 * 3600_000;
const [alice, bob] = await Promise.all([1, 2].map((number) => person(number, NOW)));
const { method } = BlobService;
const bytes = Uint8Array.from({ length: 300_000 }, (_, at) => (at * 13) & 0xff);
const sha256 = new Uint8Array(createHash("sha256").update(bytes).digest());
const CHUNK = 100_000;

const begin = ({ rpc }: RelayClient, change = {}) =>
  rpc.unary(method.beginBlob, { sha256, size: BigInt(bytes.length), ...change });
const put = ({ rpc }: RelayClient, at: number, data = bytes.subarray(at, at + CHUNK)) =>
  rpc.unary(method.putBlobChunk, { sha256, offset: BigInt(at), data });

async function get({ rpc }: RelayClient, offset = 0): Promise<Uint8Array> {
  const all: number[] = [];
  for await (const { kind } of rpc.serverStream(method.getBlob, { sha256, offset: BigInt(offset) })) {
    if (kind.case === "size") assert.equal(Number(kind.value), bytes.length);
    if (kind.case === "data") { for (const byte of kind.value) all.push(byte); }
  }
  return Uint8Array.from(all);
}

Deno.test("a file goes on where it stopped after a restart of the relay, and anybody who knows its hash may have it", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "qight-relay-" });
  try {
    {
      await using relay = await testRelay({ now: () => NOW, dataDir });
      await using a = await relay.join(alice);
      assert.equal(Number((await begin(a)).received), 0);
      assert.equal(Number((await put(a, 0)).received), CHUNK);
      await assert.rejects(get(a), { code: "no_such_file" }, "not whole yet");
    }
    await using relay = await testRelay({ now: () => NOW, dataDir });
    await using a = await relay.join(alice);
    await using b = await relay.join(bob);
    assert.equal(Number((await begin(a)).received), CHUNK);
    await assert.rejects(put(a, 0), { code: "version_conflict" });
    await put(a, CHUNK);
    assert.equal(Number((await put(a, 2 * CHUNK)).received), bytes.length);
    assert.deepEqual(await get(b), bytes);
    assert.deepEqual(await get(b, 150_000), bytes.subarray(150_000));
    assert.deepEqual((await a.rpc.unary(method.forgetBlob, { sha256 })).forgotten, true);
    assert.deepEqual((await b.rpc.unary(method.forgetBlob, { sha256 })).forgotten, false);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("what has another hash than was announced is dropped with bad_blob, and may come again", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using a = await relay.join(alice);
  await begin(a);
  await put(a, 0);
  await put(a, CHUNK);
  await assert.rejects(put(a, 2 * CHUNK, new Uint8Array(CHUNK)), { code: "bad_blob" });
  await assert.rejects(get(a), { code: "no_such_file" });
  assert.equal(Number((await begin(a)).received), 0);
});

Deno.test("what nobody may announce or bring is refused", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using a = await relay.join(alice);
  await using b = await relay.join(bob);
  await assert.rejects(begin(a, { size: BigInt(MAX_BLOB_BYTES + 1) }), { code: "message_too_large" });
  await assert.rejects(begin(a, { size: 0n }), { code: "bad_frame" });
  await assert.rejects(begin(a, { sha256: new Uint8Array(31) }), { code: "bad_frame" });
  await assert.rejects(put(a, 0), { code: "no_such_file" });
  await begin(a);
  await assert.rejects(put(b, 0), { code: "no_such_file" }, "announced by somebody else");
  await assert.rejects(put(a, 0, new Uint8Array(1)), { code: "bad_blob" }, "a file of single bytes");
  await assert.rejects(begin(b, { size: 5n }), { code: "bad_blob" });
  for (let n = 0; n < 9; n++) await begin(b, { sha256: new Uint8Array(32).fill(n), size: BigInt(MAX_BLOB_BYTES) });
  await begin(b, { sha256: new Uint8Array(32).fill(10), size: BigInt(MAX_BLOB_BYTES) });
  await assert.rejects(begin(b, { sha256: new Uint8Array(32).fill(11) }), { code: "storage_full" }, "over the quota");
  const { expiresAtMs } = await begin(a, { ttlS: 400 * 24 * 3600 });
  assert.equal(Number(expiresAtMs), NOW + relay.config.storage.maxTtlMs, "no longer than messages");
  assert.ok(DAY < relay.config.storage.maxTtlMs);
});

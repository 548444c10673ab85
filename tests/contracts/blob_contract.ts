/**
 * What every store of the relay promises about files. Run over SQLite and memory, with the rest of the contract.
 * @module
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { NewBlob, Store, StoreLimits } from "../../relay/storage/store.ts";
import { key, roomy, T } from "./store_scene.ts";

/** Bytes of a file of the n-th kind, and their hash. */
export function blob(n: number, size = 1000): { bytes: Uint8Array; sha256: Uint8Array } {
  const bytes = Uint8Array.from({ length: size }, (_, at) => (at * 7 + n) & 0xff);
  return { bytes, sha256: new Uint8Array(createHash("sha256").update(bytes).digest()) };
}

/** Announces a file of an account; kept for 1,000 ms, 100 while it is not whole. */
export function begin(store: Store, n: number, account = 1, change: Partial<NewBlob> = {}) {
  const { bytes, sha256 } = blob(n);
  const times = { nowMs: T, untilMs: T + 1000, unfinishedUntilMs: T + 100 };
  return store.blobs.begin({
    account: key(5, account),
    sha256,
    size: bytes.length,
    quota: 10_000,
    ...times,
    ...change,
  });
}

/** Brings a whole file in chunks of 400 bytes and says that its hash is right. */
export async function bring(store: Store, n: number, account = 1): Promise<void> {
  const { bytes, sha256 } = blob(n);
  const begun = await begin(store, n, account);
  assert.equal(begun.kind, "begun");
  for (let at = 0; at < bytes.length; at += 400) {
    const put = await store.blobs.append(key(5, account), sha256, at, bytes.subarray(at, at + 400));
    assert.equal(put.kind, "stored");
  }
  if (begun.kind === "begun") await store.blobs.settle(begun.id, true);
}

/** All bytes of a file; null when there is none that is whole. */
export async function bytesOf(store: Store, n: number): Promise<Uint8Array | null> {
  const { sha256 } = blob(n);
  const all: number[] = [];
  for (;;) {
    const piece = await store.blobs.read(sha256, all.length);
    if (!piece?.whole) return null;
    if (piece.data.length === 0) return Uint8Array.from(all);
    all.push(...piece.data);
  }
}

/** Adds the rows to a suite. */
export function blobContract(
  row: (promise: string, run: (store: Store) => Promise<void>, limits?: StoreLimits) => void,
): void {
  row("a file comes in chunks, each where the one before ended, and is there when it is whole", async (store) => {
    const { bytes, sha256 } = blob(1);
    const account = key(5, 1);
    const begun = await begin(store, 1);
    assert.ok(begun.kind === "begun");
    assert.deepEqual([begun.received, begun.size, begun.whole, begun.untilMs], [0, 1000, false, T + 1000]);
    const put = (at: number, to: number) => store.blobs.append(account, sha256, at, bytes.subarray(at, to));
    assert.deepEqual(await put(0, 400), { kind: "stored", id: begun.id, size: 1000, received: 400, whole: false });
    assert.deepEqual(await put(0, 400), { kind: "out_of_order", received: 400 }, "the same again");
    assert.deepEqual(await put(500, 600), { kind: "out_of_order", received: 400 }, "a hole");
    const tooLong = await store.blobs.append(account, sha256, 400, new Uint8Array(601));
    assert.deepEqual(tooLong, { kind: "too_long", size: 1000 });
    const again = await begin(store, 1);
    assert.ok(again.kind === "begun" && again.received === 400 && again.id === begun.id, "it goes on there");
    assert.equal((await put(400, 1000)).kind, "stored");
    assert.equal(await bytesOf(store, 1), null, "not before its hash was looked at");
    await store.blobs.settle(begun.id, true);
    assert.deepEqual(await bytesOf(store, 1), bytes);
    assert.deepEqual(
      (await store.blobs.read(sha256, 399))?.data,
      bytes.subarray(399, 400),
      "a chunk from its middle on",
    );
    assert.deepEqual(await put(1000, 1000), { kind: "out_of_order", received: 1000 });
    assert.equal((await store.stats()).bytes, 1000);
    assert.deepEqual(await store.check(), []);
  });

  row("a file whose hash is another one is dropped, and can come again at once", async (store) => {
    const { sha256 } = blob(1);
    const begun = await begin(store, 1);
    assert.ok(begun.kind === "begun");
    await store.blobs.append(key(5, 1), sha256, 0, new Uint8Array(1000));
    await store.blobs.settle(begun.id, false);
    assert.equal(await store.blobs.read(sha256, 0), null);
    await bring(store, 1);
    await store.blobs.settle(begun.id, false); // a late word about the first try is not about the second
    assert.deepEqual(await bytesOf(store, 1), blob(1).bytes);
    await store.collect(T);
    assert.equal((await store.stats()).bytes, 1000, "nothing of the first try is left");
    assert.deepEqual(await store.check(), []);
  });

  row("only who announced a file may bring it, and only in the size that was announced first", async (store) => {
    assert.equal((await store.blobs.append(key(5, 1), blob(1).sha256, 0, new Uint8Array(10))).kind, "unknown");
    await begin(store, 1);
    assert.equal((await store.blobs.append(key(5, 2), blob(1).sha256, 0, new Uint8Array(10))).kind, "unknown");
    assert.deepEqual(await begin(store, 1, 2, { size: 999 }), { kind: "other_size", size: 1000 });
  });

  row("a file of two accounts stays until the later claim is over; both may give theirs up", async (store) => {
    await bring(store, 1, 1);
    const second = await begin(store, 1, 2, { untilMs: T + 3000 });
    assert.ok(second.kind === "begun" && second.whole && second.received === 1000, "it need not come twice");
    await store.collect(T + 2000);
    assert.deepEqual(await bytesOf(store, 1), blob(1).bytes);
    assert.equal(await store.blobs.forget(key(5, 2), blob(1).sha256), true);
    assert.equal(await store.blobs.forget(key(5, 2), blob(1).sha256), false);
    await store.collect(T + 2000);
    assert.equal(await bytesOf(store, 1), null);
    assert.equal((await store.stats()).bytes, 0);

    await bring(store, 2, 1);
    await begin(store, 2, 2);
    assert.equal(await store.blobs.forget(key(5, 1), blob(2).sha256), true);
    await store.collect(T);
    assert.deepEqual(await bytesOf(store, 2), blob(2).bytes);
    assert.equal(await store.blobs.forget(key(5, 2), blob(2).sha256), true);
    await store.collect(T);
    assert.equal(await bytesOf(store, 2), null);
  });

  row("what never came whole goes sooner, what did goes when its time is over", async (store) => {
    await begin(store, 1);
    await store.blobs.append(key(5, 1), blob(1).sha256, 0, blob(1).bytes.subarray(0, 400));
    await bring(store, 2);
    await store.collect(T + 99);
    assert.equal((await store.stats()).bytes, 1400);
    await store.collect(T + 100);
    assert.equal(await store.blobs.read(blob(1).sha256, 0), null);
    assert.deepEqual(await bytesOf(store, 2), blob(2).bytes);
    await store.collect(T + 1000);
    assert.equal(await bytesOf(store, 2), null);
    assert.equal((await store.stats()).bytes, 0);
    assert.deepEqual(await store.check(), []);
  });

  row(
    "an account claims no more than its quota, others as much as before; what is over counts no more",
    async (store) => {
      await bring(store, 1);
      const quota = { quota: 1999 };
      assert.deepEqual(await begin(store, 2, 1, quota), { kind: "over_quota", claimed: 1000 });
      assert.equal((await begin(store, 1, 1, quota)).kind, "begun", "the same file once");
      assert.equal((await begin(store, 2, 2, quota)).kind, "begun");
      assert.equal((await begin(store, 3, 1, { ...quota, nowMs: T + 1000, untilMs: T + 2000 })).kind, "begun");
    },
  );

  row("files count in max_total, when they are announced and when they come", async (store) => {
    assert.equal((await begin(store, 1)).kind, "begun");
    assert.equal((await begin(store, 2)).kind, "begun");
    const put = (n: number, size: number) =>
      store.blobs.append(key(5, 1), blob(n).sha256, 0, blob(n).bytes.subarray(0, size));
    assert.equal((await put(1, 1000)).kind, "stored");
    assert.equal((await put(2, 501)).kind, "storage_full");
    assert.equal((await begin(store, 3)).kind, "storage_full");
    assert.equal((await put(2, 500)).kind, "stored");
  }, { ...roomy, maxTotal: 1500 });
}

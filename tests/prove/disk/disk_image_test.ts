/** The rig of the power cuts itself: the trace is read byte for byte, and a cut keeps what was synced and nothing else for sure. @module */
import assert from "node:assert/strict";
import { seeded } from "../random.ts";
import { DiskImage } from "./disk_image.ts";
import { type DiskCall, readDiskTrace } from "./disk_trace.ts";

const hex = (text: string) =>
  [...new TextEncoder().encode(text)].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
const trace = (...lines: string[]) =>
  readDiskTrace(new TextEncoder().encode(lines.join("\n")), (path) => path.startsWith("/d"));

Deno.test("a write that another thread interrupted, a short one and a rename are read with their bytes", () => {
  const calls = trace(
    `7 1.000001 openat(AT_FDCWD<${hex("/d")}>, "${hex("a")}", O_RDWR|O_CREAT, 0600) = 3<${hex("/d/a")}> <0.000002>`,
    `7 1.000010 pwrite64(3<${hex("/d/a")}>, "${hex("hello")}", 5, 4096 <unfinished ...>`,
    `8 1.000012 fsync(9<${hex("/elsewhere")}>) = 0 <0.000002>`,
    `7 1.000020 <... pwrite64 resumed>) = 3 <0.000011>`,
    `7 1.000030 fdatasync(3<${hex("/d/a")}>) = -1 EIO (Input/output error) (INJECTED) <0.000002>`,
    `7 1.000040 rename("${hex("/d/a")}", "${hex("/d/b")}") = 0 <0.000002>`,
    `7 1.000050 ftruncate(3<${hex("/d/b")}>, 7) = 0 <0.000002>`,
  );
  assert.deepEqual(calls.map(({ call, path }) => `${call} ${path}`), [
    "open /d/a",
    "write /d/a",
    "rename /d/a",
    "truncate /d/b",
  ]);
  const [, write, rename, truncate] = calls;
  assert.deepEqual([write.offset, new TextDecoder().decode(write.data), write.startUs, write.endUs], [
    4096,
    "hel",
    1000010,
    1000021,
  ]);
  assert.deepEqual([rename.to, truncate.length], ["/d/b", 7]);
});

const open = (path: string, atUs: number): DiskCall => ({
  call: "open",
  path,
  startUs: atUs,
  endUs: atUs,
  flags: "O_CREAT",
});
const write = (path: string, atUs: number, offset: number, byte: number, bytes = 512): DiskCall => (
  { call: "write", path, startUs: atUs, endUs: atUs + 1, offset, data: new Uint8Array(bytes).fill(byte) }
);
const sync = (path: string, startUs: number, endUs: number): DiskCall => ({ call: "sync", path, startUs, endUs });
const story = [
  ...[open("/d/f", 1), write("/d/f", 10, 0, 1, 2048), sync("/d/f", 20, 30), sync("/d", 31, 32)],
  ...[write("/d/f", 40, 512, 2), write("/d/f", 50, 2048, 3), sync("/d/f", 45, 60)],
];
const cutAt = (atUs: number, seed: number, keep: number) => {
  const image = new DiskImage(story);
  image.playUntil(atUs);
  return image.cut(seeded(seed), keep).get("/d/f");
};

Deno.test("what was synced when the power went is there in every cut, whatever chance says", () => {
  for (let seed = 0; seed < 200; seed++) {
    for (const keep of [0, 0.5, 0.9]) {
      const bytes = cutAt(59, seed, keep)!;
      assert.ok(
        bytes.subarray(0, 512).every((byte) => byte === 1) && bytes.subarray(1024, 2048).every((byte) => byte === 1),
      );
      const after = cutAt(61, seed, keep)!;
      assert.ok(after.subarray(512, 1024).every((byte) => byte === 2), "the sync ended: the second write is durable");
    }
  }
});

Deno.test("a sync covers only writes that ended before it began, and a name only after its folder's sync", () => {
  const named = Array.from({ length: 20 }, (_, seed) => cutAt(31, seed, 0) !== undefined);
  assert.ok(named.includes(false) && named.includes(true), "the name may be lost or kept");
  assert.ok(cutAt(33, 1, 0));
  assert.equal(
    cutAt(61, 3, 0)!.subarray(2048).some((byte) => byte === 3),
    false,
    "written during the sync: not durable",
  );
});

Deno.test("unsynced sectors are seen lost, kept and torn", () => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 300; seed++) {
    const sector = cutAt(59, seed, 0.4)!.subarray(512, 1024);
    const news = sector.filter((byte) => byte === 2).length;
    seen.add(news === 0 ? "lost" : news === 512 ? "kept" : "torn");
  }
  assert.deepEqual([...seen].sort(), ["kept", "lost", "torn"]);
});

/** The chunked cipher of files: layout, vectors, and what an attacker may try with its chunks. @module */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { FILE_CHUNK_BYTES, fileCipher, MAX_FILE_BYTES, sealedFileSize } from "../../crypto/file_cipher.ts";

const key = Uint8Array.from({ length: 32 }, (_, at) => at);
const hex = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const plain = (size: number) => Uint8Array.from({ length: size }, (_, at) => (at * 31) & 0xff);

/** A sealed file, chunk by chunk. */
async function sealed(size: number, by = key): Promise<Uint8Array[]> {
  const cipher = await fileCipher(by, size);
  const bytes = plain(size);
  const chunk = (n: number) => bytes.subarray(n * FILE_CHUNK_BYTES, (n + 1) * FILE_CHUNK_BYTES);
  return await Promise.all(Array.from({ length: cipher.chunks }, (_, n) => cipher.seal(n, chunk(n))));
}

Deno.test("file cipher: a chunk is AES-256-GCM with the counter and the last flag in the nonce, the size in the AAD", async () => {
  const size = FILE_CHUNK_BYTES + 5;
  const [first, last] = await sealed(size);
  const secret = await crypto.subtle.importKey("raw", key as Uint8Array<ArrayBuffer>, "AES-GCM", false, ["decrypt"]);
  const aad = new Uint8Array([...new TextEncoder().encode("qight file v1"), 0, 0, 0, 0, 0, 0, 1, 0, 5]);
  for (const [n, chunk] of [first, last].entries()) {
    const iv = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n, n);
    const opened = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv, additionalData: aad },
      secret,
      chunk as Uint8Array<ArrayBuffer>,
    );
    assert.deepEqual(new Uint8Array(opened), plain(size).subarray(n * FILE_CHUNK_BYTES, (n + 1) * FILE_CHUNK_BYTES));
  }
});

for (const size of [0, 1, FILE_CHUNK_BYTES - 1, FILE_CHUNK_BYTES, FILE_CHUNK_BYTES + 1, 3 * FILE_CHUNK_BYTES]) {
  Deno.test(`file cipher: a file of ${size} bytes comes back, and its ciphertext has the announced size`, async () => {
    const chunks = await sealed(size);
    assert.equal(chunks.reduce((sum, { length }) => sum + length, 0), sealedFileSize(size));
    const cipher = await fileCipher(key, size);
    const opened = await Promise.all(chunks.map((chunk, n) => cipher.open(n, chunk)));
    assert.equal(hex(Buffer.concat(opened)), hex(plain(size)));
  });
}

const size = 2 * FILE_CHUNK_BYTES + 100;
const attacks: [string, () => Promise<unknown>][] = [
  ["chunks in another order", async () => (await fileCipher(key, size)).open(0, (await sealed(size))[1])],
  [
    "the last chunk left out",
    async () => (await fileCipher(key, 2 * FILE_CHUNK_BYTES)).open(1, (await sealed(size))[1]),
  ],
  ["a chunk cut short", async () => (await fileCipher(key, size)).open(2, (await sealed(size))[2].subarray(1))],
  ["a chunk behind the last", async () => (await fileCipher(key, size)).open(3, (await sealed(size))[2])],
  ["a chunk of another file of this size", async () => {
    return (await fileCipher(key, size)).open(0, (await sealed(size, key.toReversed()))[0]);
  }],
  ["a chunk of another size's file", async () => (await fileCipher(key, size)).open(0, (await sealed(size + 1))[0])],
  ["a changed bit", async () => {
    const [chunk] = await sealed(size);
    chunk[77] ^= 1;
    return (await fileCipher(key, size)).open(0, chunk);
  }],
  ["a key of another length", () => fileCipher(key.subarray(1), size)],
  ["a size that no file has", () => fileCipher(key, MAX_FILE_BYTES + 1)],
];
for (const [name, attack] of attacks) {
  Deno.test(`file cipher: ${name} is refused`, async () => {
    await assert.rejects(attack, { code: "bad_blob" });
  });
}

/** What stands in a key file: both layouts, and what is none. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeIdentity, encodeIdentity, MAX_RETIRED } from "../../crypto/identity_bytes.ts";
import { hex } from "../../crypto/hex.ts";
import { seedOf } from "./samples.ts";

const device = { seed: seedOf(2), dataKey: seedOf(3) };
const sealing = { seed: seedOf(4), createdAtMs: 1, expiresAtMs: 2, eraseAtMs: 3 };
const head = (version: number) => hex(new TextEncoder().encode(`qight identity v${version}\0`));
const seeds = (...values: number[]) => values.map((value) => hex(seedOf(value))).join("");

Deno.test("layout: a key file without retired accounts is what it always was", () => {
  assert.equal(hex(encodeIdentity({ accountSeed: seedOf(1) })), head(1) + seeds(1));
  assert.equal(hex(encodeIdentity({ accountSeed: seedOf(1), device })), head(1) + seeds(1, 2, 3));
  assert.equal(hex(encodeIdentity({ accountSeed: seedOf(1), device, retired: [] })), head(1) + seeds(1, 2, 3));
});

Deno.test("layout: retired accounts stand behind the store's key, and the rest as ever behind them", () => {
  const retired = [seedOf(8), seedOf(9)];
  assert.equal(
    hex(encodeIdentity({ accountSeed: seedOf(1), device, retired })),
    head(2) + seeds(1, 2, 3) + "02" + seeds(8, 9),
  );
  const whole = { accountSeed: seedOf(1), device, retired, sealing, conversations: Uint8Array.of(7, 7) };
  const times = [1, 2, 3].map((ms) => ms.toString(16).padStart(16, "0")).join("");
  assert.equal(hex(encodeIdentity(whole)), head(2) + seeds(1, 2, 3) + "02" + seeds(8, 9, 4) + times + "0707");
  assert.deepEqual(decodeIdentity(encodeIdentity(whole)), whole);
});

Deno.test("an export without the device names no retired account", () => {
  assert.equal(hex(encodeIdentity({ accountSeed: seedOf(1), retired: [seedOf(8)] })), head(1) + seeds(1));
});

Deno.test("the latest 16 retired accounts are remembered", () => {
  const retired = Array.from({ length: MAX_RETIRED + 1 }, (_, i) => seedOf(i + 100));
  const { retired: kept } = decodeIdentity(encodeIdentity({ accountSeed: seedOf(1), device, retired }));
  assert.deepEqual(kept, retired.slice(1));
});

Deno.test("a key file that is cut, names no retired account or too many, or is of a later version is refused", () => {
  const bytes = encodeIdentity({ accountSeed: seedOf(1), device, retired: [seedOf(8)] });
  const countAt = 18 + 96;
  const rows = [
    bytes.slice(0, countAt),
    bytes.slice(0, countAt + 1),
    bytes.slice(0, -1),
    bytes.with(countAt, 0),
    bytes.with(countAt, 2),
    bytes.with(countAt, 17),
    bytes.with(16, "3".charCodeAt(0)),
    Uint8Array.from([...bytes, 0]),
  ];
  for (const row of rows) assert.throws(() => decodeIdentity(row), { code: "bad_key_file" }, hex(row));
});

Deno.test("whatever a damaged key file holds, it is an identity or bad_key_file", () => {
  const bytes = encodeIdentity({ accountSeed: seedOf(1), device, retired: [seedOf(8)] });
  fc.assert(fc.property(fc.nat(bytes.length), fc.nat(255), (at, byte) => {
    const bent = bytes.slice();
    bent[at] = byte;
    try {
      decodeIdentity(bent);
    } catch (thrown) {
      assert.equal((thrown as { code?: string }).code, "bad_key_file");
    }
  }));
});

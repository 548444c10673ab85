/** Key files: passphrases, damage, and the floor under Argon2id. @module */
import assert from "node:assert/strict";
import {
  ARGON2_CEILING,
  ARGON2_DEFAULT,
  ARGON2_FLOOR,
  type Argon2Params,
  openBytes,
  openVault,
  sealBytes,
  sealVault,
  vaultNeedsPassphrase,
} from "../../crypto/vault.ts";
import { concat } from "../../crypto/concat.ts";
import { hex } from "../../crypto/hex.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { seedOf } from "./samples.ts";

const secret = seedOf(7);
const params = ARGON2_FLOOR;
const sealed = await sealBytes(secret, "correct horse", { params });

Deno.test("a vault opens with its passphrase only, and says when it wants one", async () => {
  const text = await sealVault(secret, "correct horse", { params });
  assert.equal(vaultNeedsPassphrase(text), true);
  assert.equal(hex(await openVault(text, "correct horse")), hex(secret));
  await assert.rejects(openVault(text, "Correct horse"), { code: "wrong_passphrase" });
  await assert.rejects(openVault(text, ""), { code: "wrong_passphrase" });
  await assert.rejects(openVault(text, null), { code: "passphrase_needed" });
  await assert.rejects(sealVault(secret, "", { params }), { code: "passphrase_needed" });
});

Deno.test("new vaults use 64 MiB and three passes", async () => {
  assert.deepEqual(ARGON2_DEFAULT, { memoryKiB: 65_536, passes: 3, lanes: 1 });
  const bytes = await sealBytes(secret, "correct horse");
  assert.equal(hex(bytes.subarray(16, 25)), "00010000" + "00000003" + "01");
  assert.equal(hex(await openBytes(bytes, "correct horse")), hex(secret));
});

Deno.test("a passphrase typed with composed or decomposed letters is the same one", async () => {
  const text = await sealVault(secret, "Gru\u0308ße", { params });
  assert.equal(hex(await openVault(text, "Grüße")), hex(secret));
});

Deno.test("two vaults of the same secret share no key, salt or nonce", async () => {
  const other = await sealBytes(secret, "correct horse", { params });
  assert.notEqual(hex(other.subarray(25, 41)), hex(sealed.subarray(25, 41)));
  assert.notEqual(hex(other.subarray(41, 65)), hex(sealed.subarray(41, 65)));
  assert.notEqual(hex(other.subarray(-56)), hex(sealed.subarray(-56)));
});

Deno.test("parameters below the floor or above the ceiling are neither written nor opened, and cost nothing", async () => {
  const rows: Partial<Argon2Params>[] = [
    { memoryKiB: ARGON2_FLOOR.memoryKiB - 1 },
    { passes: ARGON2_FLOOR.passes - 1 },
    { lanes: 0 },
    { memoryKiB: ARGON2_CEILING.memoryKiB + 1 },
    { memoryKiB: 0xffffffff },
    { passes: ARGON2_CEILING.passes + 1 },
    { passes: 0xffffffff },
    { lanes: ARGON2_CEILING.lanes + 1 },
  ];
  for (const change of rows) {
    const bad = { ...ARGON2_FLOOR, ...change };
    await assert.rejects(sealVault(secret, "pass", { params: bad }), { code: "config" }, JSON.stringify(change));
    const forged = sealed.slice();
    new DataView(forged.buffer).setUint32(16, bad.memoryKiB);
    new DataView(forged.buffer).setUint32(20, bad.passes);
    forged[24] = bad.lanes;
    await assert.rejects(openBytes(await withChecksum(forged), "correct horse"), {
      code: "bad_key_file",
      message: /Argon2id/,
    }, JSON.stringify(change));
  }
});

Deno.test("every changed byte of a vault is damage; with a repaired checksum it is still refused", async () => {
  for (let at = 0; at < sealed.length; at++) {
    const changed = sealed.slice();
    changed[at] ^= 1;
    await assert.rejects(openBytes(changed, "correct horse"), { code: "bad_key_file" }, `byte ${at}`);
  }
  // One byte of each part: kind, passes, salt, wrap nonce, wrapped key, body nonce, body.
  for (
    const [at, code] of [
      [23, "wrong_passphrase"],
      [25, "wrong_passphrase"],
      [41, "wrong_passphrase"],
      [65, "wrong_passphrase"],
      [113, "bad_key_file"],
      [137, "bad_key_file"],
    ] as const
  ) {
    const changed = sealed.slice();
    changed[at] ^= 1;
    await assert.rejects(openBytes(await withChecksum(changed), "correct horse"), { code }, `byte ${at}`);
  }
});

Deno.test("every cut of a vault is damage", async () => {
  for (let length = 0; length < sealed.length; length++) {
    await assert.rejects(openBytes(sealed.subarray(0, length), "correct horse"), { code: "bad_key_file" });
    const cut = await withChecksum(sealed.slice(0, length + 8));
    if (length < 153) await assert.rejects(openBytes(cut, "correct horse"), { code: "bad_key_file" }, `${length}`);
  }
});

Deno.test("without a passphrase a vault is open to its reader, but damage shows", async () => {
  const text = await sealVault(secret, null);
  assert.equal(vaultNeedsPassphrase(text), false);
  assert.equal(hex(await openVault(text, null)), hex(secret));
  assert.equal(hex(await openVault(text, "ignored")), hex(secret));
  await assert.rejects(openVault(text.replace("BwcH", "BwcI"), null), { code: "bad_key_file" });
});

Deno.test("a key file that was copied by hand still opens; what is no key file is refused", async () => {
  const text = await sealVault(secret, null);
  for (const copy of [text.replaceAll("\n", "\r\n"), `\n  ${text}\n\n`, text.trimEnd()]) {
    assert.equal(hex(await openVault(copy, null)), hex(secret));
  }
  const rows = [
    "",
    "hello",
    text.slice(20),
    text.slice(0, -20),
    text.replace("key file v1", "key file v2"),
    "x".repeat(2e6),
  ];
  for (const bad of [...rows, text.replace("cWln", "cW!n"), text.replace("cWln", "cWlm")]) {
    await assert.rejects(openVault(bad, null), { code: "bad_key_file" }, bad.slice(0, 40));
    assert.throws(() => vaultNeedsPassphrase(bad), { code: "bad_key_file" }, bad.slice(0, 40));
  }
});

Deno.test("backups name their own damage, and hold megabytes", async () => {
  const large = new Uint8Array(3_000_000).fill(5);
  const bytes = await sealBytes(large, "correct horse", { params });
  assert.equal(hex(await sha256(await openBytes(bytes, "correct horse", "bad_backup"))), hex(await sha256(large)));
  bytes[1_000_000] ^= 1;
  await assert.rejects(openBytes(bytes, "correct horse", "bad_backup"), { code: "bad_backup" });
});

async function withChecksum(bytes: Uint8Array): Promise<Uint8Array> {
  const body = bytes.subarray(0, bytes.length - 8);
  return concat(body, (await sha256(body)).subarray(0, 8));
}

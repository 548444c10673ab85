/** The end of an account: what counts as its word, and what does not. @module */
import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { openAccountEnd, signAccountEnd } from "../../crypto/account_end.ts";
import { signByAccount } from "../../crypto/account_signatures.ts";
import { concat } from "../../crypto/concat.ts";
import { domains } from "../../crypto/domains.ts";
import { AccountEndSchema } from "../../proto/gen/qight/v1/account_pb.ts";
import { adaAccount, bobAccount, NOW } from "./samples.ts";

Deno.test("the end of an account opens to who ended when", async () => {
  const made = await signAccountEnd(adaAccount, NOW);
  const { account, accountId, endedAtMs } = await openAccountEnd(made.bytes);
  assert.deepEqual([account, accountId, endedAtMs], [adaAccount.hash, adaAccount.id, NOW]);
  for (const date of [-1, 1.5, Number.NaN]) {
    await assert.rejects(signAccountEnd(adaAccount, date), { code: "bad_bundle" }, String(date));
  }
});

Deno.test("every changed byte of an account's end is refused", async () => {
  const { bytes } = await signAccountEnd(adaAccount, NOW);
  for (let at = 0; at < bytes.length; at += at < 80 ? 1 : 41) {
    const changed = bytes.slice();
    changed[at] ^= 0x01;
    await assert.rejects(openAccountEnd(changed), { code: "bad_bundle" }, `byte ${at}`);
  }
});

Deno.test("an account ends by both of its own signatures, for this purpose, in canonical form", async () => {
  const { bytes } = await signAccountEnd(adaAccount, NOW);
  const good = fromBinary(AccountEndSchema, bytes);
  const build = (change: Partial<typeof good>) =>
    toBinary(AccountEndSchema, create(AccountEndSchema, { ...good, ...change }));
  const unknown = concat(good.body, Uint8Array.of(0x18, 0x01));
  const rows: [string, Uint8Array][] = [
    ["no bytes", new Uint8Array(0)],
    ["no body", build({ body: new Uint8Array(0) })],
    ["no Ed25519 signature", build({ ed25519Signature: new Uint8Array(0) })],
    ["no ML-DSA-65 signature", build({ mlDsa65Signature: new Uint8Array(0) })],
    ["a field after the last", concat(bytes, Uint8Array.of(0x20, 0x01))],
    [
      "a field more inside, signed",
      build({ body: unknown, ...await signByAccount(adaAccount, concat(domains.accountEnd, unknown)) }),
    ],
    ["signed as a bundle", build(await signByAccount(adaAccount, concat(domains.bundle, good.body)))],
    ["signed by another account", build(await signByAccount(bobAccount, concat(domains.accountEnd, good.body)))],
    ["too long", new Uint8Array(7000)],
  ];
  for (const [what, bad] of rows) await assert.rejects(openAccountEnd(bad), { code: "bad_bundle" }, what);
});

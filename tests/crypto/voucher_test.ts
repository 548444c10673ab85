/** Vouchers: one device's word for one bundle, and for no other. @module */
import assert from "node:assert/strict";
import { signBundle } from "../../crypto/bundle.ts";
import { concat } from "../../crypto/concat.ts";
import { domains } from "../../crypto/domains.ts";
import { signVoucher, verifyVoucher } from "../../crypto/voucher.ts";
import { ada, adaAccount, bob, DAY, eve, NOW } from "./samples.ts";

const fields = { version: 3, createdAtMs: NOW, expiresAtMs: NOW + DAY };
const list = (...devices: (typeof ada)[]) =>
  signBundle(adaAccount, {
    ...fields,
    devices: devices.map(({ publicKey }) => ({ key: publicKey, name: "", addedAtMs: NOW })),
  });

Deno.test("a voucher stands for the bundle it was made for, and for no other list of the same account", async () => {
  const [withBob, withEve] = await Promise.all([list(ada, bob), list(ada, eve)]);
  const voucher = await signVoucher(ada, withBob, NOW + 600_000);
  assert.deepEqual([voucher.device, voucher.signature.length], [ada.publicKey, 64]);
  assert.equal(await verifyVoucher(voucher, withBob), true);
  assert.equal(await verifyVoucher(voucher, withEve), false);
});

Deno.test("a voucher that was changed, or carries another device's name, is none", async () => {
  const bundle = await list(ada, bob);
  const voucher = await signVoucher(ada, bundle, NOW + 600_000);
  const rows = [
    { what: "another device's name", ...voucher, device: eve.publicKey },
    { what: "no device", ...voucher, device: new Uint8Array(0) },
    { what: "a point that is no key", ...voucher, device: new Uint8Array(32) },
    { what: "a later end", ...voucher, expiresAtMs: voucher.expiresAtMs + 1n },
    { what: "no end", ...voucher, expiresAtMs: 0n },
    { what: "no signature", ...voucher, signature: new Uint8Array(0) },
    {
      what: "a changed signature",
      ...voucher,
      signature: voucher.signature.map((byte, at) => at === 9 ? byte ^ 1 : byte),
    },
    { what: "a signature without the domain", ...voucher, signature: await ada.sign(bundle.hash) },
    {
      what: "a signature for another purpose",
      ...voucher,
      signature: await ada.sign(concat(domains.message, bundle.hash)),
    },
  ];
  for (const { what, ...bad } of rows) assert.equal(await verifyVoucher(bad, bundle), false, what);
});

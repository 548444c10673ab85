/** A device that goes into another account, while it is still connected as the former one's. @module */
import assert from "node:assert/strict";
import type { RelayClient } from "../../client/relay_client.ts";
import type { VerifiedBundle } from "../../crypto/bundle.ts";
import { type BundleVoucher, signVoucher } from "../../crypto/voucher.ts";
import { errorTable } from "../../proto/errors.ts";
import { DirectoryService } from "../../proto/gen/qight/v1/directory_pb.ts";
import { deviceNumber, listOf } from "../helpers/device_lists.ts";
import { envelope, person } from "../helpers/people.ts";
import { refusal } from "../helpers/refusal.ts";
import { register } from "../helpers/signing_in.ts";
import { testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
const [ada, eve] = await Promise.all([1, 2].map((number) => person(number, NOW)));
const laptop = ada.device;
const phone = await deviceNumber(11);

const publish = (who: RelayClient, { bytes }: VerifiedBundle, expected: number, voucher?: BundleVoucher) =>
  who.rpc.unary(DirectoryService.method.publishBundle, {
    ...{ bundle: bytes, expectedVersion: BigInt(expected) },
    ...(voucher ? { voucher } : {}),
  });

for (const backend of ["memory", "sqlite"] as const) {
  Deno.test(`${backend}: what the device has open as the former account's ends; the connection that moved it goes on`, async () => {
    await using relay = await testRelay({ now: () => NOW, storage: { backend } });
    await using old = await relay.join(ada);
    const asPhone = () => relay.connect({ ...eve, device: phone });
    await using reader = await asPhone();
    await publish(reader, await listOf(eve.account, NOW, NOW, [phone]), 0);
    await using mover = await asPhone();
    const waiting = refusal(async () => {
      for await (const _ of reader.fetch({ waitMs: 60_000 }));
    });
    await reader.ping();
    const both = await listOf(ada.account, NOW, NOW + 1, [laptop, phone]);
    await publish(mover, both, ada.bundle.version, await signVoucher(laptop, both, NOW + 600_000));
    assert.equal((await waiting).code, "not_listed", "the reader hears why");
    assert.match((await waiting).message, /another account/);
    const late = await refusal(async () => reader.send(await envelope({ ...eve, device: phone }, ada, NOW)));
    assert.equal(late.code, "not_listed");
    assert.equal((await reader.closed).code, errorTable.not_listed.number);
    // Under the new account all is well, on the connection that moved it and on another one.
    await mover.send(await envelope({ ...ada, device: phone }, ada, NOW));
    await using again = await asPhone();
    await again.send(await envelope({ ...ada, device: phone }, ada, NOW));
    await old.ping();
    // A list that comes later moves nobody, and ends nothing.
    await publish(mover, await listOf(ada.account, NOW, NOW + 2, [laptop, phone]), NOW + 1);
    await again.ping();
    await old.ping();
  });
}

Deno.test("where there are passwords, too: the former account's session ends with its connections", async () => {
  await using relay = await testRelay({ now: () => NOW, auth: { mode: "account" } });
  await using old = await relay.connect(ada);
  await register(old, ada, "ada", "correct horse");
  await using theirs = await relay.connect({ ...eve, device: phone });
  const bundle = await listOf(eve.account, NOW, NOW, [phone]);
  await register(theirs, { ...eve, device: phone, bundle }, "eve", "battery staple");
  const both = await listOf(ada.account, NOW, NOW + 1, [laptop, phone]);
  await using mover = await relay.connect({ ...eve, device: phone });
  await publish(mover, both, ada.bundle.version, await signVoucher(laptop, both, NOW + 600_000));
  const late = await refusal(async () => theirs.send(await envelope({ ...eve, device: phone }, ada, NOW)));
  assert.equal(late.code, "not_listed");
  assert.equal((await theirs.closed).code, errorTable.not_listed.number);
  await mover.send(await envelope({ ...ada, device: phone }, ada, NOW));
});

/**
 * C7, a stolen device that is not revoked yet: what it does in its last hour must not outlive its revocation.
 * @module
 */
import assert from "node:assert/strict";
import { sha256 } from "../../crypto/sha256.ts";
import { DirectoryService } from "../../proto/gen/qight/v1/directory_pb.ts";
import { RecoveryService } from "../../proto/gen/qight/v1/recovery_pb.ts";
import { deviceNumber, listOf } from "../helpers/device_lists.ts";
import { envelope, person } from "../helpers/people.ts";
import { refusal } from "../helpers/refusal.ts";
import { calls, recordFor, register } from "../helpers/signing_in.ts";
import { testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
const MINUTE_MS = 60_000;
const [ada, eve] = await Promise.all([1, 2].map((number) => person(number, NOW)));
const [laptop, phone] = [ada.device, await deviceNumber(11)];
const { getBundle, publishBundle } = DirectoryService.method;

const list = (version: number, devices = [laptop, phone], devicesOnly = false) =>
  listOf(ada.account, NOW, version, devices, { devicesOnly });

Deno.test("regression: a thief cannot give the list the last version there is, so that nobody could take the device off it", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using owner = await relay.join(ada);
  await owner.publishBundle((await list(NOW + 1)).bytes, NOW);
  await using thief = await relay.connect({ ...ada, device: phone });
  for (const version of [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1, NOW + 11 * MINUTE_MS]) {
    const error = await refusal(async () => thief.publishBundle((await list(version)).bytes, NOW + 1));
    assert.equal(error.code, "from_the_future", `version ${version}`);
  }
  await thief.publishBundle((await list(NOW + 10 * MINUTE_MS)).bytes, NOW + 1);
  const next = NOW + 10 * MINUTE_MS + 1;
  await owner.publishBundle((await list(next, [laptop], true)).bytes, next - 1);
  assert.equal((await refusal(() => thief.rpc.unary(calls.listDevices, {}))).code, "not_listed");
});

Deno.test("an account does not begin with the last version either, by a first list or by a registration", async () => {
  const last = await listOf(eve.account, NOW, Number.MAX_SAFE_INTEGER, [eve.device]);
  await using open = await testRelay({ now: () => NOW });
  await using one = await open.connect(eve);
  const request = { bundle: last.bytes, expectedVersion: 0n };
  assert.equal((await refusal(() => one.rpc.unary(publishBundle, request))).code, "from_the_future");
  await using named = await testRelay({ now: () => NOW, auth: { mode: "account" } });
  await using two = await named.connect(eve);
  const record = await recordFor(two, "eve", "a long password");
  const registration = { name: "eve", record, bundle: last.bytes };
  assert.equal((await refusal(() => two.rpc.unary(calls.registerFinish, registration))).code, "from_the_future");
  await register(two, eve, "eve", "a long password");
});

const { putRecovery, recoverStart } = RecoveryService.method;
const locatorOf = (set: number, n: number) => new Uint8Array(32).fill(set * 16 + n);

async function codesOf(set: number) {
  const codes = await Promise.all(
    [0, 1, 2, 3, 4, 5, 6, 7].map(async (n) => ({
      locatorHash: await sha256(locatorOf(set, n)),
      wrapped: new Uint8Array(72).fill(n),
    })),
  );
  return { keeping: { sealed: new Uint8Array(300).fill(set), codes } };
}

for (const backend of ["memory", "sqlite"] as const) {
  Deno.test(`regression: ${backend}: recovery codes that a thief made before the device was revoked open nothing afterwards`, async () => {
    await using relay = await testRelay({ now: () => NOW, storage: { backend } });
    await using owner = await relay.join(ada);
    await owner.publishBundle((await list(NOW + 1)).bytes, NOW);
    await using thief = await relay.connect({ ...ada, device: phone });
    await using stranger = await relay.connect(eve);
    const opens = (set: number) => stranger.rpc.unary(recoverStart, { locator: locatorOf(set, 3) });
    await owner.rpc.unary(putRecovery, await codesOf(1));
    await thief.rpc.unary(putRecovery, await codesOf(2));
    await opens(2);
    await owner.publishBundle((await list(NOW + 2, [laptop], true)).bytes, NOW + 1);
    assert.equal((await refusal(() => opens(2))).code, "code_unknown");
    const { recoveryCodes } = await owner.rpc.unary(calls.showAccount, {});
    assert.equal(recoveryCodes, 0, "the owner sees that there are none");
    // Codes of a device that stays are as good as before.
    await owner.rpc.unary(putRecovery, await codesOf(3));
    await owner.publishBundle((await list(NOW + 3, [laptop, phone], true)).bytes, NOW + 2);
    await owner.publishBundle((await list(NOW + 4, [laptop], true)).bytes, NOW + 3);
    await opens(3);
  });

  Deno.test(`regression: ${backend}: who was revoked cannot begin the account anew when its owner has moved to another one`, async () => {
    await using relay = await testRelay({ now: () => NOW, storage: { backend } });
    await using owner = await relay.join(ada);
    await owner.publishBundle((await list(NOW + 1)).bytes, NOW);
    await owner.rpc.unary(putRecovery, await codesOf(1));
    await owner.publishBundle((await list(NOW + 2, [laptop], true)).bytes, NOW + 1);
    await using thief = await relay.connect({ ...ada, device: phone });
    const who = { who: { case: "account" as const, value: ada.account.hash } };
    // The laptop is linked into another account of the same person: the former one has no device left.
    await owner.publishBundle((await listOf(eve.account, NOW, NOW, [laptop])).bytes, 0);
    assert.deepEqual((await thief.rpc.unary(getBundle, who)).bundle, new Uint8Array(0), "nobody writes to it");
    const rows = [[NOW + 3, 0, "version_conflict"], [NOW + 3, NOW + 2, "not_listed"], [NOW + 2, NOW + 2, "not_listed"]];
    for (const [version, expected, code] of rows as [number, number, string][]) {
      const again = await list(version, version === NOW + 2 ? [laptop] : [phone], true);
      const error = await refusal(() => thief.publishBundle(again.bytes, expected));
      assert.equal(error.code, version === NOW + 2 ? "not_allowed" : code);
    }
    assert.deepEqual((await thief.rpc.unary(recoverStart, { locator: locatorOf(1, 3) })).account, ada.account.hash);
  });

  Deno.test(`${backend}: codes go with a thief that leaves the list by itself, and with a call that was under way`, async () => {
    await using relay = await testRelay({ now: () => NOW, storage: { backend } });
    await using owner = await relay.join(ada);
    await owner.publishBundle((await list(NOW + 1)).bytes, NOW);
    await using thief = await relay.connect({ ...ada, device: phone });
    await using stranger = await relay.connect(eve);
    const code = async () => (await refusal(() => stranger.rpc.unary(recoverStart, { locator: locatorOf(2, 3) }))).code;
    await thief.rpc.unary(putRecovery, await codesOf(2));
    await thief.publishBundle((await listOf(eve.account, NOW, NOW, [phone])).bytes, 0);
    assert.equal(await code(), "code_unknown");
    await using again = await relay.connect({ ...ada, device: phone });
    await again.publishBundle((await list(NOW + 2)).bytes, NOW + 1);
    const race = [
      owner.publishBundle((await list(NOW + 3, [laptop], true)).bytes, NOW + 2),
      again.rpc.unary(putRecovery, await codesOf(2)),
    ];
    await Promise.allSettled(race);
    assert.equal(await code(), "code_unknown");
  });
}

Deno.test("regression: a relay that was stopped still takes nothing from a device that was revoked a minute before", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "qight-revoked-" });
  {
    await using relay = await testRelay({ now: () => NOW, dataDir });
    await using owner = await relay.join(ada);
    await owner.publishBundle((await list(NOW + 1)).bytes, NOW);
    await owner.publishBundle((await list(NOW + 2, [laptop], true)).bytes, NOW + 1);
  }
  {
    await using relay = await testRelay({ now: () => NOW + MINUTE_MS, dataDir });
    await using reader = await relay.join(eve);
    await using thief = await relay.connect({ ...ada, device: phone });
    const message = await envelope({ ...ada, device: phone }, eve, NOW + MINUTE_MS);
    assert.equal((await refusal(() => thief.send(message))).code, "not_listed");
    await using owner = await relay.connect(ada);
    await owner.send(await envelope(ada, eve, NOW + MINUTE_MS));
    await reader.ping();
  }
  await Deno.remove(dataDir, { recursive: true });
});

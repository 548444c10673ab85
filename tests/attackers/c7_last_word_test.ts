/**
 * C7, a stolen device that is not revoked yet: what it does in its last hour must not outlive its revocation.
 * @module
 */
import assert from "node:assert/strict";
import { DirectoryService } from "../../proto/gen/qight/v1/directory_pb.ts";
import { deviceNumber, listOf } from "../helpers/device_lists.ts";
import { person } from "../helpers/people.ts";
import { refusal } from "../helpers/refusal.ts";
import { calls, recordFor, register } from "../helpers/signing_in.ts";
import { testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
const MINUTE_MS = 60_000;
const [ada, eve] = await Promise.all([1, 2].map((number) => person(number, NOW)));
const [laptop, phone] = [ada.device, await deviceNumber(11)];
const { publishBundle } = DirectoryService.method;

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

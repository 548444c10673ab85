/**
 * A relay that has an older list of the own devices than is known: restored from a backup, or not the one where the list
 * was changed. A device that was revoked since must not be back.
 * @module
 */
import assert from "node:assert/strict";
import type { Identity } from "../../client/identity.ts";
import { ensurePublished, type PublishOptions } from "../../client/publish.ts";
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import { openBundle } from "../../crypto/bundle.ts";
import { QightError } from "../../proto/errors.ts";
import { AccountService } from "../../proto/gen/qight/v1/login_pb.ts";
import { deviceNumber, listOf } from "../helpers/device_lists.ts";
import { person } from "../helpers/people.ts";
import { refusal } from "../helpers/refusal.ts";
import { testRelay } from "../helpers/test_relay.ts";
import { countingRandom } from "./test_clock.ts";

type Talk = PublishOptions["relay"];

const NOW = 1_800_000_000_000;
const ada = await person(1, NOW);
const phone = await deviceNumber(11);
const identity: Identity = { account: ada.account, signer: ada.device, deviceName: "laptop" };
const both = await listOf(ada.account, NOW, NOW + 1, [ada.device, phone]);
const alone = await listOf(ada.account, NOW, NOW + 2, [ada.device], { devicesOnly: true });

/** Publishes as the laptop, which knows that the phone was revoked. */
async function publish(relay: Talk) {
  await using store = await openSqliteStore({ path: ":memory:", key: new Uint8Array(32).fill(1) });
  await store.write(({ directory }) => {
    directory.putBundle(both);
    directory.putBundle(alone);
  });
  return await ensurePublished({ relay, store, identity, clock: { now: () => NOW }, random: countingRandom(1) });
}

Deno.test("regression: a relay that forgot a revocation hears of it from the first device of the owner that comes, and the thief is out", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using owner = await relay.join(ada);
  await owner.publishBundle(both.bytes, NOW);
  await using thief = await relay.connect({ ...ada, device: phone });
  await thief.rpc.unary(AccountService.method.listDevices, {});
  const { bundle } = await publish(owner);
  assert.equal(bundle.version, alone.version);
  assert.deepEqual((await openBundle((await owner.getBundle({ account: ada.account.hash }))!)).hash, alone.hash);
  assert.equal((await refusal(() => thief.rpc.unary(AccountService.method.listDevices, {}))).code, "not_listed");
});

Deno.test("a relay that goes on showing the older list is caught, whether it says that it took the newer one or not", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using owner = await relay.join(ada);
  await owner.publishBundle(both.bytes, NOW);
  for (const answer of [() => Promise.resolve(""), () => Promise.reject(new QightError("not_listed"))]) {
    const liar: Talk = {
      session: owner.session,
      relayNowMs: () => owner.relayNowMs(),
      getSealingKeys: (account) => owner.getSealingKeys(account),
      publishSealingKey: (key) => owner.publishSealingKey(key),
      publishBundle: answer,
    };
    assert.equal((await refusal(() => publish(liar))).code, "key_changed");
  }
});

/** Both ends of a link over a real relay: what comes of it, and what those get who know the code and should not. @module */
import assert from "node:assert/strict";
import {
  approveLink,
  awaitDone,
  awaitGrant,
  type LinkedAccount,
  type LinkRoom,
  lookAtOffer,
  type OfferedLink,
  offerLink,
  publishGrant,
  reportDone,
} from "../../client/link.ts";
import type { RelayClient } from "../../client/relay_client.ts";
import { openBundle, signBundle, type VerifiedBundle } from "../../crypto/bundle.ts";
import { equal } from "../../crypto/equal.ts";
import { linkKeys, makeAnswer, makeOffer } from "../../crypto/link.ts";
import { signVoucher } from "../../crypto/voucher.ts";
import { RendezvousService } from "../../proto/gen/qight/v1/rendezvous_pb.ts";
import { deviceNumber, listOf } from "../helpers/device_lists.ts";
import { type Person, person } from "../helpers/people.ts";
import { type TestRelay, testRelay } from "../helpers/test_relay.ts";
import { countingRandom } from "./test_clock.ts";

const NOW = 1_800_000_000_000;
const [ada, bob, eve] = await Promise.all([1, 2, 3].map((number) => person(number, NOW)));
const [phone, tablet] = await Promise.all([11, 12].map(deviceNumber));
const seeds = new Map([ada, bob, eve].map((who, i) => [who, new Uint8Array(32).fill(i + 1)]));
const { putRendezvous } = RendezvousService.method;
const clock = { now: () => NOW + 1 };
const UNTIL = NOW + 600_000;

interface Scene extends AsyncDisposable {
  readonly relay: TestRelay;
  /** The old device's session. */
  readonly old: RelayClient;
  /** The new device's session. */
  readonly fresh: RelayClient;
  readonly offered: OfferedLink;
  turn(ms: number): void;
}

const over = (relay: RelayClient): LinkRoom => ({ source: { client: () => Promise.resolve(relay) } });

/** Ada is at the relay, and a phone that was bob's offers itself. */
async function scene(name = "phone"): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  let nowMs = 0;
  const relay = stack.use(
    await testRelay({ now: () => NOW + nowMs, monotonic: () => nowMs, storage: { backend: "memory" } }),
  );
  const old = stack.use(await relay.join(ada));
  const fresh = stack.use(await relay.connect({ ...bob, device: phone }));
  await fresh.publishBundle((await listOf(bob.account, NOW, NOW, [phone])).bytes, 0);
  const offered = await offerLink(over(fresh), { signer: phone, name, random: countingRandom(nowMs + 1) });
  const turn = (ms: number) => void (nowMs += ms);
  return { relay, old, fresh, offered, turn, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** An old device answers the code. */
async function approve(at: RelayClient, who: Person, secret: Uint8Array, current = who.bundle) {
  const seen = await lookAtOffer(over(at), secret);
  const identity = { account: who.account, signer: who.device, deviceName: "old" };
  const approval = { identity, accountSeed: seeds.get(who)!, current, history: true, clock };
  return { seen, device: await approveLink(over(at), seen, approval) };
}

async function storedList(at: RelayClient, who: Person): Promise<string[]> {
  const stored = await at.getBundle({ account: who.account.hash });
  return stored ? (await openBundle(stored)).devices.map(({ key }) => key.toHex()) : [];
}

/** Puts an answer of one's own making where an old device's belongs. */
async function answer(
  at: RelayClient,
  { secret, keys, made }: OfferedLink,
  change: Omit<Partial<LinkedAccount>, "by"> & { readonly by?: Person },
) {
  const { by = eve } = change;
  const { offer } = await lookAtOffer(over(at), secret);
  const bundle = change.bundle ?? await listOf(by.account, NOW, NOW + 1, [by.device, phone]);
  const { device, signature, expiresAtMs } = change.voucher ?? await signVoucher(by.device, bundle, UNTIL);
  const record = await makeAnswer(keys, { device: made.device, key: offer.key }, by.device, {
    accountSeed: change.accountSeed ?? seeds.get(by)!,
    bundle: bundle.bytes,
    expectedVersion: BigInt(by.bundle.version),
    voucher: { $typeName: "qight.v1.Voucher", device, signature, expiresAtMs },
    history: false,
  });
  await at.rpc.unary(putRendezvous, { locator: keys.locator, place: 1, record });
}

Deno.test("the new device is on the list that the old one signed, and in its former account no more", async () => {
  await using at = await scene();
  const { old, fresh, offered } = at;
  const granting = awaitGrant(over(fresh), offered);
  const { seen, device } = await approve(old, ada, offered.secret);
  assert.deepEqual([seen.offer.device, seen.offer.name, device.name], [phone.publicKey, "phone", "phone"]);
  const linked = await granting;
  assert.deepEqual([linked.account.id, linked.by, linked.history], [ada.account.id, ada.device.publicKey, true]);
  const done = awaitDone(over(old), seen, ada.account.hash);
  assert.deepEqual(await storedList(old, ada), [ada.device.publicKey.toHex()], "nothing counts before it is published");
  assert.equal(await publishGrant(over(fresh), linked), "");
  assert.equal(await publishGrant(over(fresh), linked), "", "a lost answer is asked for again");
  await reportDone(over(fresh), offered, "");
  assert.equal((await done).version, linked.bundle.version);
  assert.deepEqual(await storedList(old, ada), [ada.device, phone].map(({ publicKey }) => publicKey.toHex()));
  assert.deepEqual(await storedList(old, bob), []);
});

Deno.test("a name that another device has gets a number", async () => {
  await using at = await scene(" TEST");
  const { device } = await approve(at.old, ada, at.offered.secret); // ada's is called "test"
  assert.equal(device.name, "TEST 2");
});

Deno.test("a name that nobody could read, or that passes for a fingerprint, does not come onto the list", async () => {
  for (const wish of ["", "two\nlines", "\u202eevil", "a".repeat(33), "SHA256:abc"]) {
    await using at = await scene(wish);
    assert.equal((await approve(at.old, ada, at.offered.secret)).device.name, "device", JSON.stringify(wish));
  }
});

Deno.test("regression: a name with lines of its own puts no other fingerprint beside the one that people compare", async () => {
  await using at = await scene(`phone\nthis device  SHA256:${"A".repeat(43)}`);
  const { offer } = await lookAtOffer(over(at.old), at.offered.secret);
  assert.equal(offer.name, "device");
  await using empty = await scene("");
  assert.equal((await lookAtOffer(over(empty.old), empty.offered.secret)).offer.name, "device", "a word to type");
});

Deno.test("a code is over after ten minutes, for who comes and for who waits", async () => {
  await using at = await scene();
  at.turn(10 * 60_000);
  await assert.rejects(lookAtOffer(over(at.old), at.offered.secret), { code: "code_unknown" });
  await assert.rejects(awaitGrant(over(at.fresh), at.offered), { code: "timeout", message: /within ten minutes/ });
});

Deno.test("a code works once: who comes after the answer gets nothing to answer", async () => {
  await using at = await scene();
  const looked = await lookAtOffer(over(at.old), at.offered.secret);
  await approve(at.old, ada, at.offered.secret);
  await using mallory = await at.relay.join(eve);
  await assert.rejects(lookAtOffer(over(mallory), at.offered.secret), { code: "code_unknown" });
  // Who had looked before is too late with the answer.
  const identity = { account: eve.account, signer: eve.device, deviceName: "old" };
  const late = { identity, accountSeed: seeds.get(eve)!, current: eve.bundle, history: false, clock };
  await assert.rejects(approveLink(over(mallory), looked, late), { code: "code_unknown" });
});

Deno.test("who knows the code cannot put another offer in the place of the one that is there", async () => {
  await using at = await scene();
  await using mallory = await at.relay.join(eve);
  const { keys, secret } = at.offered;
  const { record } = await makeOffer(keys, eve.device, "phone");
  await assert.rejects(mallory.rpc.unary(putRendezvous, { locator: keys.locator, place: 0, record }), {
    code: "code_unknown",
  });
  assert.deepEqual((await lookAtOffer(over(at.old), secret)).offer.device, phone.publicKey);
  // One who was there first is noticed by the device that shows the code: nobody would compare with it.
  const first = linkKeys(countingRandom(9)(16));
  const theirs = await makeOffer(first, eve.device, "phone");
  await mallory.rpc.unary(putRendezvous, { locator: first.locator, place: 0, record: theirs.record });
  const same = offerLink(over(at.fresh), { signer: phone, name: "phone", random: countingRandom(9) });
  await assert.rejects(same, { code: "code_unknown" });
});

Deno.test("somebody else who answers gets the device into their account, and the device says whose it is", async () => {
  await using at = await scene();
  await using mallory = await at.relay.join(eve);
  await approve(mallory, eve, at.offered.secret);
  const linked = await awaitGrant(over(at.fresh), at.offered);
  assert.deepEqual([linked.account.id, linked.by], [eve.account.id, eve.device.publicKey]);
  assert.notEqual(linked.account.id, ada.account.id);
});

Deno.test("an answer that was made up, changed, or put together from two accounts brings the new device nowhere", async () => {
  const both = (who: Person) => listOf(who.account, NOW, NOW + 1, [who.device, phone]);
  const [adas, eves] = [await both(ada), await both(eve)];
  const without = await listOf(eve.account, NOW, NOW + 1, [eve.device, tablet]);
  const notHers = await listOf(eve.account, NOW, NOW + 1, [tablet, phone]);
  const rows: [what: string, change: Omit<Partial<LinkedAccount>, "by">][] = [
    ["the seed of another account", { accountSeed: seeds.get(ada)! }],
    ["no seed", { accountSeed: new Uint8Array(31) }],
    ["the list of another account", { bundle: adas }],
    ["a list without the new device", { bundle: without }],
    ["a list without the one who answers", { bundle: notHers }],
    ["another device's voucher", { bundle: eves, voucher: await signVoucher(tablet, eves, UNTIL) }],
    ["a voucher for another list", { voucher: await signVoucher(eve.device, without, UNTIL) }],
  ];
  for (const [what, change] of rows) {
    await using at = await scene();
    await using mallory = await at.relay.join(eve);
    await answer(mallory, at.offered, change);
    await assert.rejects(awaitGrant(over(at.fresh), at.offered), { code: "cannot_open" }, what);
  }
  await using at = await scene();
  await using mallory = await at.relay.join(eve);
  const noise = { locator: at.offered.keys.locator, place: 1, record: new Uint8Array(2000).fill(7) };
  await mallory.rpc.unary(putRendezvous, noise);
  await assert.rejects(awaitGrant(over(at.fresh), at.offered), { code: "cannot_open" });
  await assert.rejects(approve(at.old, ada, at.offered.secret), { code: "code_unknown" });
});

Deno.test("a grant is of use to the device that it names alone", async () => {
  await using at = await scene();
  const granting = awaitGrant(over(at.fresh), at.offered);
  await approve(at.old, ada, at.offered.secret);
  const linked = await granting;
  await using mallory = await at.relay.join(eve);
  await assert.rejects(publishGrant(over(mallory), linked), { code: "not_allowed" });
  assert.equal((await storedList(at.old, ada)).length, 1);
});

Deno.test("the list changed meanwhile: the new device says so, and the old one hears it", async () => {
  await using at = await scene();
  const granting = awaitGrant(over(at.fresh), at.offered);
  const { seen } = await approve(at.old, ada, at.offered.secret);
  const linked = await granting;
  const other = await listOf(ada.account, NOW, NOW + 2, [ada.device, tablet]);
  await at.old.publishBundle(other.bytes, ada.bundle.version);
  const done = awaitDone(over(at.old), seen, ada.account.hash);
  await assert.rejects(publishGrant(over(at.fresh), linked), { code: "version_conflict" });
  await reportDone(over(at.fresh), at.offered, "somebody was faster");
  await assert.rejects(done, { code: "version_conflict", message: /somebody was faster/ });
});

Deno.test("a grant that is used too late is refused: what was approved and forgotten brings nobody in", async () => {
  await using at = await scene();
  const granting = awaitGrant(over(at.fresh), at.offered);
  await approve(at.old, ada, at.offered.secret);
  const linked = await granting;
  at.turn(11 * 60_000);
  await assert.rejects(publishGrant(over(at.fresh), linked), { code: "code_unknown", message: /too late/ });
  assert.equal((await storedList(at.old, ada)).length, 1);
  at.turn(-2 * 60_000);
  await publishGrant(over(at.fresh), linked);
  assert.equal((await storedList(at.old, ada)).length, 2, "after nine minutes it was good");
});

Deno.test("a new device that says it is in, and is not, is not believed", async () => {
  await using at = await scene();
  const { seen } = await approve(at.old, ada, at.offered.secret);
  await reportDone(over(at.fresh), at.offered, "");
  await assert.rejects(awaitDone(over(at.old), seen, ada.account.hash), { code: "bad_bundle" });
});

Deno.test("neither a sixth device nor one that is listed is let in, whatever its code says", async () => {
  await using at = await scene();
  const more = await Promise.all([21, 22, 23, 24].map(deviceNumber));
  const full = await listOf(ada.account, NOW, NOW + 2, [ada.device, ...more]);
  await assert.rejects(approve(at.old, ada, at.offered.secret, full), { code: "too_many_devices" });
  const listed: VerifiedBundle = await listOf(ada.account, NOW, NOW + 2, [ada.device, phone]);
  await assert.rejects(approve(at.old, ada, at.offered.secret, listed), { code: "usage" });
});

Deno.test("once a device was revoked, a list that a link makes says so too", async () => {
  await using at = await scene();
  const { devices, expiresAtMs } = ada.bundle;
  const fields = { version: NOW + 1, createdAtMs: NOW, expiresAtMs, devices, devicesOnly: true };
  const revoked = await signBundle(ada.account, fields);
  const granting = awaitGrant(over(at.fresh), at.offered);
  await approve(at.old, ada, at.offered.secret, revoked);
  const { bundle } = await granting;
  assert.equal(bundle.devicesOnly, true);
  assert.ok(bundle.version > revoked.version && bundle.devices.some(({ key }) => equal(key, phone.publicKey)));
});

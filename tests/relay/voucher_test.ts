/**
 * Who may change an account's list of devices: a device comes on it by the word of one that is on it, goes off it for
 * good, and what thieves, squatters and old disks try meets a typed refusal.
 * @module
 */
import assert from "node:assert/strict";
import { GroupCalls } from "../../client/group_calls.ts";
import type { RelayClient } from "../../client/relay_client.ts";
import { openBundle, type VerifiedBundle } from "../../crypto/bundle.ts";
import type { Signer } from "../../crypto/ed25519.ts";
import { type BundleVoucher, signVoucher } from "../../crypto/voucher.ts";
import { errorTable } from "../../proto/errors.ts";
import { DirectoryService } from "../../proto/gen/qight/v1/directory_pb.ts";
import { groupInfo } from "../helpers/mls_bytes.ts";
import { deviceNumber, listOf } from "../helpers/device_lists.ts";
import { envelope, person } from "../helpers/people.ts";
import { refusal } from "../helpers/refusal.ts";
import { calls, login, register } from "../helpers/signing_in.ts";
import { type TestRelay, testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
/** When the vouchers of these tests end. */
const UNTIL = NOW + 600_000;
const [ada, eve] = await Promise.all([1, 2].map((number) => person(number, NOW)));
const laptop = ada.device;
const [phone, tablet, stolen] = await Promise.all([11, 12, 13].map(deviceNumber));
const { getBundle } = DirectoryService.method;

const list = (version: number, devices: Signer[], devicesOnly = false) =>
  listOf(ada.account, NOW, NOW + version, devices, { devicesOnly });

const publish = (who: RelayClient, next: VerifiedBundle, expected: number, voucher?: BundleVoucher) =>
  who.rpc.unary(DirectoryService.method.publishBundle, {
    bundle: next.bytes,
    expectedVersion: BigInt(expected),
    ...(voucher ? { voucher } : {}),
  });

const as = (relay: TestRelay, device: Signer) => relay.connect({ ...ada, device });

async function listed(client: RelayClient, account = ada.account.hash): Promise<Uint8Array> {
  return (await client.rpc.unary(getBundle, { who: { case: "account", value: account } })).bundle;
}

async function refused(action: () => Promise<unknown>, code: string, what = code) {
  const error = await refusal(action);
  assert.equal(error.code, code, `${what}: ${error.message}`);
  return error;
}

for (const backend of ["memory", "sqlite"] as const) {
  Deno.test(`${backend}: a new device publishes the list that an old one vouched for, and leaves the account it had`, async () => {
    await using relay = await testRelay({ now: () => NOW, storage: { backend } });
    await using old = await relay.join(ada);
    // The phone was somebody's of its own, with mail that waits.
    const before = await listOf(eve.account, NOW, NOW, [phone]);
    await using newer = await as(relay, phone);
    await publish(newer, before, 0);
    await old.send(await envelope(ada, { ...eve, device: phone }, NOW));
    const both = await list(1, [laptop, phone]);
    const { sessionToken } = await publish(newer, both, NOW, await signVoucher(laptop, both, UNTIL));
    assert.equal(sessionToken, "", "a key is enough here");
    assert.deepEqual(await listed(old), both.bytes);
    assert.deepEqual(await listed(old, eve.account.hash), new Uint8Array(0), "its account went with its last device");
    let mail = 0;
    for await (const event of newer.fetch({ peek: true })) if (event.type === "delivered") mail++;
    assert.equal(mail, 1, "what waited for the device still waits for it");
    assert.equal(
      (await publish(newer, both, NOW, await signVoucher(laptop, both, UNTIL))).sessionToken,
      "",
      "asked again",
    );
  });

  Deno.test(`${backend}: a revoked device hears why at once, and neither its seed, an old list nor a word of its own brings it back`, async () => {
    await using relay = await testRelay({ now: () => NOW, storage: { backend } });
    await using old = await relay.join(ada);
    await using lost = await as(relay, phone);
    const both = await list(1, [laptop, phone]);
    await publish(lost, both, NOW, await signVoucher(laptop, both, UNTIL));
    const waiting = refusal(async () => {
      for await (const _ of lost.fetch({ waitMs: 60_000 }));
    });
    await lost.ping();
    const alone = await list(2, [laptop], true);
    await publish(old, alone, NOW + 1);
    assert.equal((await waiting).code, "not_listed");
    await refused(() => lost.send(new Uint8Array(200)), "not_listed");
    assert.equal((await lost.closed).code, errorTable.not_listed.number);

    // A copy of its disk: device key and account seed.
    await using copy = await as(relay, phone);
    await refused(async () => copy.send(await envelope({ ...ada, device: phone }, ada, NOW)), "not_listed");
    const back = await list(3, [laptop, phone], true);
    const other = await list(4, [laptop, tablet], true);
    const rows: [string, VerifiedBundle, BundleVoucher | undefined, string][] = [
      ["signed by the seed alone", back, undefined, "not_listed"],
      ["its own word", back, await signVoucher(phone, back, UNTIL), "not_listed"],
      ["the laptop's word for another list", back, await signVoucher(laptop, other, UNTIL), "bad_signature"],
      ["a word that is none", back, {
        device: laptop.publicKey,
        signature: new Uint8Array(64),
        expiresAtMs: BigInt(UNTIL),
      }, "bad_signature"],
      ["a newer list that forgets the revocation", await list(3, [laptop, phone]), undefined, "key_changed"],
      ["the list from before", both, await signVoucher(laptop, both, UNTIL), "key_changed"],
    ];
    for (const [what, next, voucher, code] of rows) {
      await refused(() => publish(copy, next, NOW + 2, voucher), code, what);
    }
    // A device that thief made up fares no better.
    await using made = await as(relay, stolen);
    const withIt = await list(3, [laptop, stolen], true);
    await refused(() => publish(made, withIt, NOW + 2), "not_listed");
    assert.deepEqual(await listed(old), alone.bytes);
    // The laptop's word does.
    await publish(made, withIt, NOW + 2, await signVoucher(laptop, withIt, UNTIL));
    const found = await list(4, [laptop, phone], true);
    await publish(copy, found, NOW + 3, await signVoucher(laptop, found, UNTIL));
    await copy.send(await envelope({ ...ada, device: phone }, ada, NOW));
  });
}

Deno.test("a list that was vouched for and comes late changes nothing, and no voucher is made to last", async () => {
  let now = NOW;
  await using relay = await testRelay({ now: () => now });
  await using old = await relay.join(ada);
  await publish(old, await list(1, [laptop], true), NOW);
  const both = await list(2, [laptop, phone], true);
  const voucher = await signVoucher(laptop, both, UNTIL);
  await using newer = await as(relay, phone);
  const lasting = await signVoucher(laptop, both, NOW + 3_600_001);
  await refused(() => publish(newer, both, NOW + 1, lasting), "from_the_future");
  now = UNTIL;
  const late = await refused(() => publish(newer, both, NOW + 1, voucher), "code_unknown");
  assert.match(late.message, /too late: link the device again/);
  const longer = { ...voucher, expiresAtMs: voucher.expiresAtMs + 60_000n };
  await refused(() => publish(newer, both, NOW + 1, longer), "bad_signature", "its end is signed");
  assert.equal((await openBundle(await listed(old))).devices.length, 1);
  now = UNTIL - 1;
  await publish(newer, both, NOW + 1, voucher);
});

Deno.test("where nobody was revoked yet the account's signatures are enough, as with a seed that was imported", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using old = await relay.join(ada);
  await using imported = await as(relay, phone);
  const both = await list(1, [laptop, phone]);
  await publish(imported, both, NOW);
  assert.deepEqual(await listed(old), both.bytes);
});

Deno.test("the sixth device is refused, and five that are listed may still change their names", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using old = await relay.join(ada);
  const more = await Promise.all([20, 21, 22, 23, 24].map(deviceNumber));
  await publish(old, await list(1, [laptop, ...more.slice(0, 4)]), NOW);
  await refused(async () => publish(old, await list(2, [laptop, ...more]), NOW + 1), "too_many_devices");
  await publish(old, await list(3, [laptop, ...more.slice(0, 4)].reverse()), NOW + 1);
});

Deno.test("a voucher opens no relay that wants a token", async () => {
  await using relay = await testRelay({ now: () => NOW, auth: { mode: "token" } });
  const token = relay.relay.firstToken!;
  await using old = await relay.connect(ada, { token });
  await publish(old, ada.bundle, 0);
  await using newer = await as(relay, phone);
  const both = await list(1, [laptop, phone]);
  await refused(async () => publish(newer, both, NOW, await signVoucher(laptop, both, UNTIL)), "bad_token");
  await refused(() => publish(newer, both, 0), "bad_token");
});

Deno.test("who lists another's device first loses it to its owner, who has lost nothing", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using squatter = await relay.join(eve);
  await publish(squatter, await listOf(eve.account, NOW, NOW + 1, [eve.device, laptop]), NOW);
  await using owner = await relay.join(ada);
  assert.deepEqual(await listed(squatter), ada.bundle.bytes);
  await squatter.send(await envelope(eve, ada, NOW));
  await new GroupCalls(owner.rpc).createGroup({
    group: new Uint8Array(32).fill(5),
    suite: 83,
    directWith: null,
    groupInfo: groupInfo(new Uint8Array(32).fill(5), 0),
  });
  // Whoever published first keeps their device.
  const again = await listOf(eve.account, NOW, NOW + 2, [eve.device, laptop]);
  await refused(() => publish(squatter, again, NOW + 1), "not_allowed");
  await publish(squatter, await listOf(eve.account, NOW, NOW + 2, [eve.device]), NOW + 1);
  assert.deepEqual(await listed(squatter), ada.bundle.bytes, "the squatter's next list takes nothing away");
});

Deno.test("at a relay with passwords a voucher signs the new device in, and nothing else does without the password", async () => {
  await using relay = await testRelay({ now: () => NOW, auth: { mode: "account" } });
  await using first = await relay.connect(ada);
  await register(first, ada, "ada", "correct horse");
  await using newer = await as(relay, phone);
  await refused(() => newer.capabilities(), "login_needed");
  const both = await list(1, [laptop, phone]);
  await refused(() => publish(newer, both, NOW), "not_listed", "the account's signatures alone");
  const voucher = await signVoucher(laptop, both, UNTIL);
  const { sessionToken: token } = await publish(newer, both, NOW, voucher);
  assert.match(token, /^qsess_/);
  await newer.ping();
  assert.deepEqual(await listed(newer), both.bytes, "this very connection is admitted");
  await using again = await relay.connect({ ...ada, device: phone }, { token });
  assert.deepEqual(await listed(again), both.bytes);

  // Signed out, the phone may show its list and the old word as often as it likes.
  await first.rpc.unary(calls.logout, { device: phone.publicKey });
  await using out = await relay.connect({ ...ada, device: phone }, { token });
  await refused(() => publish(out, both, NOW, voucher), "login_needed");
  const renewed = await list(2, [laptop, phone]);
  await refused(async () => publish(out, renewed, NOW + 1, await signVoucher(stolen, renewed, UNTIL)), "not_listed");
  await refused(() => publish(out, renewed, NOW + 1), "not_listed");
  await refused(async () => publish(out, renewed, NOW + 1, await signVoucher(phone, renewed, UNTIL)), "not_listed");
  await login(out, "ada", "correct horse");
  await publish(out, renewed, NOW + 1);

  // Nor do two that are signed out help each other.
  await using third = await as(relay, tablet);
  const three = await list(3, [laptop, phone, tablet]);
  await publish(third, three, NOW + 2, await signVoucher(phone, three, UNTIL));
  for (const device of [phone, tablet]) await first.rpc.unary(calls.logout, { device: device.publicKey });
  await using helped = await as(relay, phone);
  const four = await list(4, [laptop, phone, tablet]);
  await refused(async () => publish(helped, four, NOW + 3, await signVoucher(tablet, four, UNTIL)), "not_listed");

  // Nobody begins an account there by a list, with or without a voucher.
  await using stranger = await relay.connect(eve);
  await refused(() => publish(stranger, eve.bundle, 0), "login_needed");
  await refused(
    async () => publish(stranger, eve.bundle, 0, await signVoucher(laptop, eve.bundle, UNTIL)),
    "login_needed",
  );
});

Deno.test("a device that moved to another account has no more say about the list it is still named on", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using old = await relay.join(ada);
  await publish(old, await list(1, [laptop, phone], true), NOW);
  await using moved = await as(relay, phone);
  await publish(moved, await listOf(eve.account, NOW, NOW, [phone]), 0);
  const next = await list(2, [laptop, phone, stolen], true);
  await refused(() => publish(moved, next, NOW + 1), "not_listed");
  await using made = await as(relay, stolen);
  await refused(async () => publish(made, next, NOW + 1, await signVoucher(phone, next, UNTIL)), "not_listed");
});

Deno.test("an account comes to a second relay with all of its devices, and each of them may begin there", async () => {
  const all = await list(1, [laptop, phone], true);
  for (const first of [laptop, phone]) {
    await using relay = await testRelay({ now: () => NOW });
    await using one = await as(relay, first);
    await publish(one, all, 0);
    await using other = await as(relay, first === laptop ? phone : laptop);
    await publish(other, all, all.version);
    await publish(other, await list(2, [laptop, phone], true), all.version);
  }
  await using relay = await testRelay({ now: () => NOW });
  await using one = await as(relay, laptop);
  const six = await Promise.all([20, 21, 22, 23, 24].map(deviceNumber));
  await refused(async () => publish(one, await list(1, [laptop, ...six]), 0), "too_many_devices");
});

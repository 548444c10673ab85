/**
 * Invites at the relay: who may make, claim and take back, what is refused, and that all of it survives a restart.
 * @module
 */
import assert from "node:assert/strict";
import type { RelayClient } from "../../client/relay_client.ts";
import { QightError } from "../../proto/errors.ts";
import { InviteService } from "../../proto/gen/qight/v1/invite_pb.ts";
import { salvageDatabase } from "../../relay/storage/salvage/salvage.ts";
import { openSqliteStore } from "../../relay/storage/sqlite.ts";
import { roomy } from "../contracts/store_scene.ts";
import { person } from "../helpers/people.ts";
import { testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
const [alice, bob, carol] = await Promise.all([1, 2, 3].map((number) => person(number, NOW)));
const { putInvite, claimInvite, confirmInvite, revokeInvite } = InviteService.method;

const locator = (n: number) => new Uint8Array(32).fill(n);
const record = new Uint8Array(284).fill(7);
const put = (who: RelayClient, n: number, change: Partial<{ record: Uint8Array; ttlS: number }> = {}) =>
  who.rpc.unary(putInvite, { locator: locator(n), record, ttlS: 600, ...change });
const claim = async (who: RelayClient, n: number) => (await who.rpc.unary(claimInvite, { locator: locator(n) })).record;

async function refused(call: Promise<unknown>, code: string): Promise<QightError> {
  const error = await call.then(() => null, (thrown) => thrown);
  assert.ok(error instanceof QightError, `was not refused with ${code}`);
  assert.equal(error.code, code, error.message);
  return error;
}

for (const backend of ["sqlite", "memory"] as const) {
  Deno.test(`${backend}: one device takes an invite, and for all others it is used`, async () => {
    await using relay = await testRelay({ now: () => NOW, storage: { backend } });
    await using maker = await relay.join(alice);
    await using first = await relay.join(bob);
    await using second = await relay.join(carol);
    assert.equal((await put(maker, 1)).expiresAtMs, BigInt(NOW + 600_000));
    const race = await Promise.allSettled([claim(first, 1), claim(second, 1)]);
    assert.deepEqual(race.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    const [winner, loser] = race[0].status === "fulfilled" ? [first, second] : [second, first];
    await refused(claim(loser, 1), "invite_used");
    await loser.rpc.unary(confirmInvite, { locator: locator(1) });
    assert.deepEqual(await claim(winner, 1), record, "another's confirmation changes nothing");
    await winner.rpc.unary(confirmInvite, { locator: locator(1) });
    await refused(claim(winner, 1), "invite_used");
    assert.equal((await maker.rpc.unary(revokeInvite, { locator: locator(1) })).revoked, false);
  });

  Deno.test(`${backend}: expired, taken back and never made are one answer, word for word`, async () => {
    let now = NOW;
    await using relay = await testRelay({ now: () => now, storage: { backend } });
    await using maker = await relay.join(alice);
    await using taker = await relay.join(bob);
    await put(maker, 1, { ttlS: 60 });
    await put(maker, 2);
    assert.equal((await taker.rpc.unary(revokeInvite, { locator: locator(2) })).revoked, false);
    assert.equal((await maker.rpc.unary(revokeInvite, { locator: locator(2) })).revoked, true);
    now += 60_000;
    const answers = [];
    for (const n of [1, 2, 3]) {
      const { message, code, retryAfterMs } = await refused(claim(taker, n), "invite_unknown");
      answers.push({ message, code, retryAfterMs });
    }
    assert.deepEqual(answers[0], answers[1]);
    assert.deepEqual(answers[1], answers[2]);
  });
}

Deno.test("a relay that was stopped remembers which invites are open, taken and used", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "qight-invites-" });
  const dial = async () => await testRelay({ now: () => NOW, dataDir });
  {
    await using relay = await dial();
    await using maker = await relay.join(alice);
    await using taker = await relay.join(bob);
    for (const n of [1, 2, 3]) await put(maker, n);
    for (const n of [2, 3]) await claim(taker, n);
    await taker.rpc.unary(confirmInvite, { locator: locator(3) });
  }
  {
    await using relay = await dial();
    await using other = await relay.join(carol);
    await using taker = await relay.connect(bob);
    for (const n of [2, 3]) await refused(claim(other, n), "invite_used");
    await refused(claim(taker, 3), "invite_used");
    assert.deepEqual(await claim(taker, 2), record);
    assert.deepEqual(await claim(other, 1), record);
  }
  await Deno.remove(dataDir, { recursive: true });
});

Deno.test("what cannot be an invite is refused before anything is kept", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using maker = await relay.join(alice);
  const rows: [Parameters<typeof put>[2], string][] = [
    [{ record: new Uint8Array(0) }, "message_too_large"],
    [{ record: new Uint8Array(1053) }, "message_too_large"],
    [{ ttlS: 0 }, "bad_frame"],
    [{ record: new Uint8Array(4096) }, "message_too_large"],
  ];
  for (const [change, code] of rows) await refused(put(maker, 1, change), code);
  for (const bad of [new Uint8Array(0), new Uint8Array(31), new Uint8Array(33)]) {
    await refused(maker.rpc.unary(claimInvite, { locator: bad }), "bad_frame");
  }
  assert.equal(
    (await put(maker, 1, { record: new Uint8Array(1052), ttlS: 0xffffffff })).expiresAtMs,
    BigInt(NOW + relay.config.storage.maxTtlMs),
    "no invite lives longer than a message may",
  );
  await refused(put(maker, 1), "id_conflict");
});

Deno.test("a device that no bundle lists, and a session without a device, can do nothing with invites", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using maker = await relay.join(alice);
  await put(maker, 1);
  await using stranger = await relay.connect(bob);
  await refused(put(stranger, 2), "not_allowed");
  await refused(claim(stranger, 1), "not_allowed");
  await using nobody = await relay.connect();
  await refused(claim(nobody, 1), "no_session");
  await using honest = await relay.join(carol);
  assert.deepEqual(await claim(honest, 1), record, "nobody used it up");
});

Deno.test("one device has at most 16 open invites and a bounded number of tries", async () => {
  let now = NOW;
  await using relay = await testRelay({ now: () => now });
  await using maker = await relay.join(alice);
  for (let n = 0; n < 16; n++) await put(maker, n);
  const { message } = await refused(put(maker, 99), "busy");
  assert.match(message, /16 open invites/);
  await using guesser = await relay.join(bob);
  let tries = 0;
  let limited: QightError | null = null;
  while (!limited && tries < 1_000) {
    const error = await claim(guesser, 200).then(() => null, (thrown) => thrown as QightError);
    if (error?.code === "rate_limited") limited = error;
    tries++;
  }
  assert.equal(tries, 61);
  assert.ok(limited!.retryAfterMs! > 0 && limited!.retryAfterMs! <= 30_000);
  await using third = await relay.join(carol);
  assert.deepEqual(await claim(third, 1), record, "others are not held up");
  now += 30_000;
  await refused(claim(guesser, 200), "invite_unknown");
});

Deno.test("a backup holds the invites, and salvage of a database with invites takes none of them for something else", async () => {
  const folder = await Deno.makeTempDir({ prefix: "qight-invites-" });
  const [path, copy, saved] = ["relay.db", "copy.db", "saved.db"].map((name) => `${folder}/${name}`);
  const open = (path: string) => openSqliteStore({ path, limits: roomy, now: () => NOW });
  const times = { nowMs: NOW, keepUntilMs: NOW + 1000 };
  {
    await using store = await open(path);
    const devices = [alice, bob].map(({ device }) => device.publicKey);
    for (const [n, { bundle }] of [alice, bob].entries()) {
      const { account, version, bytes } = bundle;
      await store.putBundle({ account, version, bundle: bytes, devices: [devices[n]] }, 0);
    }
    for (let n = 0; n < 60; n++) {
      const invite = { locator: locator(n), creator: devices[0], record, expiresAtMs: NOW + 1000 };
      await store.putInvite(invite, { nowMs: NOW, maxOpen: 99, maxRemembered: 99 });
      if (n % 3 > 0) await store.claimInvite(locator(n), devices[1], times);
      if (n % 3 > 1) await store.confirmInvite(locator(n), devices[1]);
    }
    await store.backup(copy);
  }
  {
    await using restored = await open(copy);
    const kinds = await Promise.all(
      [0, 1, 2].map((n) => restored.claimInvite(locator(n), carol.device.publicKey, times)),
    );
    assert.deepEqual(kinds.map(({ kind }) => kind), ["claimed", "used", "used"]);
  }
  const report = await salvageDatabase({ source: path, log: new Uint8Array(0), target: saved, nowMs: NOW });
  const { accounts, mailboxes, messages, damagedPages, lostKeys, lost, tokens, allowed, sealingKeys } = report;
  assert.deepEqual({ accounts, mailboxes, messages, damagedPages, lostKeys, lost, tokens, allowed, sealingKeys }, {
    ...{ accounts: 2, mailboxes: 2, messages: 0, damagedPages: 0, lostKeys: 0, lost: 0 },
    ...{ tokens: 0, allowed: 0, sealingKeys: 0 },
  });
  await Deno.remove(folder, { recursive: true });
});

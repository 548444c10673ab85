/**
 * KeyPackages at the relay: published by their device, handed out once, counted, limited, and all of it across a kill.
 * @module
 */
import assert from "node:assert/strict";
import { GroupCalls, type NewKeyPackage } from "../../client/group_calls.ts";
import { QightError } from "../../proto/errors.ts";
import { keyPackage } from "../helpers/mls_bytes.ts";
import { person } from "../helpers/people.ts";
import { testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
const DAY = 24 * 3600_000;
const [alice, bob, carol] = await Promise.all([1, 2, 3].map((number) => person(number, NOW)));

const one = (n: number, change: Partial<NewKeyPackage> = {}): NewKeyPackage => ({
  ref: new Uint8Array(32).fill(n),
  keyPackage: keyPackage({ fill: n }),
  expiresAtMs: NOW + 30 * DAY,
  lastResort: false,
  ...change,
});

async function refused(call: Promise<unknown>, code: string): Promise<QightError> {
  const error = await call.then(() => null, (thrown) => thrown);
  assert.ok(error instanceof QightError, `was not refused with ${code}`);
  assert.equal(error.code, code, error.message);
  return error;
}

Deno.test("a device that watches hears when fewer than 50 of its KeyPackages are left", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using b = await relay.join(bob);
  await using a = await relay.join(alice);
  const [own, asking] = [b, a].map(({ rpc }) => new GroupCalls(rpc));
  await own.publishKeyPackages(83, Array.from({ length: 51 }, (_, n) => one(n)));
  const heard = (async () => {
    for await (const event of b.watch()) if (event.type === "notice") return event.notice;
  })();
  await asking.claimKeyPackages(bob.account.hash, 83);
  await asking.claimKeyPackages(bob.account.hash, 83);
  assert.deepEqual(await heard, { group: new Uint8Array(32), kind: "key_packages", epoch: 49 });
});

for (const backend of ["sqlite", "memory"] as const) {
  Deno.test(`${backend}: a KeyPackage goes to one of those who ask at once, then the last resort to all`, async () => {
    await using relay = await testRelay({ now: () => NOW, storage: { backend } });
    await using a = await relay.join(alice);
    await using b = await relay.join(bob);
    await using c = await relay.join(carol);
    const [own, first, second] = [b, a, c].map(({ rpc }) => new GroupCalls(rpc));
    assert.deepEqual(await own.countKeyPackages(83), { singleUse: 0, lastResort: false });
    assert.deepEqual((await first.claimKeyPackages(bob.account.hash, 83)).packages, []);
    const count = await own.publishKeyPackages(83, [one(1), one(2), one(9, { lastResort: true })]);
    assert.deepEqual(count, { singleUse: 2, lastResort: true });
    const claims = await Promise.all(
      [first, second, first, second].map((who) => who.claimKeyPackages(bob.account.hash, 83)),
    );
    const got = claims.map(({ packages: [{ keyPackage, lastResort }] }) => lastResort ? "last" : keyPackage[12]);
    assert.deepEqual(got.sort(), [1, 2, "last", "last"]);
    for (const { bundle, packages: [{ device }] } of claims) {
      assert.deepEqual([bundle, device], [bob.bundle.bytes, bob.device.publicKey]);
    }
    assert.deepEqual(await own.countKeyPackages(83), { singleUse: 0, lastResort: true });
    assert.deepEqual((await own.claimKeyPackages(bob.account.hash, 83)).packages, [], "none of the own device");
    assert.deepEqual(await first.claimKeyPackages(new Uint8Array(32), 83), { bundle: null, packages: [] });
  });
}

Deno.test("what cannot be a KeyPackage is refused, and nothing of its call is kept", async (t) => {
  await using relay = await testRelay({ now: () => NOW });
  await using b = await relay.join(bob);
  const own = new GroupCalls(b.rpc);
  const rows: readonly (readonly [string, Partial<NewKeyPackage>, string])[] = [
    ["another suite", { keyPackage: keyPackage({ suite: 1 }) }, "bad_group_message"],
    ["no KeyPackage", { keyPackage: new Uint8Array(500) }, "bad_group_message"],
    ["nothing", { keyPackage: new Uint8Array(0) }, "bad_group_message"],
    ["cut short", { keyPackage: keyPackage().subarray(0, 100) }, "bad_group_message"],
    ["more than 16 KiB", { keyPackage: new Uint8Array(16_385) }, "message_too_large"],
    ["a reference of 31 bytes", { ref: new Uint8Array(31) }, "bad_frame"],
    ["expired", { expiresAtMs: NOW }, "expired"],
    ["good for a year", { expiresAtMs: NOW + 365 * DAY }, "bad_group_message"],
  ];
  for (const [what, change, code] of rows) {
    await t.step(what, async () => void await refused(own.publishKeyPackages(83, [one(1), one(2, change)]), code));
  }
  const two = [1, 2].map((n) => one(n, { lastResort: true }));
  await refused(own.publishKeyPackages(83, two), "bad_group_message");
  const small = Array.from({ length: 65 }, (_, n) => one(n));
  await refused(own.publishKeyPackages(83, small), "message_too_large");
  assert.deepEqual(await own.countKeyPackages(83), { singleUse: 0, lastResort: false });
  for (let n = 0; n < 200; n += 50) {
    await own.publishKeyPackages(83, Array.from({ length: 50 }, (_, i) => one(n + i)));
  }
  const { message } = await refused(own.publishKeyPackages(83, [one(255)]), "busy");
  assert.match(message, /200 KeyPackages here/);
});

Deno.test("strangers get none, and nobody takes another's whole stock", async () => {
  let now = NOW;
  await using relay = await testRelay({ now: () => now });
  await using a = await relay.join(alice);
  await using b = await relay.join(bob);
  await using stranger = await relay.connect(carol);
  const [asking, own, nobody] = [a, b, stranger].map(({ rpc }) => new GroupCalls(rpc));
  await own.publishKeyPackages(83, Array.from({ length: 60 }, (_, n) => one(n)));
  await refused(nobody.claimKeyPackages(bob.account.hash, 83), "not_allowed");
  await refused(nobody.publishKeyPackages(83, [one(1)]), "not_allowed");
  let claimed = 0;
  let limited: QightError | null = null;
  while (!limited && claimed < 100) {
    const error = await asking.claimKeyPackages(bob.account.hash, 83).then(
      () => null,
      (thrown) => thrown as QightError,
    );
    if (error) limited = error;
    else claimed++;
  }
  assert.deepEqual([claimed, limited?.code], [30, "rate_limited"]);
  assert.ok(limited!.retryAfterMs! > 0 && limited!.retryAfterMs! <= 60_000);
  assert.deepEqual((await own.countKeyPackages(83)).singleUse, 30);
  now += 60_000;
  await asking.claimKeyPackages(bob.account.hash, 83);
});

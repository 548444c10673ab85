/** The own list of devices: changed by several at once, by a relay that lies, and what its reader is told. @module */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { tellDeviceNews } from "../../client/device_news.ts";
import { deviceName, freeDeviceName } from "../../client/device_name.ts";
import { type DeviceRoom, findDevice, lastSeen, ownDevices, renameDevice, revokeDevice } from "../../client/devices.ts";
import { History } from "../../client/history.ts";
import { createOutbox } from "../../client/outbox.ts";
import { followAccount } from "../../client/own_account.ts";
import { ensurePublished } from "../../client/publish.ts";
import type { RelayClient } from "../../client/relay_client.ts";
import type { ClientStore } from "../../client/storage/store.ts";
import { openBundle, type VerifiedBundle } from "../../crypto/bundle.ts";
import type { Signer } from "../../crypto/ed25519.ts";
import { openSealingKey } from "../../crypto/sealing_key.ts";
import { signVoucher } from "../../crypto/voucher.ts";
import { QightError } from "../../proto/errors.ts";
import { ContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { deviceNumber, listOf } from "../helpers/device_lists.ts";
import { person } from "../helpers/people.ts";
import { type TestRelay, testRelay } from "../helpers/test_relay.ts";
import { openStore } from "./person.ts";
import { countingRandom, TestClock } from "./test_clock.ts";

const NOW = 1_800_000_000_000;
const [ada, bob] = await Promise.all([1, 2].map((number) => person(number, NOW)));
const [phone, tablet] = await Promise.all([11, 12].map(deviceNumber));
const clock = new TestClock(NOW + 1000);

interface Scene extends AsyncDisposable {
  readonly relay: TestRelay;
  /** Each device with a store of its own. */
  readonly laptop: DeviceRoom;
  readonly phone: DeviceRoom;
}

/** Ada's laptop and phone are listed at a relay. */
async function scene(): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const relay = stack.use(await testRelay({ now: () => NOW + 1000, storage: { backend: "memory" } }));
  const both = await listOf(ada.account, NOW, NOW, [ada.device, phone]);
  const at = async (signer: Signer): Promise<DeviceRoom> => {
    const client = stack.use(await relay.connect({ ...ada, device: signer }));
    await client.publishBundle(both.bytes, 0);
    const store = stack.use(await openStore(":memory:"));
    return { relay: client, store, clock, identity: { account: ada.account, signer, deviceName: "device" } };
  };
  return {
    relay,
    laptop: await at(ada.device),
    phone: await at(phone),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const names = async (room: DeviceRoom) => (await ownDevices(room)).map(({ name }) => name);

async function news(store: ClientStore): Promise<string[]> {
  const told: string[] = [];
  for await (const page of tellDeviceNews(store, false)) told.push(...page.map(({ type, name }) => `${type} ${name}`));
  return told;
}

/** A relay that answers with this list, whatever is asked. */
function answering(bundle: VerifiedBundle): DeviceRoom["relay"] {
  return {
    getBundle: () => Promise.resolve(bundle.bytes),
    publishBundle: () => Promise.reject(new QightError("version_conflict")),
    relayNowMs: () => NOW + 1000,
  } as unknown as DeviceRoom["relay"];
}

Deno.test("regression: two devices that change the list at one moment both succeed, and neither undoes the other", async () => {
  await using at = await scene();
  await Promise.all([
    renameDevice(at.laptop, ada.device.publicKey, "laptop"),
    renameDevice(at.phone, phone.publicKey, "phone"),
  ]);
  for (const room of [at.laptop, at.phone]) assert.deepEqual(await names(room), ["laptop", "phone"]);
});

Deno.test("who loses every race says so, and what the relay then has is not overwritten", async () => {
  await using at = await scene();
  const list = await listOf(ada.account, NOW, NOW, [ada.device, phone]);
  const room = { ...at.laptop, relay: answering(list) };
  await assert.rejects(renameDevice(room, phone.publicKey, "x"), { code: "version_conflict" });
});

Deno.test("after the first revocation every later list says so, and the device that went is told of once", async () => {
  await using at = await scene();
  await ownDevices(at.phone);
  const revoked = await revokeDevice(at.laptop, phone.publicKey);
  assert.equal(revoked.devicesOnly, true);
  await renameDevice(at.laptop, ada.device.publicKey, "laptop");
  assert.equal((await at.laptop.store.read(({ directory }) => directory.since(ada.account.hash, 0))).length, 3);
  const now = await openBundle((await at.laptop.relay.getBundle({ account: ada.account.hash }))!);
  assert.deepEqual([now.devicesOnly, now.devices.length], [true, 1]);
  // What a device did itself is no news to its owner.
  assert.deepEqual(await news(at.laptop.store), []);
});

Deno.test("another own device's changes are told once, the own coming and going never", async () => {
  await using at = await scene();
  const three = await listOf(ada.account, NOW, NOW + 1, [ada.device, phone, tablet]);
  await ownDevices(at.laptop);
  await ownDevices(at.phone);
  await (at.laptop.relay as RelayClient).publishBundle(three.bytes, NOW);
  await ownDevices(at.phone);
  assert.deepEqual(await news(at.phone.store), ["new_device device 2"]);
  assert.deepEqual(await news(at.phone.store), []);
  await revokeDevice(at.laptop, tablet.publicKey);
  await ownDevices(at.phone);
  const looked: string[] = [];
  for await (const page of tellDeviceNews(at.phone.store, true)) looked.push(...page.map(({ type }) => type));
  assert.deepEqual(looked, ["device_gone"], "a mere look");
  assert.deepEqual(await news(at.phone.store), ["device_gone device 2"]);
  const alone = await revokeDevice(at.laptop, phone.publicKey);
  await using session = await at.relay.connect({ ...ada, device: phone });
  const back = { ...at.phone, relay: session };
  await assert.rejects(ownDevices(back), { code: "not_listed" });
  const again = await listOf(ada.account, NOW, alone.version + 1, [ada.device, phone], { devicesOnly: true });
  await (at.laptop.relay as RelayClient).publishBundle(again.bytes, alone.version);
  await ownDevices(back);
  assert.deepEqual(await news(at.phone.store), [], "the own coming and going");
});

Deno.test("a relay that shows an older list, another account's, or one without this device is not followed", async () => {
  await using at = await scene();
  const list = (version: number, ...devices: Signer[]) => listOf(ada.account, NOW, NOW + version, devices);
  await revokeDevice(at.laptop, phone.publicKey);
  const rows = [
    { what: "older", bundle: await list(0, ada.device, phone), code: "key_changed" },
    { what: "newer, as if nobody had been revoked", bundle: await list(9999, ada.device, phone), code: "key_changed" },
    { what: "another account's", bundle: bob.bundle, code: "bad_bundle" },
    {
      what: "without this device",
      bundle: await listOf(ada.account, NOW, NOW + 9999, [phone], { devicesOnly: true }),
      code: "not_listed",
    },
  ];
  for (const { what, bundle, code } of rows) {
    await assert.rejects(ownDevices({ ...at.laptop, relay: answering(bundle) }), { code }, what);
  }
});

Deno.test("a device does not revoke itself, and a word that fits two devices means none", async () => {
  await using at = await scene();
  await assert.rejects(revokeDevice(at.laptop, ada.device.publicKey), { code: "usage" });
  await assert.rejects(revokeDevice(at.laptop, tablet.publicKey), { code: "no_such_device" });
  const devices = await ownDevices(at.laptop); // "device 0" and "device 1"
  assert.equal(findDevice(devices, "DEVICE 1").key.toHex(), phone.publicKey.toHex());
  for (const word of ["device", "SHA256:", "", "x"]) {
    assert.throws(() => findDevice(devices, word), { code: "no_such_device" }, word);
  }
});

Deno.test("a relay that does not tell when devices were seen is no reason to show none", async () => {
  const older = { rpc: { unary: () => Promise.reject(new QightError("unknown_method")) } } as unknown as RelayClient;
  assert.equal((await lastSeen(older))(phone.publicKey), null);
  await using at = await scene();
  const seen = await lastSeen(at.laptop.relay);
  assert.equal(seen(tablet.publicKey), null, "never");
});

Deno.test("regression: a device that moved to another account offers no sealing key of the former one", async () => {
  await using at = await scene();
  const { store } = at.laptop;
  await using client = await at.relay.connect({ ...bob, device: tablet });
  const own = { relay: client, store, clock, random: countingRandom() };
  const former = { account: bob.account, signer: tablet, deviceName: "device" };
  const before = await ensurePublished({ ...own, identity: former });
  const three = await listOf(ada.account, NOW, NOW + 1, [ada.device, phone, tablet]);
  // The tablet is somebody else's: it has to come itself.
  const uninvited = (at.laptop.relay as RelayClient).publishBundle(three.bytes, NOW);
  await assert.rejects(uninvited, { code: "not_allowed" });
  await client.publishBundle(three.bytes, NOW, { voucher: await signVoucher(ada.device, three, NOW + 600_000) });
  const { sealingKey } = await ensurePublished({ ...own, identity: { ...former, account: ada.account } });
  const { sealingKeys } = await client.getSealingKeys(ada.account.hash);
  assert.deepEqual((await openSealingKey(sealingKeys[0])).account, ada.account.hash);
  // What was sealed before still opens.
  const kept = await store.read(({ secrets }) =>
    [before.sealingKey, sealingKey].map(({ keyId }) => secrets.byKeyId(keyId))
  );
  assert.ok(kept.every((secret) => secret !== null));
});

Deno.test("a store follows its device into another account once, and remembers whose it is", async () => {
  await using store = await openStore(":memory:");
  const follow = (account: Uint8Array) => store.write((tables) => followAccount(tables, account, countingRandom()));
  const [one, two] = [ada.account.hash, bob.account.hash];
  assert.deepEqual([await follow(one), await follow(one), await follow(two), await follow(two)], [
    false,
    false,
    true,
    false,
  ]);
});

Deno.test("what waited to be sent as an account that the device has left is sent by nobody, whatever was cut off", async () => {
  await using store = await openStore(":memory:");
  const own = { account: ada.account.hash, device: ada.device.publicKey };
  const history = new History({ store, clock, own });
  const outbox = createOutbox({ store, relay: "r", clock, random: countingRandom(), witness: history.witness });
  await store.write((tables) => followAccount(tables, own.account, countingRandom()));
  const content = create(ContentSchema, { body: { case: "text", value: "as ada" } });
  const id = new Uint8Array(16).fill(9);
  await outbox.queue(bob.account.hash, { id, createdAtMs: NOW, ttlS: 0, plaintext: false, content });
  assert.equal((await outbox.queued()).length, 1);
  await store.write((tables) => followAccount(tables, bob.account.hash, countingRandom()));
  assert.deepEqual(await outbox.queued(), []);
  assert.deepEqual((await history.last(undefined, 5)).map(({ text, state }) => [text, state]), [["as ada", "failed"]]);
});

Deno.test("names of devices: what nobody could read is none, and nobody gets a name that is taken", () => {
  for (const text of ["", " ", "a\nb", "\u202ea", "\u200b", "SHA256:abc", "x".repeat(33)]) {
    assert.throws(() => deviceName(text), { code: "bad_name" }, JSON.stringify(text));
  }
  assert.equal(deviceName(" Ada's phone "), "Ada's phone");
  const taken = [{ name: "Phone" }, { name: "phone 2" }, { name: "device" }];
  assert.deepEqual(["phone", "PHONE", "tablet", "a\nb"].map((wish) => freeDeviceName(taken, wish)), [
    "phone 3",
    "PHONE 3",
    "tablet",
    "device 2",
  ]);
});

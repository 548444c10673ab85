/**
 * The devices of the own account: listed, renamed, revoked. Each change is a newer list, signed by the account's key and
 * published by a device that the list has.
 * @module
 */
import { deviceFingerprint } from "../crypto/account.ts";
import { type BundleDevice, checkSuccessor, lists, openBundle, type VerifiedBundle } from "../crypto/bundle.ts";
import { equal } from "../crypto/equal.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import { AccountService } from "../proto/gen/qight/v1/login_pb.ts";
import type { Clock } from "./clock.ts";
import { dateForRelay } from "./clock_check.ts";
import { deviceName, foldedDeviceName } from "./device_name.ts";
import { noteDeviceNews } from "./device_news.ts";
import type { Identity } from "./identity.ts";
import { notListed, signList } from "./publish.ts";
import type { RelayClient } from "./relay_client.ts";
import type { ClientStore } from "./storage/store.ts";

/** What works on the list of devices. */
export interface DeviceRoom {
  readonly relay: Pick<RelayClient, "getBundle" | "publishBundle" | "relayNowMs" | "rpc">;
  readonly store: ClientStore;
  readonly identity: Identity;
  readonly clock: Pick<Clock, "now">;
}

/** One own device. */
export interface OwnDevice extends BundleDevice {
  /** `SHA256:…`. */
  readonly fingerprint: string;
  /** The one that asks. */
  readonly current: boolean;
}

/** The devices in the order of the list, the newest list that the relay has. `not_listed` for one that is off it. */
export async function ownDevices(room: DeviceRoom): Promise<OwnDevice[]> {
  return await shown(await currentList(room), room.identity);
}

/** When devices (keys) were last at the relay, milliseconds since 1970, to the hour; null for never, or where it does not tell. */
export async function lastSeen({ rpc }: Pick<RelayClient, "rpc">): Promise<(device: Uint8Array) => number | null> {
  const seen = new Map<string, number>();
  try {
    const { devices } = await rpc.unary(AccountService.method.listDevices, {});
    for (const { device, lastSeenMs } of devices) seen.set(device.toHex(), Number(lastSeenMs));
  } catch (thrown) {
    // An older relay: that nobody knows is no reason to show no devices.
    if (asQightError(thrown).code !== "unknown_method") throw thrown;
  }
  return (device) => seen.get(device.toHex()) || null;
}

/**
 * The device that a word means: its name in any case, its fingerprint, or the beginning of one of them that no other has.
 * `no_such_device`, also when several fit.
 */
export function findDevice(devices: readonly OwnDevice[], word: string): OwnDevice {
  const wanted = foldedDeviceName(word);
  const print = word.replace(/^SHA256:/i, "");
  const tries: ((device: OwnDevice) => boolean)[] = [
    ({ fingerprint }) => fingerprint === `SHA256:${print}`,
    ({ name }) => foldedDeviceName(name) === wanted,
    ({ name, fingerprint }) => foldedDeviceName(name).startsWith(wanted) || fingerprint.startsWith(`SHA256:${print}`),
  ];
  for (const fits of wanted === "" ? [] : tries) {
    const found = devices.filter(fits);
    if (found.length === 1) return found[0];
    if (found.length > 1) {
      throw new QightError("no_such_device", `${found.length} devices fit "${word}"`, {
        hint: "Give more of the fingerprint: qight device list.",
      });
    }
  }
  throw new QightError("no_such_device", `The account has no device "${word}"`);
}

/** Calls a device (key) otherwise; `bad_name`, `no_such_device`. Contacts see the name. */
export async function renameDevice(room: DeviceRoom, key: Uint8Array, wish: string): Promise<OwnDevice> {
  const name = deviceName(wish);
  const next = await changeList(room, (devices) => {
    if (devices.some((each) => !equal(each.key, key) && foldedDeviceName(each.name) === foldedDeviceName(name))) {
      throw new QightError("bad_name", `Another device is called "${name}" already`, {
        hint: "See qight device list.",
      });
    }
    return { devices: devices.map((each) => equal(each.key, key) ? { ...each, name } : each) };
  }, key);
  return (await shown(next, room.identity)).find((each) => equal(each.key, key))!;
}

/**
 * Takes a device (key) off the list for good: from then on only a listed device, or one that a listed device stands for,
 * changes the list. `usage` for this device itself, `no_such_device`.
 */
export async function revokeDevice(room: DeviceRoom, key: Uint8Array): Promise<VerifiedBundle> {
  if (equal(key, room.identity.signer.publicKey)) {
    throw new QightError("usage", "A device does not revoke itself", {
      hint: "Do it from another device; qight account delete ends the account, qight key delete this machine's key.",
    });
  }
  const without = (devices: readonly BundleDevice[]) => devices.filter((each) => !equal(each.key, key));
  return await changeList(room, (devices) => ({ devices: without(devices), devicesOnly: true }), key);
}

/** Takes all devices but this one off the list for good, and answers how many went. */
export async function revokeOthers(room: DeviceRoom): Promise<number> {
  const own = room.identity.signer.publicKey;
  let gone = 0;
  await changeList(room, (devices) => {
    gone = devices.length - 1;
    return { devices: devices.filter(({ key }) => equal(key, own)), devicesOnly: true };
  }, own);
  return gone;
}

const MAX_TRIES = 5;

/** Signs and publishes the list that follows; another device that was faster is taken in first. */
async function changeList(
  room: DeviceRoom,
  change: (devices: readonly BundleDevice[]) => { devices: readonly BundleDevice[]; devicesOnly?: boolean },
  key: Uint8Array,
): Promise<VerifiedBundle> {
  const { relay, store, identity, clock } = room;
  for (let tries = 1;; tries++) {
    const current = await currentList(room);
    if (!lists(current, key)) throw new QightError("no_such_device");
    const next = await signList(identity, current, change(current.devices), dateForRelay(clock, relay));
    try {
      await relay.publishBundle(next.bytes, current.version);
      // What this device did itself is no news to its owner.
      await store.write(({ directory }) => directory.putBundle(next));
      return next;
    } catch (thrown) {
      if (asQightError(thrown).code !== "version_conflict" || tries === MAX_TRIES) throw thrown;
    }
  }
}

/** The list that the relay has, never an older one than is known; what is new in it is told to who reads next. */
export async function currentList({ relay, store, identity }: DeviceRoom): Promise<VerifiedBundle> {
  const { hash } = identity.account;
  const stored = await relay.getBundle({ account: hash });
  if (!stored) throw notListed(false);
  const current = await openBundle(stored);
  if (!equal(current.account, hash)) {
    throw new QightError("bad_bundle", "The relay answered with another account's bundle");
  }
  const known = await store.read(({ directory }) => directory.latest(hash));
  const before = known && await openBundle(known.bytes);
  checkSuccessor(before, current);
  await store.write((tables) => {
    tables.directory.putBundle(current);
    if (before) noteDeviceNews(tables, before, current, identity.signer.publicKey);
  });
  if (!lists(current, identity.signer.publicKey)) throw notListed(true);
  return current;
}

async function shown({ devices }: VerifiedBundle, { signer }: Identity): Promise<OwnDevice[]> {
  return await Promise.all(devices.map(async (device) => ({
    ...device,
    fingerprint: await deviceFingerprint(device.key),
    current: equal(device.key, signer.publicKey),
  })));
}

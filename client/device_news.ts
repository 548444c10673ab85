/**
 * Devices that came to an account or went: noted in the transaction in which a newer list is taken in, whoever asked for
 * it, and told once by whoever reads next.
 * @module
 */
import { lists, type VerifiedBundle } from "../crypto/bundle.ts";
import { equal } from "../crypto/equal.ts";
import type { ClientStore, Tables } from "./storage/store.ts";

/** A device that an account that we know added or dropped since this client last looked. */
export interface DeviceNews {
  readonly type: "new_device" | "device_gone";
  readonly account: Uint8Array; // account hash, 32 bytes
  readonly device: Uint8Array; // device key, 32 bytes
  /** As its owner calls it; from another person: escape it for terminals. */
  readonly name: string;
}

const PREFIX = "device_news:";

/** Inside a transaction: notes what `next` changes about `before`; nothing is noted about the device `own`. */
export function noteDeviceNews(
  { meta }: Pick<Tables, "meta">,
  before: VerifiedBundle,
  next: VerifiedBundle,
  own: Uint8Array = new Uint8Array(0),
): void {
  const { account } = next;
  const note = (type: DeviceNews["type"], from: VerifiedBundle, other: VerifiedBundle) => {
    for (const { key, name } of from.devices) {
      if (equal(key, own) || lists(other, key)) continue;
      const text = JSON.stringify({ type, account: account.toHex(), device: key.toHex(), name });
      meta.put(nameOf({ account, device: key }), new TextEncoder().encode(text));
    }
  };
  note("device_gone", before, next);
  note("new_device", next, before);
}

/** A page of what was not told; it counts as told when the caller asks for more, and after a mere look it does not. */
export async function* tellDeviceNews(
  store: ClientStore,
  peek: boolean,
): AsyncGenerator<DeviceNews[], void, undefined> {
  const news = await store.read(untold);
  if (news.length === 0) return;
  yield news;
  if (peek) return;
  await store.write(({ meta }) => {
    for (const each of news) meta.removeAll(nameOf(each));
  });
}

function untold({ meta }: Pick<Tables, "meta">): DeviceNews[] {
  return meta.all(PREFIX).map((value) => {
    const { account, device, ...rest } = JSON.parse(new TextDecoder().decode(value));
    return { ...rest, account: Uint8Array.fromHex(account), device: Uint8Array.fromHex(device) };
  });
}

function nameOf({ account, device }: Pick<DeviceNews, "account" | "device">): string {
  return `${PREFIX}${account.toHex()}${device.toHex()}`;
}

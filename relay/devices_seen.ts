/**
 * When devices were last here, to the hour: enough to tell a lost one, too little to tell when somebody is awake.
 * @module
 */
import type { Log } from "./log.ts";
import type { Store } from "./storage/store.ts";

const HOUR_MS = 3600_000;
/** Devices of this hour that are known to be written already. */
const MAX_REMEMBERED = 65_536;

/** Notes that a device is here, once an hour, without making anybody wait. Only of devices that a list names. */
export function createDevicesSeen(
  { store, log, now }: { store: Pick<Store, "bundleOfDevice" | "accounts">; log: Log; now: () => number },
): (device: Uint8Array) => void {
  let hour = 0;
  const written = new Set<string>();

  return (device) => {
    const current = Math.floor(now() / HOUR_MS) * HOUR_MS;
    if (current !== hour || written.size >= MAX_REMEMBERED) {
      hour = current;
      written.clear();
    }
    const key = device.toHex();
    if (written.has(key)) return;
    written.add(key);
    note(device, current).catch((thrown) => log.warn("cannot note that a device was here", { error: String(thrown) }));
  };

  async function note(device: Uint8Array, atMs: number): Promise<void> {
    if (await store.bundleOfDevice(device)) return await store.accounts.seen(device, atMs);
    // Another hello of this hour, after it was published, counts.
    written.delete(device.toHex());
  }
}

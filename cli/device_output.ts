/** An own device as people and scripts see it. @module */
import type { OwnDevice } from "../client/devices.ts";
import { escapeLine } from "./escape.ts";
import type { Output } from "./output.ts";

/** The JSON form of a device; fields are only ever added. */
export function deviceFields(
  { fingerprint, name, addedAtMs, current }: OwnDevice,
  lastSeenMs: number | null,
): Record<string, unknown> {
  return {
    id: fingerprint,
    name,
    added_at: new Date(addedAtMs).toISOString(),
    last_seen: lastSeenMs === null ? null : new Date(lastSeenMs).toISOString(),
    current,
  };
}

/** Prints each device: an object with `--json`, else a line. */
export async function printDevices(
  out: Output,
  devices: readonly OwnDevice[],
  lastSeenMs: (device: Uint8Array) => number | null,
): Promise<void> {
  const lines = deviceLines(devices, lastSeenMs);
  for (const [at, device] of devices.entries()) {
    await out.result(deviceFields(device, lastSeenMs(device.key)), lines[at]);
  }
}

/** One line for each device: the columns are as wide as the widest name. */
export function deviceLines(
  devices: readonly OwnDevice[],
  lastSeenMs: (device: Uint8Array) => number | null,
): string[] {
  const names = devices.map(({ name }) => escapeLine(name));
  const widest = Math.max(...names.map((name) => [...name].length));
  return devices.map(({ key, fingerprint, addedAtMs, current }, at) => {
    const seenMs = lastSeenMs(key);
    const seen = current ? "this device" : seenMs === null ? "not seen" : `seen ${hour(seenMs)}`;
    return `${names[at].padEnd(widest)}  ${fingerprint}  added ${day(addedAtMs)}  ${seen}`;
  });
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The relay tells it to the hour. */
function hour(ms: number): string {
  return new Date(ms).toISOString().slice(0, 13).replace("T", " ") + " h UTC";
}

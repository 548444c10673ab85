/** `qight device rename`: another name for a device, in the signed list. @module */
import { deviceName } from "../../client/device_name.ts";
import { findDevice, lastSeen, ownDevices, renameDevice } from "../../client/devices.ts";
import { withDevices } from "../device_command.ts";
import { deviceFields } from "../device_output.ts";
import type { Call } from "../tree/spec.ts";

/** Publishes the list with the new name, and prints the device. */
export async function run(call: Call): Promise<void> {
  const { args: [word, wish], out } = call;
  const name = deviceName(wish);
  await withDevices(call, async ({ devices, room }) => {
    const { key } = findDevice(await ownDevices(devices), word);
    const renamed = await renameDevice(devices, key, name);
    const seen = await lastSeen(room.relay);
    await out.result(deviceFields(renamed, seen(key)), `${renamed.name}  ${renamed.fingerprint}`);
  });
}

/** `qight device list`: the devices of the own account. @module */
import { lastSeen, ownDevices } from "../../client/devices.ts";
import { withDevices } from "../device_command.ts";
import { printDevices } from "../device_output.ts";
import type { Call } from "../tree/spec.ts";

/** Prints one line for each device, in the order in which they came. */
export async function run(call: Call): Promise<void> {
  await withDevices(call, async ({ devices, room }) => {
    const [list, seen] = await Promise.all([ownDevices(devices), lastSeen(room.relay)]);
    await printDevices(call.out, list, seen);
  });
}

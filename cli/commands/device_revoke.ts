/** `qight device revoke`: a lost device is off the account for good. @module */
import { findDevice, ownDevices, revokeDevice } from "../../client/devices.ts";
import { codesAt, codesEnded, inConversations, withDevices } from "../device_command.ts";
import { escapeLine } from "../escape.ts";
import type { deviceRevokeSpec } from "../tree/device.ts";
import type { Call } from "../tree/spec.ts";
import { wantYes } from "../yes.ts";

/** Says what happens to the device, publishes the list without it, and takes its leaves out of conversations. */
export async function run(call: Call<typeof deviceRevokeSpec>): Promise<void> {
  const { args: [word], out, settings } = call;
  await withDevices(call, async ({ messenger, room, devices }) => {
    const { key, name, fingerprint, current } = findDevice(await ownDevices(devices), word);
    if (!current && !settings.yes) {
      out.note(`${escapeLine(name)}  ${fingerprint}`);
      out.note(
        "It may do nothing more at the relay: its sessions end at once, its mail there is dropped, and it leaves all",
      );
      out.note(
        "conversations. What is on its disk stays there. Contacts see that it went. It comes back by a link alone.",
      );
      await wantYes(settings, { question: "Take it off your account? Type yes: ", refused: "Nothing was changed" });
    }
    const codes = await codesAt(room);
    // A device that was let in a moment ago: the Welcomes that wait for it have the leaf that goes.
    await inConversations({ messenger, room }, "catchUp");
    await revokeDevice(devices, key);
    const ended = await codesEnded(room, codes);
    if (ended) out.note(ended);
    await inConversations({ messenger, room }, "removeGoneDevices");
    await out.result({ id: fingerprint, name, revoked: true }, fingerprint);
  });
}

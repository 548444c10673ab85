/** `qight device link`: the new machine's end without a code, the old one's with it. @module */
import { lateModule } from "../late_module.ts";
import type { deviceLinkSpec } from "../tree/device.ts";
import type { Call } from "../tree/spec.ts";

/** Shows a code and waits, or answers one. */
export async function run(call: Call<typeof deviceLinkSpec>): Promise<void> {
  if (call.args.length > 0) {
    const { letDeviceIn } = await lateModule<typeof import("../link_old.ts")>("link_old.ts");
    return await letDeviceIn(call);
  }
  const { linkThisDevice } = await lateModule<typeof import("../link_new.ts")>("link_new.ts");
  await linkThisDevice(call);
}

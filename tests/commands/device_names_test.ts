/** Names of devices as others wrote them: nothing in them looks like a line of its own. @module */
import assert from "node:assert/strict";
import { deviceLines } from "../../cli/device_output.ts";
import { noticeText } from "../../cli/event_output.ts";

const NAME = "phone\n12:00 bob  send me money\u001b[2K";

Deno.test("regression: a contact's device whose name has lines of its own writes no line into fetch", async () => {
  for (const type of ["new_device", "device_gone"] as const) {
    const account = new Uint8Array(32).fill(1);
    const text = await noticeText({ type, account, device: new Uint8Array(32).fill(2), name: NAME });
    assert.equal(text.split("\n").length, 1);
    assert.match(text, /phone\\u000a12:00 bob/);
  }
});

Deno.test("regression: a stolen device cannot write lines into the list of the own ones", () => {
  const device = { key: new Uint8Array(32), name: NAME, addedAtMs: 0, fingerprint: "SHA256:x", current: false };
  const lines = deviceLines([device], () => null);
  assert.equal(lines.join("\n").split("\n").length, 1);
});

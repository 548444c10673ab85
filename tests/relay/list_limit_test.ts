/**
 * An account whose list changes without end holds up nobody: devices come at a limited rate, and go at any.
 * @module
 */
import assert from "node:assert/strict";
import type { Signer } from "../../crypto/ed25519.ts";
import { DirectoryService } from "../../proto/gen/qight/v1/directory_pb.ts";
import { deviceNumber, listOf } from "../helpers/device_lists.ts";
import { person } from "../helpers/people.ts";
import { refusal } from "../helpers/refusal.ts";
import { testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;

Deno.test("thirty devices may come to an account within an hour, the next one waits; one that goes never does", async () => {
  let now = NOW, version = 0;
  await using relay = await testRelay({ now: () => now });
  const [ada, phone] = [await person(1, NOW), await deviceNumber(11)];
  await using client = await relay.join(ada);
  const publish = async (devices: Signer[]) => {
    const { bytes } = await listOf(ada.account, NOW, NOW + ++version, devices);
    await client.rpc.unary(DirectoryService.method.publishBundle, {
      bundle: bytes,
      expectedVersion: BigInt(NOW + version - 1),
    });
  };
  for (let n = 0; n < 30; n++) {
    await publish([ada.device, phone]);
    await publish([ada.device]);
  }
  const { code, retryAfterMs } = await refusal(() => publish([ada.device, phone]));
  assert.equal(code, "rate_limited");
  assert.ok(retryAfterMs! > 0 && retryAfterMs! <= 120_000, `${retryAfterMs} ms`);
  version--;
  await publish([ada.device]);
  now += retryAfterMs!;
  await publish([ada.device, phone]);
});

/**
 * A reader without the command line: watches its mailbox over RelayClient, prints like `fetch --follow --json`, then
 * acknowledges, and prints `taken` when the relay has confirmed that. First line: its device key in hex.
 * `wire_reader.ts ADDRESS` (a process of its own).
 *
 * It keeps no list of what it printed beyond the last sequence number, so a relay that stores a message twice is caught.
 * @module
 */
import { accountFromSeed } from "../../crypto/account.ts";
import { signBundle } from "../../crypto/bundle.ts";
import { parseEnvelope, verifyEnvelope } from "../../crypto/envelope.ts";
import { generateSeed, signerFromSeed } from "../../crypto/ed25519.ts";
import { hex } from "../../crypto/hex.ts";
import { RelayClient } from "../../client/relay_client.ts";
import { QightError } from "../../proto/errors.ts";

const [address] = Deno.args;
const signer = await signerFromSeed(generateSeed());
const now = Date.now();
const bundle = await signBundle(await accountFromSeed(generateSeed()), {
  version: now,
  createdAtMs: now,
  expiresAtMs: now + 86_400_000,
  devices: [{ key: signer.publicKey, name: "wire reader", addedAtMs: now }],
});
{
  await using client = await RelayClient.connect(address, { signer });
  await client.publishBundle(bundle.bytes, 0);
}
print(hex(signer.publicKey));

let lastSeq = 0;
Deno.addSignalListener("SIGTERM", () => Deno.exit(0));
for (;;) {
  try {
    await using client = await RelayClient.connect(address, { signer, timeoutMs: 2000 });
    let lease: Uint8Array | null = null;
    for await (const event of client.watch()) {
      if (event.type === "lease") lease = event.lease;
      if (event.type !== "delivered") continue;
      const envelope = parseEnvelope(event.envelope);
      const message = { id: hex(envelope.id), seq: event.seq, text: new TextDecoder().decode(envelope.payload) };
      if (event.seq > lastSeq) {
        await verifyEnvelope(envelope);
        print(JSON.stringify({ type: "message", ...message }));
        lastSeq = event.seq;
      }
      await client.ack(lease!, [{ first: event.seq, last: event.seq }]);
      print(JSON.stringify({ type: "taken", ...message }));
    }
  } catch (error) {
    const again = error instanceof QightError && ["unreachable", "timeout", "draining", "busy"].includes(error.code);
    if (!again) throw error;
  }
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

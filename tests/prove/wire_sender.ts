/**
 * A sender without the command line: lines in, ids and numbers out like `send --lines --json`, over RelayClient; repeats
 * the same bytes until each is acknowledged. `wire_sender.ts ADDRESS RECIPIENT_DEVICE_HEX` (a process of its own).
 * @module
 */
import { RelayClient } from "../../client/relay_client.ts";
import { CONTENT_PLAIN, signEnvelope } from "../../crypto/envelope.ts";
import { generateSeed, signerFromSeed } from "../../crypto/ed25519.ts";
import { fromHex, hex } from "../../crypto/hex.ts";
import { QightError } from "../../proto/errors.ts";
import { LineReader } from "./lines.ts";

const [address, recipient] = Deno.args;
const signer = await signerFromSeed(generateSeed());
const lines = new LineReader(Deno.stdin.readable);
const session: { client: RelayClient | null } = { client: null };
for (let line = await lines.next(); line !== null; line = await lines.next()) {
  const id = crypto.getRandomValues(new Uint8Array(16));
  const envelope = await signEnvelope(signer, {
    id,
    sender: signer.publicKey,
    recipient: fromHex(recipient),
    createdAtMs: Date.now(),
    ttlS: 0,
    contentType: CONTENT_PLAIN,
    payload: new TextEncoder().encode(line),
  });
  let seq: number | null = null;
  while (seq === null) seq = await accepted(envelope);
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify({ id: hex(id), seq }) + "\n"));
}
session.client?.close();

/** One try; null when the outcome is unknown and the same bytes must go again. */
async function accepted(envelope: Uint8Array): Promise<number | null> {
  try {
    session.client ??= await RelayClient.connect(address, { signer, timeoutMs: 2000 });
    return (await session.client.send(envelope)).seq;
  } catch (error) {
    const again = error instanceof QightError && ["unreachable", "timeout", "draining", "busy"].includes(error.code);
    if (!again) throw error;
    session.client?.close();
    session.client = null;
    return null;
  }
}

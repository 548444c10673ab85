/**
 * Load: fetches the recipient's mailbox and acknowledges it. `drain.ts ADDRESS FOLDER` (a process of its own).
 * @module
 */
import { RelayClient } from "../../client/relay_client.ts";
import { parseEnvelope } from "../../crypto/envelope.ts";
import { hex } from "../../crypto/hex.ts";
import { QightError } from "../../proto/errors.ts";
import { introduce, readPeople } from "./people.ts";

/** Messages per acknowledgement, as `fetch` groups them when output is fast. */
const ACK_EVERY = 256;

const [address, folder] = Deno.args;
const { recipient } = await readPeople(`${folder}/people.json`);
await introduce(address, recipient);
await using client = await RelayClient.connect(address, { signer: recipient.device });
const started = performance.now();
const ids = new Set<string>();
let lease: Uint8Array | null = null;
let rows = 0, deleted = 0, first = 0, last = 0;
const acks: Promise<void>[] = [];
for await (const event of client.fetch()) {
  if (event.type === "lease") lease = event.lease;
  if (event.type !== "delivered") continue;
  if (event.seq <= last) throw new QightError("invariant", `Sequence ${event.seq} came after ${last}`);
  ids.add(hex(parseEnvelope(event.envelope).id));
  first ||= event.seq;
  last = event.seq;
  if (++rows % ACK_EVERY === 0) acknowledge();
}
if (first > 0) acknowledge();
await Promise.all(acks);
const seconds = (performance.now() - started) / 1000;
console.log(JSON.stringify({ rows, distinct: ids.size, deleted, seconds, perSecond: rows / seconds }));

function acknowledge(): void {
  acks.push(
    client.ack(lease!, [{ first, last }]).then((count) => {
      deleted += count;
    }),
  );
  first = 0;
}

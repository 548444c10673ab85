/**
 * Load: one stream per send. `sends.ts ADDRESS FOLDER CONNECTIONS IN_FLIGHT SECONDS` (a process of its own).
 * @module
 */
import { RelayClient } from "../../client/relay_client.ts";
import { QightError } from "../../proto/errors.ts";
import { closedLoop } from "../closed_loop.ts";
import { readPool } from "./envelopes.ts";
import { introduce, readPeople } from "./people.ts";

const [address, folder, connections, inFlight, seconds] = Deno.args;

const people = await readPeople(`${folder}/people.json`);
await introduce(address, people.recipient);
const senders = people.senders.slice(0, Number(connections));
const clients = await Promise.all(senders.map(({ device }) => RelayClient.connect(address, { signer: device })));
const pool = readPool(`${folder}/pool`);

// Envelope n is from sender n modulo all senders: each connection takes its own.
const next = senders.map((_, sender) => sender);
let turn = 0, forged = "not sent";
const counted = await closedLoop(() => {
  const sender = turn++ % senders.length;
  const envelope = pool[next[sender]];
  next[sender] += people.senders.length;
  if (!envelope) return null;
  return async () => {
    const { duplicate } = await clients[sender].send(envelope);
    if (duplicate) throw new QightError("invariant", "A fresh envelope was taken for a duplicate");
    if (forged === "not sent") await forge(sender);
  };
}, { inFlight: Number(inFlight), seconds: Number(seconds) });
for (const client of clients) client.close();
console.log(JSON.stringify({ ...counted, forged, bytes: pool[0].length }));

/** In the midst of the stream: the last envelope of this sender with one bit of its payload turned. */
async function forge(sender: number): Promise<void> {
  forged = "accepted";
  const envelope = pool[pool.length - people.senders.length + sender].slice();
  envelope[envelope.length - 100] ^= 1;
  try {
    await clients[sender].send(envelope);
  } catch (error) {
    if (!(error instanceof QightError)) throw error;
    forged = error.code;
  }
}

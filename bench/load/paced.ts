/**
 * Load: one stream per send at a fixed rate. `paced.ts ADDRESS FOLDER CONNECTIONS PER_SECOND SECONDS` (a process of its own).
 * @module
 */
import { RelayClient } from "../../client/relay_client.ts";
import { QightError } from "../../proto/errors.ts";
import { openLoop } from "../open_loop.ts";
import { readPool } from "./envelopes.ts";
import { introduce, readPeople } from "./people.ts";

const [address, folder, connections, perSecond, seconds] = Deno.args;

const people = await readPeople(`${folder}/people.json`);
await introduce(address, people.recipient);
const senders = people.senders.slice(0, Number(connections));
// A queue of seconds is what this is to show: no deadline of ours may cut it off.
const options = { timeoutMs: 120_000 };
const clients = await Promise.all(
  senders.map(({ device }) => RelayClient.connect(address, { ...options, signer: device })),
);
const pool = readPool(`${folder}/pool`);
const next = senders.map((_, sender) => sender);
let turn = 0;
const paced = await openLoop(() => {
  const sender = turn++ % senders.length;
  const envelope = pool[next[sender]];
  next[sender] += people.senders.length;
  if (!envelope) throw new QightError("invariant", "The pool has no more envelopes");
  return clients[sender].send(envelope, options);
}, { perSecond: Number(perSecond), seconds: Number(seconds) });
for (const client of clients) client.close();
console.log(JSON.stringify(paced));

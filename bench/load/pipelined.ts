/**
 * Load: many envelopes over one call. `pipelined.ts ADDRESS FOLDER CONNECTIONS COUNT` (a process of its own).
 * @module
 */
import { RelayClient } from "../../client/relay_client.ts";
import { readPool } from "./envelopes.ts";
import { introduce, readPeople } from "./people.ts";

const [address, folder, connections, count] = Deno.args;

const people = await readPeople(`${folder}/people.json`);
await introduce(address, people.recipient);
const senders = people.senders.slice(0, Number(connections));
const clients = await Promise.all(senders.map(({ device }) => RelayClient.connect(address, { signer: device })));
const pool = readPool(`${folder}/pool`);
const shares = senders.map((_, sender) =>
  pool.filter((_, index) => index % people.senders.length === sender).slice(
    0,
    Math.ceil(Number(count) / senders.length),
  )
);

const started = performance.now();
const accepted = (await Promise.all(clients.map(async (client, sender) => {
  let taken = 0;
  for await (const outcome of client.sendMany(shares[sender])) {
    if (outcome.kind === "failed") throw outcome.error;
    taken++;
  }
  return taken;
}))).reduce((sum, taken) => sum + taken, 0);
const elapsed = (performance.now() - started) / 1000;
for (const client of clients) client.close();
console.log(JSON.stringify({ accepted, seconds: elapsed, perSecond: accepted / elapsed }));

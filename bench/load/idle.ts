/**
 * Load: holds idle, proven connections until its input ends. `idle.ts ADDRESS FOLDER COUNT` (a process of its own).
 * @module
 */
import { RelayClient } from "../../client/relay_client.ts";
import { readPeople } from "./people.ts";

const [address, folder, count] = Deno.args;
const { senders: [{ device }] } = await readPeople(`${folder}/people.json`);
const clients: RelayClient[] = [];
while (clients.length < Number(count)) {
  const some = Array.from({ length: Math.min(20, Number(count) - clients.length) });
  clients.push(...await Promise.all(some.map(() => RelayClient.connect(address, { signer: device }))));
}
console.log(JSON.stringify({ connected: clients.length }));
for await (const _ of Deno.stdin.readable);
for (const client of clients) client.close();

/**
 * Load: sends at a fixed rate to a watcher. `push.ts ADDRESS FOLDER PER_SECOND SECONDS [names]` (a process of its own);
 * with `names` both sign up first, as a relay with passwords wants it.
 * @module
 */
import { RelayClient } from "../../client/relay_client.ts";
import { parseEnvelope } from "../../crypto/envelope.ts";
import { hex } from "../../crypto/hex.ts";
import { percentile } from "../figure.ts";
import { pace } from "../open_loop.ts";
import { readPool } from "./envelopes.ts";
import { introduce, type Person, readPeople } from "./people.ts";
import { signUp } from "./sign_in.ts";

const [address, folder, perSecond, seconds, names] = Deno.args;
const WARM_UP = 500; // messages whose times are not counted

const { recipient, senders } = await readPeople(`${folder}/people.json`);
if (!names) await introduce(address, recipient);
const sender = await join(senders[0], "sender");
const reader = await join(recipient, "reader");
const pool = readPool(`${folder}/pool`).filter((_, index) => index % senders.length === 0);
const messages = pool.slice(0, WARM_UP + Number(perSecond) * Number(seconds));
const sentAt = new Map<string, number>();
const latencies: number[] = [];

const caughtUp = Promise.withResolvers<void>();
const watching = watch();
await caughtUp.promise;
const started = performance.now();
const acks: Promise<unknown>[] = [];
await pace(messages.length, Number(perSecond), (index) => {
  sentAt.set(hex(parseEnvelope(messages[index]).id), performance.now());
  acks.push(sender.send(messages[index]));
});
const took = (performance.now() - started) / 1000;
await watching;
await Promise.all(acks);
sender.close();
reader.close();
const counted = latencies.slice(WARM_UP);
console.log(JSON.stringify({
  arrived: latencies.length,
  sent: messages.length,
  perSecond: messages.length / took,
  p50: percentile(counted, 50),
  p99: percentile(counted, 99),
}));

async function join(person: Person, name: string): Promise<RelayClient> {
  const client = await RelayClient.connect(address, { signer: person.device });
  if (names) await signUp(client, person, name);
  return client;
}

async function watch(): Promise<void> {
  let lease: Uint8Array | null = null;
  for await (const event of reader.watch()) {
    if (event.type === "lease") lease = event.lease;
    if (event.type === "caught_up") caughtUp.resolve();
    if (event.type !== "delivered") continue;
    latencies.push(performance.now() - sentAt.get(hex(parseEnvelope(event.envelope).id))!);
    if (latencies.length % 100 === 0) acks.push(reader.ack(lease!, [{ first: event.seq - 99, last: event.seq }]));
    if (latencies.length === messages.length) return;
  }
}

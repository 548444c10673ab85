/**
 * The load generator against a peer, a process of its own:
 * `load.ts KIND PORT BYTES CONNECTIONS closed IN_FLIGHT|open PER_SECOND SECONDS [CA_FILE]`.
 * @module
 */
import { closedLoop } from "../closed_loop.ts";
import { openLoop } from "../open_loop.ts";
import { connectMqtt } from "./mqtt.ts";
import { connectJetStream } from "./nats.ts";
import type { Publisher } from "./publisher.ts";
import { connectRedis } from "./redis.ts";

const [kind, port, bytes, connections, loop, measure, seconds, caFile] = Deno.args;

const publishers = await Promise.all(Array.from({ length: Number(connections) }, connect));
const payload = crypto.getRandomValues(new Uint8Array(Number(bytes)));
let turn = 0;
const publish = () => publishers[turn++ % publishers.length].publish(payload);
const counted = loop === "open"
  ? await openLoop(publish, { perSecond: Number(measure), seconds: Number(seconds) })
  : await closedLoop(() => publish, { inFlight: Number(measure), seconds: Number(seconds) });
for (const publisher of publishers) publisher.close();
console.log(JSON.stringify(counted));

function connect(): Promise<Publisher> {
  if (kind === "nats") return connectJetStream(Number(port), caFile ? [Deno.readTextFileSync(caFile)] : null);
  if (kind === "redis") return connectRedis(Number(port));
  return connectMqtt(Number(port));
}

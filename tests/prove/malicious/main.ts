/**
 * The malicious relay as a process: `main.ts BEHIND DATA_DIR PORT SEED`. Orders come as JSON lines on standard input and
 * are answered on standard output, where each misdeed is told too.
 * @module
 */
import { hostileRelay } from "../../helpers/hostile_relay/hostile_relay.ts";
import { stolenRootKey } from "../../helpers/hostile_relay/listening.ts";
import { LineReader } from "../lines.ts";
import { seeded } from "../random.ts";
import { Misdeeds, type Orders } from "./misdeeds.ts";

if (import.meta.main) await main(Deno.args);

async function main([behind, dataDir, port, seed]: string[]): Promise<void> {
  const say = (value: unknown) => console.log(JSON.stringify(value));
  const misdeeds = new Misdeeds(seeded(Number(seed)), say);
  await using relay = await hostileRelay({
    behind,
    root: await stolenRootKey(dataDir),
    port: Number(port),
    treat: (method) => misdeeds.treat(method),
  });
  say({ address: relay.address });
  const orders = new LineReader(Deno.stdin.readable);
  for (let line = await orders.next(); line !== null; line = await orders.next()) {
    misdeeds.order(JSON.parse(line) as Orders);
    say({ obeyed: line });
  }
}

/**
 * A flood of first packets, in a process of its own: `flood_process.ts ADDRESS PER_SECOND SOURCES`. Each packet begins a
 * handshake that nobody goes on with. Says "ready", floods from the first line of its input ("begun") to the input's
 * end, then prints how many packets it sent. PER_SECOND 0: one packet from each source, once.
 * @module
 */
import type { Buffer } from "node:buffer";
import { parseRelayAddress, trustFor } from "../../../net/address.ts";
import { LineReader } from "../lines.ts";
import { forgeInitials, recordInitial } from "./initial.ts";

/** Packets that are made beforehand: making one costs more than sending it. Later rounds begin anew with the first. */
const MOST_FORGED = 20_000;
const TICK_MS = 5;

const [address, perSecondText, sourcesText] = Deno.args;
const perSecond = Number(perSecondText), sources = Number(sourcesText);
const target = parseRelayAddress(address);
const to: Deno.NetAddr = { transport: "udp", hostname: target.host, port: target.port };
const recorded = await recordInitial(trustFor(target));
const packets = forgeInitials(recorded, perSecond === 0 ? sources : Math.min(MOST_FORGED, perSecond * 8));
const sockets = Array.from(
  { length: sources },
  () => Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 }),
);
const input = new LineReader(Deno.stdin.readable);
say("ready");
await input.next();
say("begun");
const ended = input.next();
let over = false;
ended.then(() => over = true);

let sent = 0;
if (perSecond === 0) {
  await Promise.all(packets.map((packet) => send(packet)));
  await ended;
} else {
  const started = performance.now();
  while (!over) {
    const due = Math.floor((performance.now() - started) * perSecond / 1000) - sent;
    // A flood that fell behind does not make up for it with a burst that no rate describes.
    const now = Math.min(due, Math.ceil(perSecond / 20));
    await Promise.all(Array.from({ length: now }, () => send(packets[sent % packets.length])));
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
}
say(String(sent));
Deno.exit(0); // open sockets and what arrives at them hold nobody back

function send(packet: Buffer): Promise<number> {
  return sockets[sent++ % sockets.length].send(packet, to);
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

/**
 * Somebody on the local network who answers mDNS with lies: ROOT, ADDRESS and PORT of the relay to speak for. Prints a line
 * when each lie was told once and another after 10,000 packets, and goes on until it is killed.
 * @module
 */
import { createSocket } from "node:dgram";
import { relayRecords, response } from "../helpers/dns_bytes.ts";

const [root, ipv4, port] = Deno.args;
const socket = createSocket({ type: "udp4", reuseAddr: true });
await new Promise<void>((resolve) => socket.bind(5353, "0.0.0.0", resolve));
socket.addMembership("224.0.0.251", ipv4);
socket.setMulticastInterface(ipv4);
const tell = (bytes: Uint8Array) => new Promise((resolve) => socket.send(bytes, 5353, "224.0.0.251", resolve));

const made = (at: number) => {
  const key = new Uint8Array(32).fill(at & 255, 0, 16).fill(at >> 8, 16);
  return key.toBase64({ alphabet: "base64url", omitPadding: true });
};
const evil = "\u001b]52;c;ZXZpbA==\u0007\u202eevil\r\n\u0085";
const spoofed = (at: number) =>
  response(relayRecords({ name: `${evil} ${at}`, root: made(at), port: 4433, ipv4: "198.51.100.1" }));
const real = { name: "kitchen", root, port: Number(port) };
const looped = spoofed(0);
looped.set([0xc0, 12], 12);

const lies: Uint8Array[] = [
  // The real key at other machines: the spoofer's own, and a third one that has nothing to do with it.
  response(relayRecords({ ...real, ipv4 })),
  response(relayRecords({ ...real, ipv4: "198.51.100.9" })),
  response(relayRecords({ ...real, ipv4: "127.0.0.1", server: "evil.example.org:443" })),
  // Every name that the real relay may choose.
  ...Array.from({ length: 40 }, (_, at) => {
    const name = at === 0 ? "kitchen" : `kitchen (${at + 1})`;
    return response(relayRecords({ name, root: made(9000), port: 1, ipv4 }));
  }),
  // 64 KiB of TXT, and as much as still fits into a packet that is looked at.
  response([{ name: "x._qight._udp.local", type: 16, data: new Uint8Array(64_000).fill(120) }]),
  response(relayRecords({ ...real, ipv4, txt: ["ver=1", `root=${root}`, ...Array(4).fill("x".repeat(250))] })),
  // Loops, lies about lengths, and every way to be cut short.
  looped,
  response(relayRecords({ ...real, ipv4 }), 65_535),
  ...Array.from({ length: 200 }, (_, length) => spoofed(1).slice(0, length + 1)),
  ...Array.from({ length: 500 }, (_, at) => spoofed(at)),
];

for (const lie of lies) await tell(lie);
console.log("told");
for (let at = 0;; at++) {
  await tell(lies[at % lies.length]);
  if (at === 10_000) console.log("flooded");
}

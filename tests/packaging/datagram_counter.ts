/**
 * Sends datagrams that begin like packets of QUIC to port 4433 of its own loopback, IPv4 and IPv6, and prints how many arrived.
 * Run inside a network namespace with the packet filter loaded.
 * @module
 */

const SENT = 500, AT_ONCE = 25;
/** First byte (RFC 9000 §17) and length. */
const KINDS = { initial: [0xc3, 1200], short: [0xc3, 1199], oneRtt: [0x43, 1200], handshake: [0xe3, 500] } as const;

for (const host of ["127.0.0.1", "::1"]) {
  const arrived: Record<string, number> = {};
  for (const [kind, [first, length]] of Object.entries(KINDS)) arrived[kind] = await passing(host, first, length);
  console.log(JSON.stringify({ host, ...arrived }));
}
Deno.exit(0);

async function passing(host: string, first: number, length: number): Promise<number> {
  const receiver = Deno.listenDatagram({ transport: "udp", hostname: host, port: 4433 });
  const sender = Deno.listenDatagram({ transport: "udp", hostname: host, port: 0 });
  let arrived = 0;
  const counting = (async () => {
    for await (const _ of receiver) arrived++;
  })();
  const datagram = new Uint8Array(length);
  datagram[0] = first;
  for (let n = 0; n < SENT; n++) {
    // The filter may tell the sender that it dropped the datagram.
    await sender.send(datagram, { transport: "udp", hostname: host, port: 4433 }).catch((error) => {
      if (!/not permitted/i.test(String(error))) throw error;
    });
    // The receiver's buffer holds some ninety of these.
    if (n % AT_ONCE === AT_ONCE - 1) await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  receiver.close();
  sender.close();
  await counting;
  return arrived;
}

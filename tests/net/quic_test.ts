/** The contracts over QUIC, and what only QUIC must show. @module */

import assert from "node:assert/strict";
import { connectQuic, listenQuic } from "../../net/quic.ts";
import { QightError } from "../../proto/errors.ts";
import { connectionContract, first, pairOver } from "../contracts/connection_contract.ts";
import { listenerContract } from "../contracts/listener_contract.ts";
import { udpProxy } from "./cut_proxy.ts";
import { testRoot } from "./relay_fixture.ts";

const root = await testRoot();
const leaf = await root.leaf();

connectionContract("quic", async ({ cuttable }) => {
  const listener = await listenQuic({
    hostname: "127.0.0.1",
    port: 0,
    leaf,
    ...(cuttable ? { idleTimeoutMs: 300 } : {}),
  });
  const proxy = cuttable ? udpProxy(listener.address) : undefined;
  const client = await connectQuic({ ...(proxy ?? listener).address, trust: root.trust });
  return pairOver(listener, proxy, { client, server: await first(listener.connections) });
});

listenerContract("quic", {
  listen: (options) => listenQuic({ idleTimeoutMs: 1_500, ...options }),
  connect: connectQuic,
  expired: "bad_certificate",
  async stall(address) {
    const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    await socket.send(await recordedInitial(), { transport: "udp", ...address });
    return () => socket.close();
  },
});

Deno.test("quic: another protocol name is protocol and exit 76", async () => {
  const listener = await listenQuic({ hostname: "127.0.0.1", port: 0, leaf });
  const error = await connectQuic({ ...listener.address, trust: root.trust, alpn: "qight/0" }).catch((error) => error);
  assert.ok(error instanceof QightError);
  assert.deepEqual([error.code, error.exit], ["protocol", 76]);
  await listener.close();
});

Deno.test("quic: a closed port is unreachable once the idle timeout has passed", async () => {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  socket.close();
  const attempt = connectQuic({ hostname: "127.0.0.1", port, trust: root.trust, idleTimeoutMs: 100 });
  const error = await attempt.catch((error) => error);
  assert.ok(error instanceof QightError);
  assert.equal(error.code, "unreachable");
});

Deno.test("quic: connecting again and again does not use up sockets", async () => {
  const listener = await listenQuic({ hostname: "127.0.0.1", port: 0, leaf });
  const connectOnce = async () => {
    const client = await connectQuic({ ...listener.address, trust: root.trust });
    client.close();
    await client.closed;
  };
  await connectOnce();
  const before = openFiles();
  for (let n = 0; n < 40; n++) await connectOnce();
  assert.ok(openFiles() - before < 5, `${openFiles() - before} more descriptors`);
  await listener.close();
});

/** The first datagram of a real handshake. */
async function recordedInitial(): Promise<Uint8Array> {
  const sink = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const giveUp = new AbortController();
  const { hostname, port } = sink.addr as Deno.NetAddr;
  const attempt = connectQuic({ hostname, port, trust: root.trust, signal: giveUp.signal }).catch((error) => error);
  const [datagram] = await sink.receive();
  giveUp.abort(new QightError("interrupted"));
  await attempt;
  sink.close();
  return datagram;
}

function openFiles(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

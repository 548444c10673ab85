/** The flood's packets are what RFC 9001 says, and a relay takes each for a client of its own. @module */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { listenQuic } from "../../../net/quic.ts";
import { testRoot } from "../../net/relay_fixture.ts";
import { clientKeys, forgeInitials, openInitial, recordInitial, sealInitial } from "./initial.ts";

Deno.test("the keys of a first packet are those of RFC 9001 appendix A.1", () => {
  const { key, iv, header } = clientKeys(Buffer.from("8394c8f03e515708", "hex"));
  assert.deepEqual([key, iv, header].map((bytes) => bytes.toString("hex")), [
    "1f369613dd76d5467730efcbe3b1a22d",
    "fa044b2f42a3fd3b46fb255c",
    "9f50449e04a0e810283a1e9933adedd2",
  ]);
});

Deno.test("a forged first packet opens to the recorded frames, and every one has another connection id", async () => {
  const open = await recordInitial((await testRoot()).trust);
  const forged = forgeInitials(open, 3);
  assert.equal(new Set(forged.map((packet) => packet.subarray(6, 14).toString("hex"))).size, 3);
  for (const packet of forged) assert.deepEqual(openInitial(packet).frames, open.frames);
  const damaged = sealInitial(open, Buffer.alloc(open.destination.length, 1));
  damaged[600] ^= 1;
  assert.throws(() => openInitial(damaged));
});

Deno.test("a relay answers each forged first packet with its half of a handshake", async () => {
  const root = await testRoot();
  const listener = await listenQuic({
    hostname: "127.0.0.1",
    port: 0,
    leaf: await root.leaf(),
    handshakeTimeoutMs: 300,
  });
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const packets = forgeInitials(await recordInitial(root.trust), 5);
  for (const packet of packets) await socket.send(packet, { transport: "udp", ...listener.address });
  for (let answers = 0; answers < packets.length; answers++) await socket.receive();
  assert.equal(listener.pending, 5);
  socket.close();
  await listener.close();
});

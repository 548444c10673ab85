/** mDNS: what is announced is what is found, and whatever strangers send is bounded and harmless. @module */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import fc from "fast-check";
import multicastDns from "multicast-dns";
import { FoundRelays, MAX_FOUND, MAX_PER_SENDER } from "../../net/mdns/found.ts";
import { linksOf, usableAddress } from "../../net/mdns/links.ts";
import { type DnsPacket, PacketGate, READ_PER_SECOND, READ_PER_SENDER, worthReading } from "../../net/mdns/packet.ts";
import { type Announced, asksFor, otherOwner, recordsOf, sightingsIn } from "../../net/mdns/service.ts";
import { openMulticast } from "../../net/mdns.ts";
import { nameBytes, type RawRecord, relayRecords, response } from "../helpers/dns_bytes.ts";

const ROOT = "is9SxwGYpbXjgPzRiEdyyZ6hlTzLkf7ezubCr3s5b9c";
const relay: Announced = {
  name: "kitchen",
  host: "qight-8acf52c70198a5b5",
  port: 4433,
  root: ROOT,
  server: "",
  domain: "",
  addresses: ["192.0.2.7", "2001:db8::7"],
};

/** Packets as the package decodes them; nothing for what it refuses. */
function decoded(...packets: Uint8Array[]): DnsPacket[] {
  const socket = Object.assign(new EventEmitter(), { bind() {} });
  const mdns = multicastDns({ socket, multicast: false });
  const heard: DnsPacket[] = [];
  mdns.on("packet", (packet: DnsPacket) => heard.push(packet));
  for (const bytes of packets) {
    if (worthReading(bytes)) socket.emit("message", Buffer.from(bytes), { address: "192.0.2.66", port: 5353 });
  }
  return heard;
}

function seen(records: readonly RawRecord[], from = "192.0.2.66") {
  return decoded(response(records)).flatMap((packet) => sightingsIn(packet, from));
}

Deno.test("what one socket announces is what another finds, on this machine's loopback", async () => {
  const found = new FoundRelays();
  const heard = Promise.withResolvers<void>();
  await using ear = await openMulticast({
    reach: "machine",
    onPacket(packet, from) {
      found.add(packet, from);
      if (found.list().some(({ root }) => root === ROOT)) heard.resolve();
    },
  });
  await using mouth = await openMulticast({ reach: "machine", onPacket() {} });
  await mouth.send({ type: "response", answers: recordsOf({ ...relay, addresses: ["127.0.0.1"] }) });
  await heard.promise;
  assert.deepEqual(found.list().find(({ root }) => root === ROOT)?.addresses, [`qight://${ROOT}@127.0.0.1:4433`]);
  assert.equal(await ear.refresh(), false, "nothing changed");
});

Deno.test("an announcement carries ver, server, domain, root, port and the addresses of both families", () => {
  const records = recordsOf({ ...relay, server: "relay.example.org:4433", domain: "example.org" });
  const txt = records.find(({ type }) => type === "TXT")!.data as Uint8Array[];
  assert.deepEqual(txt.map((each) => new TextDecoder().decode(each)), [
    "ver=1",
    "server=relay.example.org:4433",
    "domain=example.org",
    `root=${ROOT}`,
  ]);
  const [sighting] = sightingsIn({ type: "response", answers: records }, "192.0.2.7");
  assert.deepEqual(sighting, {
    name: "kitchen",
    root: ROOT,
    addresses: ["relay.example.org", "192.0.2.7", "[2001:db8::7]"].map((host) => `qight://${ROOT}@${host}:4433`),
    ownWord: true,
    server: "relay.example.org:4433",
    domain: "example.org",
  });
  assert.ok(recordsOf(relay, { gone: true }).every(({ ttl }) => ttl === 0));
});

for (
  const { what, bytes } of [
    { what: "nothing", bytes: new Uint8Array(0) },
    { what: "half a header", bytes: response([]).slice(0, 11) },
    { what: "no records", bytes: response([]) },
    { what: "a promise of 65535 records", bytes: response(relayRecords({ ...relay, ipv4: "192.0.2.7" }), 65_535) },
    { what: "64 KiB", bytes: response([{ name: "_qight._udp.local", type: 16, data: new Uint8Array(65_000) }]) },
    { what: "another service", bytes: response([{ name: "_ipp._tcp.local", type: 12, data: nameBytes("x.local") }]) },
  ]
) {
  Deno.test(`a packet of ${what} is not decoded`, () => assert.equal(worthReading(bytes), false));
}

Deno.test("a flood of different packets is decoded up to the budget of each second, the same one once in a while", () => {
  let now = 0;
  const gate = new PacketGate(() => now);
  const packet = (at: number) => response(relayRecords({ name: `r${at}`, root: ROOT, port: 1, ipv4: "192.0.2.1" }));
  const admitted = (count: number, from = "192.0.2.1") =>
    Array.from({ length: count }, (_, at) => gate.admits(packet(at), from)).filter((yes) => yes).length;
  assert.equal(admitted(READ_PER_SECOND), READ_PER_SENDER, "one sender leaves room for others");
  for (let at = 2; at < 10; at++) admitted(READ_PER_SENDER / 2, `192.0.2.${at}`);
  assert.equal(admitted(5, "192.0.2.99"), 0, "the budget of all");
  now = 999;
  assert.equal(admitted(5), 0);
  now = 1000;
  assert.equal(admitted(5), 5);
  assert.equal(gate.admits(packet(0), "192.0.2.1"), false, "each of this machine's sockets hears it");
  assert.equal(gate.admits(packet(0), "192.0.2.2"), true, "another sender");
  now = 1101;
  assert.equal(gate.admits(packet(0), "192.0.2.1"), true);
});

Deno.test("a name that points at itself, or at what comes later, is refused by the decoder and goes no further", () => {
  const good = response(relayRecords({ ...relay, ipv4: "192.0.2.7" }));
  for (const pointer of [12, 13, 0x3fff]) {
    const looped = good.slice();
    looped.set([0xc0 | pointer >> 8, pointer & 255], 12);
    assert.deepEqual(decoded(looped).flatMap((packet) => sightingsIn(packet, "192.0.2.7")), []);
  }
});

Deno.test("a packet cut short at any byte neither crashes nor makes a relay", () => {
  const good = response(relayRecords({ ...relay, ipv4: "192.0.2.7" }));
  assert.equal(decoded(good).flatMap((packet) => sightingsIn(packet, "192.0.2.7")).length, 1);
  for (let length = 0; length < good.length; length++) {
    const found = decoded(good.slice(0, length)).flatMap((packet) => sightingsIn(packet, "192.0.2.7"));
    assert.equal(found.length, 0, `${length} bytes`);
  }
});

Deno.test("bytes of any kind around a relay's records never throw past the decoder", () => {
  const good = response(relayRecords({ ...relay, ipv4: "192.0.2.7" }));
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 12 }), (changes) => {
      const bytes = good.slice();
      for (const [at, value] of changes) bytes[at] = value;
      const found = new FoundRelays();
      for (const packet of decoded(bytes)) {
        found.add(packet, "192.0.2.66");
        asksFor(packet, relay);
        otherOwner(packet.answers ?? [], relay);
      }
      assert.ok(found.size <= 1);
    }),
    { numRuns: 2_000 },
  );
});

for (
  const { what, change } of [
    { what: "no root key and no name", change: { root: "" } },
    { what: "a root key that is none", change: { root: "A".repeat(44) } },
    { what: "a root key with another address behind it", change: { root: `${ROOT}@evil.example:1?` } },
    { what: "port 0", change: { port: 0 } },
    { what: "an address of nowhere", change: { ipv4: "0.0.0.0" } },
    { what: "a multicast address", change: { ipv4: "224.0.0.251" } },
    { what: "this machine's own loopback", change: { ipv4: "127.0.0.1" } },
    { what: "another version", change: { txt: ["ver=2", `root=${ROOT}`] } },
    { what: "no version", change: { txt: [`root=${ROOT}`] } },
    {
      what: "a TXT record of 1200 bytes",
      change: { txt: ["ver=1", `root=${ROOT}`, ...Array(5).fill("x".repeat(235))] },
    },
  ]
) {
  Deno.test(`an announcement with ${what} is no relay`, () => {
    const fields = { name: "evil", root: ROOT, port: 4433, ipv4: "192.0.2.9", ...change };
    assert.deepEqual(seen(relayRecords(fields)), []);
  });
}

Deno.test("without a root key only a name counts, for its certificate is made out to it", () => {
  const fields = { name: "public", root: "", port: 4433, ipv4: "192.0.2.9", server: "relay.example.org:4433" };
  assert.deepEqual(seen(relayRecords(fields)).map(({ addresses }) => addresses), [["qight://relay.example.org:4433"]]);
});

Deno.test("one relay with many addresses, on both families and twice heard, is one entry with its own word first", () => {
  const found = new FoundRelays();
  const lie = { ...relay, name: "liar", addresses: ["198.51.100.1"] };
  found.add({ type: "response", answers: recordsOf(lie) }, "192.0.2.66");
  found.add({ type: "response", answers: recordsOf({ ...relay, addresses: ["192.0.2.7"] }) }, "192.0.2.7");
  found.add({ type: "response", answers: recordsOf(relay) }, "192.0.2.7");
  const [entry, ...others] = found.list();
  assert.deepEqual(others, []);
  assert.deepEqual(
    entry.addresses,
    ["192.0.2.7", "[2001:db8::7]", "198.51.100.1"].map((host) => `qight://${ROOT}@${host}:4433`),
  );
});

Deno.test("relays are sorted by name, and a thousand made-up ones are cut off and said to be", () => {
  const found = new FoundRelays();
  const made = (at: number) =>
    new Uint8Array(32).fill(at & 255, 0, 16).fill(at >> 8, 16).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
  const say = (at: number, from: string) =>
    found.add({ type: "response", answers: recordsOf({ ...relay, name: `r${at}`, root: made(at) }) }, from);
  for (let at = 0; at < 500; at++) say(at, "192.0.2.66");
  assert.equal(found.size, MAX_PER_SENDER);
  assert.equal(found.overflowed, true);
  found.add({ type: "response", answers: recordsOf(relay) }, "192.0.2.7");
  assert.ok(found.list().some(({ root }) => root === ROOT), "the real one still has its place");
  for (let at = 0; at < 1000; at++) say(at, `198.51.${at >> 8}.${at & 255}`);
  assert.equal(found.size, MAX_FOUND);
  const names = found.list().map(({ name }) => name);
  assert.deepEqual(names, names.toSorted());
});

Deno.test("only who announced a relay can take it back", () => {
  const found = new FoundRelays();
  const goodbye: DnsPacket = { type: "response", answers: recordsOf(relay, { gone: true }) };
  found.add({ type: "response", answers: recordsOf(relay) }, "192.0.2.7");
  found.add(goodbye, "192.0.2.66");
  assert.equal(found.size, 1);
  found.add(goodbye, "192.0.2.7");
  assert.equal(found.size, 0);
});

for (
  const { address, from, usable } of [
    { address: "192.0.2.7", from: "192.0.2.7", usable: true },
    { address: "10.0.0.1", from: "192.0.2.7", usable: true },
    { address: "2001:db8::1", from: "fe80::1", usable: true },
    { address: "127.0.0.1", from: "127.0.0.1", usable: true },
    { address: "127.0.0.1", from: "192.0.2.7", usable: false },
    { address: "::1", from: "2001:db8::1", usable: false },
    { address: "::ffff:127.0.0.1", from: "192.0.2.7", usable: false },
    { address: "fe80::1", from: "fe80::1", usable: false },
    { address: "2001:db8::1%eth0", from: "fe80::1", usable: false },
    { address: "ff02::fb", from: "fe80::1", usable: false },
    { address: "255.255.255.255", from: "192.0.2.7", usable: false },
    { address: "::", from: "fe80::1", usable: false },
    { address: "localhost", from: "127.0.0.1", usable: false },
  ]
) {
  Deno.test(`${address} said by ${from} is ${usable ? "" : "not "}to be dialled`, () => {
    assert.equal(usableAddress(address, from), usable);
  });
}

Deno.test("every interface is a place to multicast from, in both families, loopback last and in IPv4 only", () => {
  const face = (family: "IPv4" | "IPv6", address: string, internal = false) => ({ family, address, internal }) as never;
  const faces = {
    lo: [face("IPv4", "127.0.0.1", true), face("IPv6", "::1", true)],
    eth0: [face("IPv4", "192.0.2.2"), face("IPv4", "192.0.2.3"), face("IPv6", "fe80::1"), face("IPv6", "2001:db8::1")],
    wlan0: [face("IPv6", "fe80::2")],
  };
  const of = (reach: "network" | "machine" | "both") =>
    linksOf(faces, reach, "linux").map((link) => `${link.family} ${link.interface}`);
  assert.deepEqual(of("network"), ["4 192.0.2.2", "6 ::%eth0", "6 ::%wlan0"]);
  assert.deepEqual(of("machine"), ["4 127.0.0.1"]);
  assert.deepEqual(of("both"), [...of("network"), ...of("machine")]);
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`v${at}`, [face("IPv4", "192.0.2.9")]]));
  assert.equal(linksOf(many, "both").length, 32);
});

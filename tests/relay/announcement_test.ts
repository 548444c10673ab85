/** The relay's announcement on a made-up network whose time the test turns. @module */
import assert from "node:assert/strict";
import type { DnsPacket, DnsRecord } from "../../net/mdns/packet.ts";
import { type Announced, instanceName, recordsOf, SERVICE, sightingsIn } from "../../net/mdns/service.ts";
import { announcedName, describeRelay, reachOf } from "../../relay/announced_relay.ts";
import { Announcement, type AnnouncementClock, type DescribeRelay } from "../../relay/announcement.ts";
import { defaultRelayConfig, readRelayConfig, sampleToml } from "../../relay/config.ts";
import { QightError } from "../../proto/errors.ts";
import { silentLog } from "../helpers/test_relay.ts";

const ROOT = new Uint8Array(32).fill(7);
const facts = (host: string): Omit<Announced, "name"> => ({
  host,
  port: 4433,
  root: ROOT.toBase64({ alphabet: "base64url", omitPadding: true }),
  server: "",
  domain: "",
  addresses: ["192.0.2.7"],
});

/** Time that stands still until a test lets it go on. */
class TurnedClock implements AnnouncementClock {
  #now = 0;
  #due: { at: number; run: () => void }[] = [];
  monotonic = () => this.#now;
  random = () => 0.5;
  after(ms: number, run: () => void) {
    const entry = { at: this.#now + ms, run };
    this.#due.push(entry);
    return () => void (this.#due = this.#due.filter((each) => each !== entry));
  }
  async advance(ms: number) {
    const until = this.#now + ms;
    for (;;) {
      await settled();
      const next = this.#due.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#due = this.#due.filter((each) => each !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = until;
  }
}

/** Lets everything run that waits for nothing but promises. */
async function settled() {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** A cable that everybody hears, the sender included. */
class Cable {
  readonly sent: DnsPacket[] = [];
  readonly #ears = new Set<(packet: DnsPacket) => void>();
  changed = false;
  open = async (onPacket: (packet: DnsPacket) => void) => {
    this.#ears.add(onPacket);
    await Promise.resolve();
    return {
      send: (packet: DnsPacket) => Promise.resolve(this.say(packet)),
      refresh: () => Promise.resolve(this.changed),
      [Symbol.asyncDispose]: () => Promise.resolve(void this.#ears.delete(onPacket)),
    };
  };
  say(packet: DnsPacket) {
    this.sent.push(packet);
    for (const ear of this.#ears) ear(packet);
  }
  get listeners() {
    return this.#ears.size;
  }
  responses() {
    return this.sent.filter(({ type }) => type === "response");
  }
}

function setUp(host = "qight-bbbb", describe: DescribeRelay = () => facts(host)) {
  const [cable, clock, lines] = [new Cable(), new TurnedClock(), [] as string[]];
  const start = (name: string, describeIt: DescribeRelay = describe) =>
    new Announcement({ name, describe: describeIt, log: silentLog(lines), open: cable.open, clock });
  return { cable, clock, lines, start };
}

const question: DnsPacket = { type: "query", questions: [{ name: SERVICE, type: "PTR" }] };
const namesIn = (packet: DnsPacket) => sightingsIn(packet, "192.0.2.7").map(({ name }) => name);

Deno.test("three probes, then the announcement twice, then answers to who asks", async () => {
  const { cable, clock, start } = setUp();
  await using announcement = start("kitchen");
  await clock.advance(900);
  assert.deepEqual(cable.sent.map(({ type }) => type), ["query", "query", "query", "response"]);
  assert.equal(cable.sent[0].questions![0].name, instanceName("kitchen"));
  await clock.advance(3_000);
  assert.equal(cable.responses().length, 2);
  cable.say(question);
  await clock.advance(200);
  assert.deepEqual(namesIn(cable.responses()[2]), ["kitchen"]);
  assert.equal(announcement.name, "kitchen");
});

Deno.test("a thousand questions in a second are one answer a second", async () => {
  const { cable, clock, start } = setUp();
  await using _announcement = start("kitchen");
  await clock.advance(5_000);
  const before = cable.responses().length;
  for (let at = 0; at < 1000; at++) {
    cable.say(question);
    await clock.advance(1);
  }
  await clock.advance(2_000);
  const answers = cable.responses().length - before;
  assert.ok(answers >= 1 && answers <= 2, `${answers} answers`);
});

Deno.test("stopping takes the records back and lets go of the network; stopping again does nothing", async () => {
  const { cable, clock, start } = setUp();
  const announcement = start("kitchen");
  await clock.advance(2_000);
  await announcement.stop();
  await announcement.stop();
  const last = cable.responses().at(-1)!;
  assert.ok(last.answers!.every(({ ttl }: DnsRecord) => ttl === 0));
  assert.equal(cable.listeners, 0);
  await clock.advance(20_000);
  assert.equal(cable.sent.at(-1), last);
});

Deno.test("one that is stopped before it has announced says no goodbye", async () => {
  const { cable, start } = setUp();
  await start("kitchen").stop();
  assert.deepEqual([cable.responses().length, cable.listeners], [0, 0]);
});

Deno.test("two relays that begin at once with one name: the second has a number, and both are found", async () => {
  const { cable, clock, lines, start } = setUp();
  await using first = start("kitchen", () => facts("qight-aaaa"));
  await using second = start("kitchen", () => facts("qight-bbbb"));
  await clock.advance(10_000);
  assert.deepEqual([first.name, second.name].sort(), ["kitchen", "kitchen (2)"]);
  assert.equal(second.name, "kitchen", "the greater one has the name, RFC 6762 §8.2");
  assert.ok(lines.some((line) => line.includes("another relay on this network has the name")));
  cable.say(question);
  await clock.advance(2_000);
  assert.deepEqual(new Set(cable.responses().slice(-2).flatMap(namesIn)), new Set(["kitchen", "kitchen (2)"]));
});

Deno.test("a relay that comes later finds the name taken, by the answer to its probe", async () => {
  const { clock, start } = setUp();
  await using first = start("kitchen", () => facts("qight-aaaa"));
  await clock.advance(10_000);
  await using second = start("kitchen", () => facts("qight-bbbb"));
  await clock.advance(10_000);
  assert.deepEqual([first.name, second.name], ["kitchen", "kitchen (2)"]);
});

Deno.test("who claims every name that we try makes us rename 15 times and no more", async () => {
  const { cable, clock, start } = setUp();
  await using announcement = start("kitchen");
  for (let at = 0; at < 100; at++) {
    cable.say({ type: "response", answers: recordsOf({ ...facts("qight-evil"), name: announcement.name }) });
    await clock.advance(100);
  }
  assert.equal(announcement.name, "kitchen (16)");
  await clock.advance(5_000);
  assert.ok(cable.responses().some((packet) => namesIn(packet).includes("kitchen (16)")));
});

Deno.test("a goodbye that somebody else says for us is answered with our records", async () => {
  const { cable, clock, start } = setUp();
  await using _announcement = start("kitchen");
  await clock.advance(5_000);
  const before = cable.responses().length;
  cable.say({ type: "response", answers: recordsOf({ ...facts("qight-bbbb"), name: "kitchen" }, { gone: true }) });
  await clock.advance(200);
  assert.deepEqual(cable.responses().slice(before + 1).map(namesIn), [["kitchen"]]);
});

Deno.test("an interface that comes, or another address, is announced within five seconds", async () => {
  let addresses = ["192.0.2.7"];
  const { cable, clock, start } = setUp("qight-bbbb", () => ({ ...facts("qight-bbbb"), addresses }));
  await using _announcement = start("kitchen");
  await clock.advance(9_000);
  const before = cable.responses().length;
  addresses = ["192.0.2.8", "2001:db8::8"];
  await clock.advance(5_000);
  const [sighting] = sightingsIn(cable.responses()[before], "192.0.2.8");
  assert.equal(sighting.addresses.length, 2);
  const again = cable.responses().length;
  await clock.advance(20_000);
  assert.equal(cable.responses().length, again, "nothing changed, nothing is said");
  cable.changed = true;
  await clock.advance(5_000);
  assert.ok(cable.responses().length > again);
});

Deno.test("a machine without an address yet announces once it has one", async () => {
  let there = false;
  const { cable, clock, start } = setUp("qight-bbbb", () => there ? facts("qight-bbbb") : null);
  await using _announcement = start("kitchen");
  await clock.advance(10_000);
  assert.equal(cable.sent.length, 0);
  there = true;
  await clock.advance(7_000);
  assert.deepEqual(namesIn(cable.responses()[0]), ["kitchen"]);
});

Deno.test("a relay that cannot have the port says so once and goes on", async () => {
  const lines: string[] = [];
  const announcement = new Announcement({
    name: "kitchen",
    describe: () => facts("qight-bbbb"),
    log: silentLog(lines),
    open: () => Promise.reject(new QightError("port_taken", "UDP port 5353 is held by another program")),
    clock: new TurnedClock(),
  });
  await announcement.stop();
  assert.equal(lines.length, 1);
  assert.match(lines[0], /^warn mDNS: the relay is not announced .*5353/);
});

for (
  const { listen, advertise = "", reach, addresses } of [
    { listen: ["127.0.0.1:4433"], reach: "machine", addresses: ["127.0.0.1"] },
    { listen: ["127.0.0.1:4433", "[::1]:4433"], reach: "machine", addresses: ["127.0.0.1", "::1"] },
    { listen: ["127.0.0.1:4433", "192.0.2.7:4433"], reach: "network", addresses: ["192.0.2.7"] },
    { listen: ["192.0.2.7:4433", "[2001:db8::7]:4433"], reach: "network", addresses: ["192.0.2.7", "2001:db8::7"] },
    { listen: ["192.0.2.7:4433", "192.0.2.8:5544"], reach: "network", addresses: ["192.0.2.7"] },
    { listen: ["192.0.2.7:4433"], advertise: "relay.example.org:443", reach: "network", addresses: ["192.0.2.7"] },
  ]
) {
  Deno.test(`a relay on ${listen.join(", ")} ${advertise && "with advertise "}is announced to the ${reach}`, () => {
    const config = { ...defaultRelayConfig("/x"), listen, advertise };
    assert.equal(reachOf(config), reach);
    const described = describeRelay({ config, root: ROOT, ownRoot: true, port: 4433 });
    assert.deepEqual(described?.addresses, addresses);
    assert.deepEqual([described?.port, described?.server], [4433, advertise]);
    assert.equal(describeRelay({ config, root: ROOT, ownRoot: false, port: 4433 })?.root, "");
  });
}

Deno.test("the name is the configured one, else the machine's up to its first dot", () => {
  assert.equal(announcedName("The Kitchen", "x"), "The Kitchen");
  assert.equal(announcedName("", "web-3.example.org"), "web-3");
  assert.equal(announcedName("", "\u001b]0;x\u0007"), "0x");
  assert.equal(announcedName("", "…"), "qight relay");
  assert.equal(announcedName("", "x".repeat(80)).length, 48);
});

Deno.test("[mdns] is read from relay.toml, the environment and --mdns; a name that is no label is refused", () => {
  const read = (tomlText: string, env = {}, flags = {}) =>
    readRelayConfig({ tomlText, env, flags, root: false }).config;
  const home = { HOME: "/h" };
  assert.deepEqual(read("", home).mdns, { enabled: false, name: "" });
  assert.deepEqual(read('[mdns]\nenabled = true\nname = "Küche"', home).mdns, { enabled: true, name: "Küche" });
  assert.equal(read("", { ...home, QIGHT_CFG__MDNS__ENABLED: "true" }).mdns.enabled, true);
  assert.equal(read("", home, { "mdns.enabled": "true" }).mdns.enabled, true);
  for (const text of ['name = "a.b"', 'name = "a\\u0007"', `name = "${"é".repeat(25)}"`, 'enabled = "yes"']) {
    assert.throws(() => read(`[mdns]\n${text}`, home), { code: "config" }, text);
  }
  assert.throws(() => read("", { ...home, QIGHT_CFG__MDNS__ENABLED: "yes" }), { code: "config" });
  assert.match(sampleToml(), /\[mdns\]\nenabled = false .*\nname = "" /);
});

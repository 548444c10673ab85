/** qight relay --mdns and qight discover: real relays, real questions, one machine and two. @module */
import assert from "node:assert/strict";
import { noNamespaces, TwoMachines } from "../helpers/two_machines.ts";
import { errorOf, row, type RunningRelay, World } from "./harness.ts";
import { hasScript, onTerminal } from "./on_terminal.ts";

interface Found {
  name: string;
  address: string;
  addresses: string[];
  root: string;
}

/** What a person finds; on the machine's own network that may be more than the test's relays. */
async function found(person: ReturnType<World["person"]>, wait = "3s"): Promise<Found[]> {
  const lines = (await person.ok(["discover", "--json", "--wait", wait])).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line));
}

const rootOf = ({ address }: { address: string }) => /^qight:\/\/(.{43})@/.exec(address)![1];

row("a relay on loopback is found on its machine until it stops, address first and ready to paste", async () => {
  await using world = new World();
  const relay = await world.relay({ args: ["--mdns"], env: { QIGHT_CFG__MDNS__NAME: "loopback only" } });
  await relay.process.seen(/announced by mDNS/);
  const ada = world.person("ada");
  const listening = ada.start(["discover", "--wait", "2s"]);
  const mine = (await found(ada, "2s")).filter(({ root }) => root === rootOf(relay));
  assert.deepEqual(mine, [{
    name: "loopback only",
    address: relay.address,
    addresses: [relay.address],
    root: rootOf(relay),
    server: null,
    domain: null,
  }]);
  const lines: string[] = [];
  for (let line; (line = await listening.line()) !== null;) lines.push(line);
  assert.ok(lines.includes(`${relay.address}  loopback only`), lines.join("\n"));
  assert.equal(await relay.stop(), 0);
  assert.deepEqual((await found(ada, "1s")).filter(({ root }) => root === rootOf(relay)), []);
});

row("a relay is silent without --mdns", async () => {
  await using world = new World();
  const relay = await world.relay();
  const heard = await found(world.person("ada"), "2s");
  assert.deepEqual(heard.filter(({ root }) => root === rootOf(relay)), []);
  await relay.stop();
});

row("--wait that is no duration is 64", async () => {
  await using world = new World();
  for (const wait of ["3", "0s", "soon"]) {
    const outcome = await world.operator.run(["discover", "--wait", wait, "--json"]);
    assert.deepEqual([outcome.code, errorOf(outcome).code], [64, "bad_duration"]);
  }
});

row("off a terminal nothing is chosen: exit 78 at once, naming --relay and QIGHT_RELAY", async () => {
  await using world = new World();
  const outcome = await world.person("ada").run(["ping", "--json"]);
  assert.deepEqual([outcome.code, errorOf(outcome).code], [78, "no_relay"]);
  assert.match(errorOf(outcome).hint, /--relay.*QIGHT_RELAY/);
});

function onTwoMachines(name: string, fn: (machines: TwoMachines, world: World) => Promise<void>, why = noNamespaces) {
  Deno.test({
    name: why === null ? name : `${name} (ignored: ${why})`,
    ignore: why !== null,
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      await using machines = await TwoMachines.make();
      await using world = new World();
      await fn(machines, world);
    },
  });
}

/** A relay that the other machine can reach. */
async function relayOn(world: World, machine: TwoMachines["one"], name: string, port = 4433): Promise<RunningRelay> {
  world.operator.within = machine.within;
  const relay = await world.relay({
    name: `relay-${machine.name}-${port}`,
    listen: `[::]:${port}`,
    args: ["--mdns", "--allow-open"],
    env: { QIGHT_CFG__MDNS__NAME: name },
  });
  await relay.process.seen(/announced by mDNS/);
  return relay;
}

onTwoMachines(
  "two machines find each other's relay, at all real addresses and never at loopback",
  async (machines, world) => {
    const { one, other } = machines;
    const [kitchen, attic] = [await relayOn(world, one, "kitchen"), await relayOn(world, other, "attic")];
    const expected = [[other, "attic", attic], [one, "kitchen", kitchen]] as const;
    for (const machine of [one, other]) {
      const person = world.person(`at-${machine.name}`);
      person.within = machine.within;
      const relays = await found(person);
      assert.deepEqual(
        relays.map(({ name, addresses }) => [name, addresses.toSorted()]),
        expected.map(([{ ipv4, ipv6 }, name, relay]) => [
          name,
          [`${ipv4}:4433`, `[${ipv6}]:4433`].map((place) => `qight://${rootOf(relay)}@${place}`).toSorted(),
        ]),
      );
      for (const { addresses } of relays) {
        for (const address of addresses) await person.ok(["ping", "--relay", address]);
      }
    }
  },
);

onTwoMachines("two relays of one name are told apart by a number", async (machines, world) => {
  const first = await relayOn(world, machines.one, "kitchen");
  const second = await relayOn(world, machines.other, "kitchen");
  const person = world.person("ada");
  person.within = machines.one.within;
  const names = Object.fromEntries((await found(person)).map(({ root, name }) => [root, name]));
  assert.deepEqual(names, { [rootOf(first)]: "kitchen", [rootOf(second)]: "kitchen (2)" });
});

onTwoMachines("a relay whose address changes is found at the new one", async (machines, world) => {
  const relay = await relayOn(world, machines.one, "kitchen");
  const person = world.person("ada");
  person.within = machines.other.within;
  const watching = found(person, "12s");
  await machines.readdress(machines.one, "10.77.0.77");
  const [{ addresses }] = await watching;
  assert.ok(addresses.includes(`qight://${rootOf(relay)}@10.77.0.77:4433`), addresses.join(" "));
});

onTwoMachines("a relay that cannot have port 5353 says so once and serves; discover names the port, 78", async (
  machines,
  world,
) => {
  const { one } = machines;
  const holder = new Deno.Command(one.within[0], {
    args: [...one.within.slice(1), Deno.execPath(), "eval", HOLD_PORT],
    stdout: "piped",
  }).spawn();
  const reader = holder.stdout.getReader();
  await reader.read();
  try {
    world.operator.within = one.within;
    const relay = await world.relay({ listen: "[::]:4433", args: ["--mdns", "--allow-open"] });
    await relay.process.seen(/mDNS: the relay is not announced.*5353/);
    const person = world.person("ada", { QIGHT_RELAY: relay.address });
    person.within = one.within;
    await person.ok(["ping"]);
    const outcome = await person.run(["discover", "--wait", "1s", "--json"]);
    assert.deepEqual([outcome.code, errorOf(outcome).code], [78, "port_taken"]);
    assert.match(errorOf(outcome).message, /5353/);
    assert.equal(await relay.stop(), 0);
    assert.equal(relay.process.stderr().match(/not announced/g)?.length, 1);
  } finally {
    holder.kill("SIGKILL");
    await reader.cancel();
    await holder.status;
  }
});

/** Takes the port for itself alone, as a program that does not share it does. */
const HOLD_PORT = `
const { createSocket } = await import("node:dgram");
for (const [type, address] of [["udp4", "0.0.0.0"], ["udp6", "::"]]) {
  const socket = createSocket({ type, ipv6Only: type === "udp6" });
  await new Promise((resolve) => socket.bind(5353, address, resolve));
}
console.log("held");
`;

const noTerminal = noNamespaces ?? (hasScript ? null : "script(1) is not installed");

onTwoMachines("on a terminal the one relay is offered and used after yes (needs script)", async (machines, world) => {
  const relay = await relayOn(world, machines.one, "kitchen");
  const ada = world.person("ada");
  ada.within = machines.other.within;
  const used = await onTerminal(ada, ["ping"], [
    [/kitchen[\s\S]*Use it for this command\? \[y\/N\] /, "y\n"],
    [/Keep it as a context\? .*: /, "\n"],
  ]);
  assert.equal(used.code, 0, used.screen);
  assert.ok(used.screen.includes(`qight://${rootOf(relay)}@10.77.0.1:4433`));
  assert.match(used.screen, /compare the part before @/);
  assert.match(used.screen, /ms {2}(quic|websocket)/);

  const refused = await onTerminal(ada, ["ping"], [[/\[y\/N\] /, "\n"]]);
  assert.equal(refused.code, 78, "Enter is no");
  const unasked = await onTerminal(ada, ["ping", "--no-input"], []);
  assert.equal(unasked.code, 78);
  assert.doesNotMatch(unasked.screen, /looking for one/);
  const yes = await onTerminal(ada, ["ping", "-y"], [[/\[y\/N\] /, "n\n"]]);
  assert.equal(yes.code, 78, "-y does not trust a stranger's relay");

  const kept = await onTerminal(ada, ["ping"], [[/\[y\/N\] /, "y\n"], [/Keep it as a context\?.*: /, "home\n"]]);
  assert.equal(kept.code, 0, kept.screen);
  assert.match(await ada.ok(["ping"]), /ms {2}(quic|websocket)/);
}, noTerminal);

onTwoMachines("of several relays one is chosen by its number (needs script)", async (machines, world) => {
  await relayOn(world, machines.one, "kitchen");
  const attic = await relayOn(world, machines.other, "attic", 5544);
  const ada = world.person("ada");
  ada.within = machines.one.within;
  const chosen = await onTerminal(ada, ["ping", "--json"], [
    [/Which one for this command\? \[1-2, Enter for none\] /, "1\n"],
    [/Keep it as a context\?.*: /, "\n"],
  ]);
  assert.equal(chosen.code, 0, chosen.screen);
  assert.equal(rootOf({ address: JSON.parse(/\{"relay".*\}/.exec(chosen.screen)![0]).relay }), rootOf(attic));
}, noTerminal);

/**
 * M4, anybody on the local network: fake mDNS answers. Discovery is a hint; the key in the address decides.
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { MAX_FOUND } from "../../net/mdns/found.ts";
import { cliArguments, errorOf, type Running, World } from "../commands/harness.ts";
import { type Machine, noNamespaces, TwoMachines } from "../helpers/two_machines.ts";

const MIB = 1024 ** 2;
/** Deno alone has about 100 MiB; what is heard may add little to that. */
const MOST_MEMORY = 220 * MIB;

Deno.test({
  name: noNamespaces === null ? "M4" : `M4 (ignored: ${noNamespaces})`,
  ignore: noNamespaces !== null,
  sanitizeOps: false,
  sanitizeResources: false,
  fn: onTheNetwork,
});

async function onTheNetwork(t: Deno.TestContext): Promise<void> {
  await using machines = await TwoMachines.make();
  await using world = new World();
  const { one, other } = machines;
  world.operator.within = one.within;
  const flags = ["--allow-open"];
  const env = { QIGHT_CFG__MDNS__NAME: "kitchen" };
  const relay = await world.relay({ listen: "[::]:4433", args: [...flags, "--mdns"], env });
  await relay.process.seen(/announced by mDNS/);
  world.operator.within = other.within;
  const impostor = await world.relay({ name: "impostor", listen: "[::]:4444", args: flags });
  const root = relay.address.slice("qight://".length, relay.address.indexOf("@"));
  const right = `qight://${root}@${one.ipv4}:4433`;
  const ada = world.person("ada");
  ada.within = other.within;

  const listening = ada.start(["discover", "--wait", "10s", "--json"]);
  await using spoofer = spoof(other, root);
  await spoofer.line("told");
  await spoofer.line("flooded");
  const memory = peakMemory(listening);
  const lines: string[] = [];
  for (let line; (line = await listening.line()) !== null;) lines.push(line);
  const found = lines.map((line) => JSON.parse(line));
  const entry = found.find((each) => each.root === root);

  await t.step(
    "500 spoofed relays, 64 KiB of TXT and 10,000 packets: a bounded list, said to be cut, in bounded memory",
    async () => {
      assert.equal(await listening.ended, 0);
      assert.ok(found.length > 1 && found.length <= MAX_FOUND, `${found.length} relays`);
      assert.match(listening.stderr(), /somebody may be flooding this network/);
      assert.ok(memory < MOST_MEMORY, `discover took ${Math.round(memory / MIB)} MiB`);
    },
  );

  await t.step(
    "the real relay is in the list, once, and its true address is among those that were named for its key",
    () => {
      assert.ok(entry, "the real one is there");
      assert.equal(found.filter((each) => each.root === root).length, 1);
      assert.ok(entry.addresses.includes(right), entry.addresses.join(" "));
    },
  );

  await t.step("an address that names the real key and another machine gets nothing: exit 76", async () => {
    const lie = `qight://${root}@${other.ipv4}:4444`;
    for (const command of [["ping"], ["doctor"]]) {
      const outcome = await ada.run([...command, "--relay", lie, "--json"]);
      assert.deepEqual([outcome.code, errorOf(outcome).code], [76, "wrong_relay"]);
    }
    assert.doesNotMatch(impostor.process.stderr(), /session/);
  });

  await t.step("no name steers the terminal, and nobody is told to dial this machine itself", async () => {
    const { code, stdout } = await ada.run(["discover", "--wait", "2s"]);
    assert.equal(code, 0);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    assert.match(stdout, /\\u001b\]52/);
    for (const line of stdout.trimEnd().split("\n")) assert.match(line, /^qight:\/\/\S+ {2}/);
    for (const { addresses } of found) assert.ok(!addresses.some((each: string) => each.includes("127.0.0.1")));
  });

  await t.step("off a terminal none of them is chosen: exit 78", async () => {
    const outcome = await ada.run(["ping", "--json"]);
    assert.deepEqual([outcome.code, errorOf(outcome).code], [78, "no_relay"]);
  });

  await t.step("the real relay serves during the flood, gives up renaming, and its memory is bounded", async () => {
    await ada.ok(["ping", "--relay", right]);
    const renames = relay.process.stderr().match(/another relay on this network has the name/g)?.length ?? 0;
    assert.ok(renames >= 1 && renames <= 15, `${renames} renames`);
    const took = peakMemory(relay.process);
    assert.ok(took < 2 * MOST_MEMORY, `the relay took ${Math.round(took / MIB)} MiB`);
  });
}

interface Spoofer extends AsyncDisposable {
  line(wanted: string): Promise<void>;
}

function spoof(machine: Machine, root: string): Spoofer {
  const script = fileURLToPath(new URL("./lan_spoofer.ts", import.meta.url));
  const [program, ...before] = [...machine.within, Deno.execPath()];
  const [, ...options] = cliArguments().slice(0, -1);
  const args = [...before, "run", ...options, script, root, machine.ipv4, "4444"];
  const child = new Deno.Command(program, { args, stdout: "piped" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let heard = "";
  return {
    async line(wanted) {
      while (!heard.includes(`${wanted}\n`)) {
        const { done, value } = await reader.read();
        assert.ok(!done, "the spoofer ended");
        heard += value;
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await reader.cancel();
      await child.status;
    },
  };
}

/** The most memory that a process of Linux ever had, bytes. */
function peakMemory({ pid }: Pick<Running, "pid">): number {
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]) * 1024;
}

/**
 * Two network namespaces joined by a cable (veth): two machines on one local network, with no other network around them.
 * @module
 */
import assert from "node:assert/strict";

/** Why there can be none here, or null when there can. */
export const noNamespaces: string | null = Deno.build.os !== "linux"
  ? "network namespaces are Linux's"
  : Deno.uid() !== 0
  ? "network namespaces need root"
  : tryIt();

/** One machine of the two. */
export interface Machine {
  readonly name: string;
  readonly ipv4: string;
  readonly ipv6: string;
  /** Words that go before a command to run it there. */
  readonly within: readonly string[];
}

/** The two machines; disposing removes them. */
export class TwoMachines implements AsyncDisposable {
  readonly one: Machine;
  readonly other: Machine;

  private constructor(one: Machine, other: Machine) {
    this.one = one;
    this.other = other;
  }

  /** Makes both and waits until they are up. */
  static async make(): Promise<TwoMachines> {
    const tag = crypto.getRandomValues(new Uint8Array(3)).toHex();
    const [one, other] = [1, 2].map((at) => ({
      name: `qight-${tag}-${at}`,
      ipv4: `10.77.0.${at}`,
      ipv6: `fd77::${at}`,
      within: ["ip", "netns", "exec", `qight-${tag}-${at}`],
    }));
    const machines = new TwoMachines(one, other);
    try {
      for (const { name } of [one, other]) await ip("netns", "add", name);
      const [plug, socket] = [`qv${tag}`, `qw${tag}`];
      await ip(...`link add ${plug} netns ${one.name} type veth peer ${socket} netns ${other.name}`.split(" "));
      for (const [machine, face] of [[one, plug], [other, socket]] as const) {
        await ip("-n", machine.name, "link", "set", "lo", "up");
        await ip("-n", machine.name, "addr", "add", `${machine.ipv4}/24`, "dev", face);
        // nodad: an address of IPv6 is otherwise tried out for a second before it may be used.
        await ip("-n", machine.name, "addr", "add", `${machine.ipv6}/64`, "dev", face, "nodad");
        await ip("-n", machine.name, "link", "set", face, "up");
      }
      return machines;
    } catch (error) {
      await machines[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Takes the cable's address away from a machine and gives it another, as a new lease does. */
  async readdress(machine: Machine, ipv4: string): Promise<void> {
    const shown = await ip("-n", machine.name, "-o", "addr", "show", "to", `${machine.ipv4}/32`);
    const face = /^\d+: (\S+)/.exec(shown)![1];
    // In this order: with the first address of a network its others would go too.
    await ip("-n", machine.name, "addr", "del", `${machine.ipv4}/24`, "dev", face);
    await ip("-n", machine.name, "addr", "add", `${ipv4}/24`, "dev", face);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { name } of [this.one, this.other]) {
      await new Deno.Command("ip", { args: ["netns", "del", name], stderr: "null" }).output();
    }
  }
}

async function ip(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("ip", { args }).output();
  const text = new TextDecoder();
  assert.ok(success, `ip ${args.join(" ")}: ${text.decode(stderr)}`);
  return text.decode(stdout);
}

function tryIt(): string | null {
  const name = `qight-try-${Deno.pid}`;
  const script = `ip netns add ${name} && ip netns exec ${name} true; s=$?; ip netns del ${name} 2>/dev/null; exit $s`;
  const { success, stderr } = new Deno.Command("sh", { args: ["-c", script] }).outputSync();
  return success ? null : `no network namespaces: ${new TextDecoder().decode(stderr).trim().split("\n")[0]}`;
}

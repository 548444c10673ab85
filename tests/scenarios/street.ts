/** A relay, and people with machines at it, for stories that run in this process. @module */
import { join } from "node:path";
import { openKeyFile } from "../../client/storage/key_file.ts";
import { openBundle } from "../../crypto/bundle.ts";
import { parseAccountId } from "../../crypto/account.ts";
import { RelayClient } from "../../client/relay_client.ts";
import { type TestRelay, testRelay } from "../helpers/test_relay.ts";
import type { Cut } from "./cut.ts";
import { Machine, type Outcome } from "./machine.ts";

/** A relay and the folder of all machines; both go with it. */
export class Street implements AsyncDisposable {
  #count = 0;

  private constructor(readonly relay: TestRelay, readonly folder: string) {}

  static async open(): Promise<Street> {
    return new Street(await testRelay(), await Deno.makeTempDir({ prefix: "qight-street-" }));
  }

  /** A machine without a key. */
  machine(name: string): Machine {
    return new Machine(name, join(this.folder, `${this.#count++}-${name}`), this.relay.address);
  }

  /** A machine with a key of its own, known to the relay; and its account's id. */
  async member(name: string): Promise<{ readonly machine: Machine; readonly id: string }> {
    const machine = this.machine(name);
    const [id] = await machine.ok(["key", "gen", "--no-passphrase"]);
    return { machine, id };
  }

  /** What the relay says of an account: the devices of its list (hex, sorted) and the list's version. */
  async listOf(id: string): Promise<{ readonly devices: readonly string[]; readonly version: number }> {
    await using client = await RelayClient.connect(this.relay.address);
    const stored = await client.getBundle({ account: parseAccountId(id) });
    if (!stored) return { devices: [], version: 0 };
    const { devices, version } = await openBundle(stored);
    return { devices: devices.map(({ key }) => key.toHex()).sort(), version };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** The device key of a machine, hex. */
export async function deviceOf(machine: Machine): Promise<string> {
  return (await openKeyFile(machine.keyFile, null)).device.publicKey.toHex();
}

/** How both ends of a link fared. */
export interface Linked {
  readonly fresh: Outcome;
  readonly old: Outcome;
}

/** Links `fresh` into the account of `old`; whoever waits for one that is gone is interrupted, as a person would do. */
export async function link(
  old: Machine,
  fresh: Machine,
  { cutOld, cutFresh, more = [] }: { cutOld?: Cut; cutFresh?: Cut; more?: readonly string[] } = {},
): Promise<Linked> {
  const waiting = fresh.start(["device", "link", "--no-passphrase", "--json", "-y"], cutFresh);
  const line = await waiting.line(0);
  if (line === null) return { fresh: await waiting.ended, old: NOT_BEGUN };
  const answering = old.start(["device", "link", ...JSON.parse(line).code.split(" "), "-y", ...more], cutOld);
  // What one end has left at the relay the other finds, whoever is gone meanwhile.
  answering.ended.then(({ error }) => {
    if (error && !cutOld?.done.includes("call PutRendezvous")) waiting.interrupt();
  });
  waiting.ended.then(({ error }) => {
    if (error && cutFresh?.done.filter((step) => step === "call PutRendezvous").length !== 2) answering.interrupt();
  });
  return { fresh: await waiting.ended, old: await answering.ended };
}

const NOT_BEGUN: Outcome = { error: null, stdout: [], stderr: "" };

/** The messages in a machine's mailbox. */
export async function texts(machine: Machine): Promise<string[]> {
  return (await machine.ok(["fetch", "--json"])).map((line) => JSON.parse(line).text);
}

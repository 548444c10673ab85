/**
 * Row 8: the network between clients and relay loses, damages, reorders, doubles, delays and forgets; nothing promised breaks.
 * @module
 */
import { dial } from "../../../net/race.ts";
import { parseRelayAddress } from "../../../net/address.ts";
import { Folder } from "../processes.ts";
import { seeded } from "../random.ts";
import { RelayProcess } from "../relay_process.ts";
import type { Finding, Row, Size } from "../row.ts";
import { shakeHands } from "./handshakes.ts";
import type { Impairment } from "./impairment.ts";
import { carry, type Transfer } from "./transfer.ts";
import { BadNetwork } from "./udp_proxy.ts";

/** What is asked of one bad network. */
interface Case {
  readonly name: string;
  readonly impairment: Impairment;
  readonly task: "handshakes" | "transfer" | "rebind-once" | "rebind-often" | "fallback";
}

/** Figures of the QUIC interop runner; the first four are the CI size, all of them the night's. */
const CASES: readonly Case[] = [
  { name: "handshakes at 30 % loss", impairment: { loss: 0.3, mostInARow: 3 }, task: "handshakes" },
  { name: "10 MB at 2 % loss", impairment: { loss: 0.02, mostInARow: 3 }, task: "transfer" },
  { name: "UDP blocked", impairment: { blocked: true }, task: "fallback" },
  { name: "rebind once", impairment: {}, task: "rebind-once" },
  { name: "handshakes at 30 % corruption", impairment: { corruption: 0.3, mostInARow: 3 }, task: "handshakes" },
  { name: "10 MB at 2 % corruption", impairment: { corruption: 0.02, mostInARow: 3 }, task: "transfer" },
  { name: "10 MB, 25 % late by 20 ms", impairment: { reorder: 0.25, reorderMs: 20 }, task: "transfer" },
  { name: "10 MB, 5 % twice", impairment: { duplication: 0.05 }, task: "transfer" },
  { name: "10 MB, 750 ms each way", impairment: { delayMs: 750 }, task: "transfer" },
  { name: "10 MB, 5 s there and 2 s gone", impairment: { blackhole: { upMs: 5000, downMs: 2000 } }, task: "transfer" },
  { name: "10 MB, MTU 1280", impairment: { mtu: 1280 }, task: "transfer" },
  { name: "rebind after 1 s, then every 5 s", impairment: {}, task: "rebind-often" },
];
const CI_CASES = 4;

/** A round is one kind of bad network. */
export const badNetwork: Row = {
  name: "bad-network",
  property:
    "across loss, damage, rebinding and blocked UDP every client connects in time, every byte arrives once, in order",
  rounds: { ci: CI_CASES, night: CASES.length },
  run: prove,
};

const HANDSHAKES = 20, HANDSHAKE_MS = 30_000, FALLBACK_MS = 5_000;
/** 160 lines of 64 KB are 10 MB; where only the path is in question, less says as much. */
const LARGE = { lines: 160, lineBytes: 65_000 }, SMALL = { lines: 60, lineBytes: 20_000 };
const REBIND_FIRST_MS = 1_000, REBIND_EVERY_MS = 5_000, REBINDS = 5;

async function prove(size: Size): Promise<Finding> {
  const random = seeded(size.seed);
  using folder = new Folder();
  await using relay = new RelayProcess(folder.inside("post"), {}, size.relayEntry);
  await relay.start();
  const tally: Tally = { counts: {}, complaints: [] };
  for (const [n, { name, impairment, task }] of CASES.slice(0, size.rounds).entries()) {
    const options = { impairment, seed: Math.floor(random() * 2 ** 32), tcp: task === "fallback" };
    await using network = await BadNetwork.open(relay.port, options);
    // A lost line of 65 KB would drown the rest.
    const complain = (complaint: string) => tally.complaints.push(`${name}: ${complaint.slice(0, 300)}`);
    await tasks[task]({ network, relay, folder, tally, complain, name: `case-${n + 1}` });
    const { lost, corrupted, delayed, duplicated } = await network.toll();
    add(tally, "datagrams_lost", lost);
    add(tally, "corrupted", corrupted);
    add(tally, "late", delayed);
    add(tally, "doubled_on_the_way", duplicated);
  }
  if (await relay.stop() !== 0) tally.complaints.push("the relay did not end with 0 after SIGTERM");
  return { counts: { cases: Math.min(size.rounds, CASES.length), ...tally.counts }, complaints: tally.complaints };
}

interface Tally {
  readonly counts: Record<string, number>;
  readonly complaints: string[];
}

interface Scene {
  readonly network: BadNetwork;
  readonly relay: RelayProcess;
  readonly folder: Folder;
  readonly tally: Tally;
  readonly name: string;
  complain(complaint: string): void;
}

const tasks: Record<Case["task"], (scene: Scene) => Promise<void>> = {
  async handshakes({ network, relay, tally, complain }) {
    const { tookMs, attempts, errors } = await shakeHands(network.address(relay.address), HANDSHAKES, HANDSHAKE_MS);
    for (const error of errors) complain(error);
    const slow = tookMs.filter((ms) => ms >= HANDSHAKE_MS).length;
    if (slow > 0) complain(`${slow} of ${HANDSHAKES} handshakes took ${HANDSHAKE_MS} ms or more`);
    add(tally, "handshakes", HANDSHAKES - slow);
    add(tally, "attempts", attempts);
    most(tally, "slowest_handshake_ms", tookMs.at(-1)!);
  },
  transfer: (scene) => transfer(scene, LARGE),
  async fallback(scene) {
    const { network, relay, tally, complain } = scene;
    const began = performance.now();
    const connection = await dial({ address: parseRelayAddress(network.address(relay.address)) });
    const tookMs = performance.now() - began;
    if (connection.transport !== "websocket") complain(`connected over ${connection.transport}`);
    if (tookMs >= FALLBACK_MS) complain(`${Math.round(tookMs)} ms until WebSocket`);
    most(tally, "fallback_ms", tookMs);
    connection.close();
    await transfer(scene, SMALL);
  },
  "rebind-once": (scene) => rebinding(scene, SMALL, (rebind) => rebind()),
  "rebind-often": (scene) =>
    rebinding(scene, { ...SMALL, perSecond: 20 }, async (rebind) => {
      for (let n = 0; n < REBINDS; n++) {
        await new Promise((resolve) => setTimeout(resolve, n === 0 ? REBIND_FIRST_MS : REBIND_EVERY_MS));
        await rebind();
      }
    }),
};

async function transfer({ network, relay, folder, tally, name, complain }: Scene, what: Omit<Transfer, "name">) {
  const carried = await carry(folder, network.address(relay.address), { name, ...what });
  for (const complaint of carried.complaints) complain(complaint);
  add(tally, "acknowledged", carried.acknowledged);
  add(tally, "bytes", carried.bytes);
}

/** Sessions live on across rebinds: QUIC knows a connection by its id, not by where it comes from. */
async function rebinding(
  scene: Scene,
  what: Omit<Transfer, "name">,
  script: (rebind: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const { network, relay, tally, complain } = scene;
  let rebound = 0, before = 0;
  const rebind = async () => {
    if (await network.rebind() > 0) rebound++;
  };
  await transfer(scene, {
    ...what,
    async meanwhile() {
      before = await handshakes(relay);
      await script(rebind);
    },
  });
  const after = await handshakes(relay);
  if (rebound === 0) complain("no client was there to be rebound");
  if (after !== before) complain(`${after - before} clients had to connect again`);
  add(tally, "rebinds", rebound);
}

/** Connections that the relay has taken so far, as its metrics say. */
async function handshakes(relay: RelayProcess): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${relay.httpPort}/metrics`);
  return Number(/^qight_handshakes_total\{result="ok"\} (\d+)$/m.exec(await answer.text())?.[1] ?? 0);
}

function add(tally: Tally, count: string, value: number): void {
  tally.counts[count] = (tally.counts[count] ?? 0) + value;
}

function most(tally: Tally, count: string, value: number): void {
  tally.counts[count] = Math.round(Math.max(tally.counts[count] ?? 0, value));
}

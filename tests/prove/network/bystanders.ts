/**
 * What an attack on a relay does to everybody else: how long new clients take to connect, and how much memory it costs.
 * @module
 */
import { type RelayAddress, trustFor } from "../../../net/address.ts";
import { connectQuic } from "../../../net/quic.ts";
import { dial } from "../../../net/race.ts";
import { asQightError } from "../../../proto/errors.ts";

/** How new clients fared. */
export interface Connects {
  /** Milliseconds over whatever transport won, sorted; what every user gets. */
  readonly anyMs: readonly number[];
  /** Milliseconds over QUIC alone, sorted; Infinity when it gave up after QUIC_MS. */
  readonly quicMs: readonly number[];
  readonly websocket: number;
  /** Reasons of those who got no connection at all. */
  readonly failures: readonly string[];
}

/** How often a new client comes. */
const EVERY_MS = 250;
/** How long one waits for QUIC alone. */
const QUIC_MS = 10_000;

/** New clients come one after another until it is stopped. */
export class NewClients {
  readonly #address: RelayAddress;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #attempts: Promise<void>[] = [];
  readonly #anyMs: number[] = [];
  readonly #quicMs: number[] = [];
  readonly #failures: string[] = [];
  #websocket = 0;

  constructor(address: RelayAddress) {
    this.#address = address;
    this.#timer = setInterval(() => this.#attempts.push(this.#race(), this.#quic()), EVERY_MS);
  }

  /** No more come; answers when the last one is in or has given up. */
  async stop(): Promise<Connects> {
    clearInterval(this.#timer);
    await Promise.all(this.#attempts);
    const sorted = (values: number[]) => values.sort((a, b) => a - b);
    return {
      anyMs: sorted(this.#anyMs),
      quicMs: sorted(this.#quicMs),
      websocket: this.#websocket,
      failures: this.#failures,
    };
  }

  async #race(): Promise<void> {
    const began = performance.now();
    try {
      const connection = await dial({ address: this.#address });
      this.#anyMs.push(performance.now() - began);
      if (connection.transport === "websocket") this.#websocket++;
      connection.close();
    } catch (thrown) {
      this.#failures.push(asQightError(thrown).message);
    }
  }

  async #quic(): Promise<void> {
    this.#quicMs.push(await quicConnectMs(this.#address, QUIC_MS));
  }
}

/** Milliseconds of one connect over QUIC; Infinity when it takes longer than `withinMs` or fails. */
export async function quicConnectMs(address: RelayAddress, withinMs: number): Promise<number> {
  const began = performance.now();
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), withinMs);
  const options = { hostname: address.host, port: address.port, trust: trustFor(address), signal: giveUp.signal };
  const outcome = await connectQuic(options).catch(() => null);
  clearTimeout(timer);
  if (!outcome) return Infinity;
  const took = performance.now() - began;
  outcome.close();
  return took;
}

/** Milliseconds until QUIC connects again within `goodMs`; Infinity when not within `withinMs`. */
export async function recoveryMs(address: RelayAddress, goodMs: number, withinMs: number): Promise<number> {
  const began = performance.now();
  while (performance.now() - began < withinMs) {
    if (await quicConnectMs(address, goodMs) < goodMs) return performance.now() - began;
  }
  return Infinity;
}

/** The value below which the share of sorted values lies; NaN of none. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted.length === 0 ? NaN : sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

/** Resident memory of a process, MB. */
export function rssMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]) / 1024;
}

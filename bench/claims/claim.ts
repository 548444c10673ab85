/**
 * What a claim is given: prepared people and envelopes, and how often and how long to measure.
 * @module
 */
import { Folder } from "../../tests/prove/processes.ts";
import { RelayProcess } from "../../tests/prove/relay_process.ts";
import type { Figure } from "../figure.ts";

/** Everything that the claims share. */
export interface Bench {
  /** Holds people.json and pool. */
  readonly folder: string;
  /** Bytes of one prepared envelope. */
  readonly bytes: number;
  /** Envelopes in the pool. */
  readonly pool: number;
  /** Senders among the people; each connection takes its own. */
  readonly senders: number;
  readonly runs: number;
  /** Measured seconds of one run. */
  readonly seconds: number;
}

/** One claim: measures and yields its figures; throws when its own check fails. */
export type Claim = (bench: Bench) => AsyncIterable<Figure>;

/** Runs something against a fresh relay in a fresh folder that is gone afterwards; `settings` are `QIGHT_CFG__…`. */
export async function withRelay<T>(
  use: (relay: RelayProcess) => Promise<T>,
  settings: Record<string, string> = {},
): Promise<T> {
  using folder = new Folder();
  await using relay = new RelayProcess(folder.path, settings);
  await relay.start();
  return await use(relay);
}

/** Runs a measurement several times, one after the other. */
export async function repeated<T>(runs: number, measure: (run: number) => Promise<T>): Promise<T[]> {
  const all: T[] = [];
  for (let run = 0; run < runs; run++) all.push(await measure(run));
  return all;
}

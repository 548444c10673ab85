/**
 * What other message stores do at the same size and concurrency in the same run: bench/README.md says what each promises.
 * @module
 */
import { asQightError } from "../../proto/errors.ts";
import type { Counted } from "../closed_loop.ts";
import { type Figure, medianFigure } from "../figure.ts";
import { type Peer, peers, RunningPeer } from "../peers/servers.ts";

/** Publishes `bytes` a message, 128 in flight over 4 connections, to every peer that is installed. */
export async function* peerFigures(options: { bytes: number; runs: number; seconds: number }): AsyncIterable<Figure> {
  for (const peer of peers) yield await measure(peer, options);
}

async function measure(
  peer: Peer,
  { bytes, runs, seconds }: { bytes: number; runs: number; seconds: number },
): Promise<Figure> {
  const { figure, promise, server } = peer;
  await using running = await RunningPeer.start(peer);
  if (!running) return { figure, value: null, unit: "1/s", skipped: `${server} is not installed: bench/setup_peers` };
  const rates: number[] = [];
  try {
    for (let run = 0; run < runs; run++) {
      rates.push((await running.load<Counted>("closed", bytes, 128, seconds)).perSecond);
    }
  } catch (thrown) {
    return { figure, value: null, unit: "1/s", skipped: asQightError(thrown).message };
  }
  return medianFigure(figure, "1/s", rates, { bytes, promise });
}

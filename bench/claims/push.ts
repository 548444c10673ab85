/**
 * Claim: a message reaches a watcher within so many milliseconds of its send, at 1,000 a second.
 * @module
 */
import { type Figure, medianFigure } from "../figure.ts";
import { load, selfCheck } from "../load/spawn.ts";
import { type Bench, repeated, withRelay } from "./claim.ts";

interface Pushed {
  readonly arrived: number;
  readonly sent: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

const PER_SECOND = 1000;

/** Send to arrival, both ends in one process so that one clock is read; durable in between. */
export async function* push(bench: Bench): AsyncIterable<Figure> {
  const runs = await repeated(bench.runs, () =>
    withRelay(async (relay) => {
      const pushed = await load<Pushed>("push", relay.address, bench.folder, PER_SECOND, bench.seconds);
      selfCheck(pushed.arrived === pushed.sent, `${pushed.arrived} of ${pushed.sent} messages arrived`);
      return pushed;
    }));
  const rates = runs.map(({ perSecond }) => Math.round(perSecond));
  const details = { bytes: bench.bytes, per_second: rates, checked: { rows_equal_acks: true } };
  yield medianFigure("push_p50_ms", "ms", runs.map(({ p50 }) => p50), details);
  yield medianFigure("push_p99_ms", "ms", runs.map(({ p99 }) => p99), details);
}

/**
 * Claim: a message reaches a watcher within so many milliseconds of its send, at 1,000 and at 2,500 a second.
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

/** The second rate is about half of what the relay can take at all (`durable_sends_per_s_128`). */
const RATES = [{ perSecond: 1000, name: "push" }, { perSecond: 2500, name: "push_half" }];

/** Send to arrival, both ends in one process so that one clock is read; durable in between. */
export async function* push(bench: Bench): AsyncIterable<Figure> {
  for (const { perSecond, name } of RATES) {
    const runs = await repeated(bench.runs, () =>
      withRelay(async (relay) => {
        const pushed = await load<Pushed>("push", relay.address, bench.folder, perSecond, bench.seconds);
        selfCheck(pushed.arrived === pushed.sent, `${pushed.arrived} of ${pushed.sent} messages arrived`);
        return pushed;
      }));
    const rates = runs.map(({ perSecond }) => Math.round(perSecond));
    const details = { bytes: bench.bytes, per_second: rates, checked: { rows_equal_acks: true } };
    yield medianFigure(`${name}_p50_ms`, "ms", runs.map(({ p50 }) => p50), details);
    yield medianFigure(`${name}_p99_ms`, "ms", runs.map(({ p99 }) => p99), details);
  }
}

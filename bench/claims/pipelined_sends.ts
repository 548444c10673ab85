/**
 * Claim: so many sends a second when many envelopes travel over one call, each acknowledged after the sync.
 * @module
 */
import { type Figure, medianFigure } from "../figure.ts";
import { load, selfCheck } from "../load/spawn.ts";
import { type Bench, repeated, withRelay } from "./claim.ts";

interface Accepted {
  readonly accepted: number;
  readonly perSecond: number;
}

interface Drained {
  readonly rows: number;
  readonly deleted: number;
  readonly perSecond: number;
}

/** Sends the whole pool over 4 connections, then fetches and acknowledges it all: two figures from one relay. */
export async function* pipelinedSends(bench: Bench): AsyncIterable<Figure> {
  const runs = await repeated(bench.runs, () =>
    withRelay(async (relay) => {
      const sent = await load<Accepted>("pipelined", relay.address, bench.folder, bench.senders, bench.pool);
      const drained = await load<Drained>("drain", relay.address, bench.folder);
      const rows = `${drained.rows} rows, ${drained.deleted} deleted, ${sent.accepted} acks`;
      selfCheck(drained.rows === sent.accepted && drained.deleted === sent.accepted, rows);
      return { sent, drained };
    }));
  const checked = { rows_equal_acks: true };
  const details = { bytes: bench.bytes, messages: runs[0].sent.accepted, checked };
  yield medianFigure("pipelined_sends_per_s", "1/s", runs.map(({ sent }) => sent.perSecond), details);
  yield medianFigure("fetch_ack_per_s", "1/s", runs.map(({ drained }) => drained.perSecond), details);
}

/**
 * The relay is told to stop under load: whoever was answered keeps the answer, everybody else learns it at once.
 * @module
 */
import { complaints } from "../checker.ts";
import { integrityOfCopy } from "../integrity.ts";
import { seeded } from "../random.ts";
import type { Finding, Row, Size } from "../row.ts";
import { after, countsOf, Crowd, underLoad, until } from "./crowd.ts";
import { Burst, connectVia, drainMailbox, join, type Outcomes, type Via, wireDevice } from "./wire_peer.ts";
import { Traffic } from "./traffic.ts";

/** SIGTERM again and again, over QUIC and WebSocket. */
export const gracefulStop: Row = {
  name: "graceful-stop",
  property: "SIGTERM under load: every request under way is on disk, refused or unknown, peers see the close, exit 0",
  rounds: { ci: 10, night: 100 },
  run: prove,
};

/** A peer that is not told waits for QUIC's idle timeout instead (9 s and more were seen without the wait in stop). */
const CLOSE_SEEN_MS = 1000;
const VIAS: readonly Via[] = ["quic", "websocket"];

async function prove(size: Size): Promise<Finding> {
  const random = seeded(size.seed);
  await using crowd = await Crowd.start();
  const { relay } = crowd;
  const traffic = await Traffic.through(crowd, { window: 32, perSecond: 100 });
  const { lines } = traffic;
  const box = await wireDevice();
  {
    await using client = await connectVia("quic", relay.address, box);
    await join(client, box);
  }
  const wire = crowd.ledger("wire");
  const broken: string[] = [];
  const total: Outcomes = { accepted: 0, refused: 0, unknown: 0, strange: [] };
  let slowestStop = 0, slowestClose = 0;
  for (let round = 0; round < size.rounds; round++) {
    if (!await underLoad(lines)) broken.push(`round ${round}: a sender got no ack`);
    const peers: { name: string; seen: Promise<number> }[] = [];
    const bursts: Burst[] = [];
    const seenAt = (closed: Promise<unknown>) => closed.then(() => performance.now());
    for (const via of VIAS) {
      const idle = await connectVia(via, relay.address);
      peers.push({ name: `idle over ${via}`, seen: seenAt(idle.closed) });
      const from = await wireDevice();
      const busy = await connectVia(via, relay.address, from);
      await join(busy, from);
      peers.push({ name: `busy over ${via}`, seen: seenAt(busy.closed) });
      const name = `${via}-${round}`;
      bursts.push(new Burst(busy, from, box.signer.publicKey, wire, { name, lanes: 8 }));
    }
    if (!await until(() => bursts.every(({ outcomes }) => outcomes.accepted > 0), 20_000)) {
      broken.push(`round ${round}: a burst got no ack`);
    }
    await after(random() * 300);
    const toldAt = performance.now();
    const exit = await relay.stop();
    const goneAt = performance.now();
    if (exit !== 0) broken.push(`round ${round}: exit ${exit} after SIGTERM: ${relay.lastWords()}`);
    slowestStop = Math.max(slowestStop, goneAt - toldAt);
    for (const { name, seen } of peers) {
      const late = await Promise.race([seen, after(15_000).then(() => Infinity)]) - goneAt;
      slowestClose = Math.max(slowestClose, late);
      if (late > CLOSE_SEEN_MS) {
        broken.push(`round ${round}: ${name} saw the close ${Math.round(late)} ms after the end`);
      }
    }
    await Promise.all(bursts.map(({ ended }) => ended));
    for (const { outcomes } of bursts) {
      total.accepted += outcomes.accepted;
      total.refused += outcomes.refused;
      total.unknown += outcomes.unknown;
      broken.push(...outcomes.strange.map((code) => `round ${round}: a send under way ended with ${code}`));
    }
    broken.push(...integrityOfCopy(`${relay.dataDir}/relay.db`));
    await relay.start();
  }
  broken.push(...await traffic.finish());
  {
    await using client = await connectVia("quic", relay.address, box);
    await drainMailbox(client, "box", wire);
  }
  const verdict = crowd.verdict();
  return {
    counts: {
      stops: size.rounds,
      ...countsOf(verdict),
      answered: total.accepted,
      refused: total.refused,
      unknown: total.unknown,
      slowest_stop_ms: Math.round(slowestStop),
      slowest_close_ms: Math.round(slowestClose),
    },
    complaints: [...broken, ...complaints(verdict)],
  };
}

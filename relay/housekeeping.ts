/**
 * What a relay does by the clock while it serves: ends overdue calls, collects what has expired, renews its certificate.
 * @module
 */
import type { Log } from "./log.ts";
import type { Mailboxes } from "./mailboxes.ts";
import type { Metrics } from "./metrics.ts";
import type { Peer } from "./peer.ts";
import { sweepDeadlines } from "./served_call.ts";
import type { Store } from "./storage/store.ts";

const SWEEP_MS = 500;
const COLLECT_MS = 60_000;
const SESSIONS_MS = 6 * 60 * 60 * 1000;
const RENEW_CHECK_MS = 60 * 60 * 1000;

/** What is looked after. */
export interface House {
  readonly peers: ReadonlySet<Peer>;
  readonly store: Store;
  readonly mailboxes: Mailboxes;
  readonly metrics: Metrics;
  readonly log: Log;
  /** For deadlines of calls: milliseconds that never leap. */
  readonly monotonic: () => number;
  /** By which messages expire, milliseconds since 1970. */
  readonly expiryNow: () => number;
  readonly renewCertificate: () => Promise<void>;
  readonly renewSessions: () => Promise<void>;
}

/** Keeps house until it is disposed of; a task that fails is logged and tried again at its next turn. */
export function keepHouse(house: House): Disposable {
  const { peers, store, mailboxes, metrics, log, monotonic, expiryNow, renewCertificate, renewSessions } = house;
  const timers = [
    every(SWEEP_MS, () => sweepDeadlines(peers, monotonic())),
    every(COLLECT_MS, async () => {
      const { expired } = await store.collect(expiryNow());
      metrics.expired(expired);
      if (expired > 0) mailboxes.roomChanged();
    }),
    every(RENEW_CHECK_MS, renewCertificate),
    every(SESSIONS_MS, renewSessions),
  ];
  return { [Symbol.dispose]: () => timers.forEach(clearInterval) };

  function every(ms: number, task: () => Promise<void> | void): ReturnType<typeof setInterval> {
    return setInterval(() => {
      Promise.resolve().then(task).catch((thrown) => log.error("housekeeping failed", { error: String(thrown) }));
    }, ms);
  }
}

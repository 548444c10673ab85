/**
 * How much one identity or one address may ask of the relay. GCRA over a handed-in clock, in bounded memory.
 * @module
 */

import type { RelayLimits } from "./config.ts";
import { isLoopback } from "./config/addresses.ts";
import { createGcra } from "./limits/gcra.ts";
import { limitKey } from "./limits/limit_key.ts";

/** The relay's rate and connection limits. */
export interface Limits {
  /** Takes `count` sends of a device: 0 = go, else milliseconds until it is worth asking again. */
  takeSend(device: Uint8Array, count?: number): number;
  /** Sends that a device may make in a minute in the long run; 0 = as many as it likes. */
  readonly sendsPerMinute: number;
  /** Counts a connection in; false (and not counted) when the address has too many. Loopback always gets in. */
  admitConnection(ip: string): boolean;
  /** Counts out a connection that was admitted. */
  releaseConnection(ip: string): void;
  /** False when the address made too many accounts; a day's worth at once, then one each day/limit. */
  takeNewAccount(ip: string): boolean;
  /** Takes one call about invites of a device: 0 = go, else milliseconds to wait. */
  takeInvite(device: Uint8Array): number;
  /** New numbers take effect at once; what was used stays used. */
  update(limits: RelayLimits): void;
}

/** Calls about invites: a person makes a few, a program that tries its luck many. */
const INVITE_RATE = { perPeriod: 120, periodMs: 3600_000, burst: 60 } as const;

/** `now` is in milliseconds and may jump: time that runs backwards is ignored. */
export function createLimits(options: { limits: RelayLimits; now: () => number }): Limits {
  const day = 86_400_000;
  const clock = neverBackwards(options.now);
  const sends = createGcra({ now: clock, ...sendRate(options.limits) });
  const accounts = createGcra({ now: clock, ...accountRate(options.limits) });
  const invites = createGcra({ now: clock, ...INVITE_RATE });
  const connections = new Map<string, number>(); // bounded by the connections that are up
  let limits = options.limits;

  return {
    takeSend: (device, count = 1) => sends.take(device.toHex(), count),
    get sendsPerMinute() {
      return limits.sendPerMinute;
    },
    admitConnection(ip) {
      const key = limitKey(ip);
      const open = connections.get(key) ?? 0;
      const most = limits.connectionsPerIp;
      if (most > 0 && open >= most && !isLoopback(ip)) return false;
      connections.set(key, open + 1);
      return true;
    },
    releaseConnection(ip) {
      const key = limitKey(ip);
      const open = connections.get(key) ?? 0;
      if (open > 1) connections.set(key, open - 1);
      else connections.delete(key);
    },
    takeInvite: (device) => invites.take(device.toHex(), 1),
    takeNewAccount: (ip) => accounts.take(limitKey(ip), 1) === 0,
    update(next) {
      limits = next;
      sends.update(sendRate(next));
      accounts.update(accountRate(next));
    },
  };

  function sendRate(from: RelayLimits) {
    return { perPeriod: from.sendPerMinute, periodMs: 60_000, burst: from.sendBurst };
  }

  function accountRate(from: RelayLimits) {
    return { perPeriod: from.newAccountsPerIpPerDay, periodMs: day, burst: from.newAccountsPerIpPerDay };
  }
}

// The operator or NTP may turn the clock. Backwards must lock nobody out until the old time comes again.
function neverBackwards(now: () => number): () => number {
  let last = now();
  let elapsed = 0;
  return () => {
    const current = now();
    if (current > last) elapsed += current - last;
    last = current;
    return elapsed;
  };
}

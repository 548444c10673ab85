/**
 * What the relay remembers of one connection for a while: who has just signed in, which registration is under way.
 * @module
 */
import type { Peer } from "./peer.ts";

/** One value for each connection; it goes with the connection, or when its time is over. */
export interface PeerMemory<T> {
  set(peer: Peer, value: T): void;
  /** Null when there is none, or it is too old. */
  get(peer: Peer): T | null;
  /** Like `get`, and forgets it. */
  take(peer: Peer): T | null;
}

/** Values live `ms` milliseconds by `now`, which never leaps. */
export function createPeerMemory<T>(ms: number, now: () => number): PeerMemory<T> {
  const kept = new WeakMap<Peer, { value: T; untilMs: number }>();
  const get = (peer: Peer) => {
    const found = kept.get(peer);
    return found && now() < found.untilMs ? found.value : null;
  };
  return {
    set: (peer, value) => void kept.set(peer, { value, untilMs: now() + ms }),
    get,
    take(peer) {
      const value = get(peer);
      kept.delete(peer);
      return value;
    },
  };
}

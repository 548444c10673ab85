/**
 * What the relay remembers between the two steps of a login or a registration: for one connection, once, for a minute.
 * The OPAQUE library would finish one state as often as it is asked.
 * @module
 */
import { QightError } from "../proto/errors.ts";
import type { Peer } from "./peer.ts";

/** How long a state may be used, in milliseconds. */
export const LOGIN_STATE_MS = 60_000;
/** States of one connection; the oldest goes. A client has one. */
const MAX_OF_PEER = 4;
/** States in all, of about 1 KiB. */
const MAX_IN_ALL = 16_384;

/** States of connections by random ids. */
export interface LoginStates<T> {
  /** Remembers a state and answers its id, 16 bytes; throws `busy` when there are too many in all. */
  put(peer: Peer, state: T): Uint8Array;
  /** The state, which is gone then; null unless this connection put it, less than a minute ago, and nobody took it. */
  take(peer: Peer, id: Uint8Array): T | null;
  /** States remembered now. */
  readonly size: number;
}

interface Kept<T> {
  readonly peer: Peer;
  readonly state: T;
  readonly untilMs: number;
}

/** `now` is in milliseconds and never leaps. */
export function createLoginStates<T>(now: () => number): LoginStates<T> {
  // All live equally long, so the order of the map is the order in which they end.
  const kept = new Map<string, Kept<T>>();
  const ofPeer = new WeakMap<Peer, string[]>();

  return {
    put(peer, state) {
      forget();
      const own = (ofPeer.get(peer) ?? []).filter((key) => kept.has(key));
      if (own.length >= MAX_OF_PEER) kept.delete(own.shift()!);
      if (kept.size >= MAX_IN_ALL) {
        throw new QightError("busy", "Too many people sign in at once", { retryAfterMs: 5_000 });
      }
      const id = crypto.getRandomValues(new Uint8Array(16));
      kept.set(id.toHex(), { peer, state, untilMs: now() + LOGIN_STATE_MS });
      ofPeer.set(peer, [...own, id.toHex()]);
      return id;
    },
    take(peer, id) {
      forget();
      const key = id.toHex();
      const found = kept.get(key);
      // From another connection it stays: who saw the id must not end somebody's login with it.
      if (!found || found.peer !== peer) return null;
      kept.delete(key);
      return found.state;
    },
    get size() {
      forget();
      return kept.size;
    },
  };

  function forget(): void {
    const time = now();
    for (const [key, { untilMs }] of kept) {
      if (untilMs > time) return;
      kept.delete(key);
    }
  }
}

/**
 * Who reads which mailbox right now: leases, watchers that wait for mail, senders that wait for room.
 * All of it lives in memory and ends with its connection (docs/protocol.md, Delivery: lease).
 * @module
 */
import { equal } from "../crypto/equal.ts";
import { QightError } from "../proto/errors.ts";
import type { StoredMessage } from "./storage/store.ts";
import type { Peer } from "./peer.ts";

/** The right to read and acknowledge one mailbox; a newer holder ends the older one. */
export interface Lease {
  readonly id: Uint8Array;
  readonly peer: Peer;
  /** Aborts with `lease_lost` when a newer holder takes over. */
  readonly signal: AbortSignal;
}

/** Hears of new mail in one mailbox. */
export interface Watcher {
  /** Called right after the commit, in order of sequence. */
  stored(message: StoredMessage): void;
}

interface HeldLease extends Lease {
  readonly abort: AbortController;
}

/** Leases, watchers and room waiters of all mailboxes; keys are device keys as hex. */
export class Mailboxes {
  #leases = new Map<string, HeldLease>();
  #watchers = new Map<string, Set<Watcher>>();
  #roomWaiters = new Map<string, Set<() => void>>();

  /** Takes the lease of a mailbox; whoever had it is told `lease_lost`. */
  takeLease(mailbox: string, peer: Peer): Lease {
    const older = this.#leases.get(mailbox);
    const abort = new AbortController();
    const lease: HeldLease = { id: crypto.getRandomValues(new Uint8Array(16)), peer, signal: abort.signal, abort };
    this.#leases.set(mailbox, lease);
    const where = older?.peer === peer ? "the same connection" : "another connection";
    older?.abort.abort(new QightError("lease_lost", `A newer reader on ${where} took over this mailbox`));
    return lease;
  }

  /** Throws `lease_lost` unless this id is the mailbox's current lease, held by this peer. */
  checkLease(mailbox: string, id: Uint8Array, peer: Peer): void {
    const held = this.#leases.get(mailbox);
    if (!held || held.peer !== peer || !equal(held.id, id)) {
      throw new QightError("lease_lost", "This lease of the mailbox is over: another reader took it, or it never was");
    }
  }

  /** Ends everything that a peer holds; called when its connection is over. */
  release(peer: Peer): void {
    const mailbox = peer.session?.mailbox;
    if (!mailbox) return;
    if (this.#leases.get(mailbox)?.peer === peer) this.#leases.delete(mailbox);
  }

  /** Listens for new mail until the returned function is called. */
  watch(mailbox: string, watcher: Watcher): () => void {
    return addTo(this.#watchers, mailbox, watcher);
  }

  /** Tells the watchers of a mailbox what was just committed. */
  announce(mailbox: string, message: () => StoredMessage): void {
    const watchers = this.#watchers.get(mailbox);
    if (!watchers) return;
    const stored = message();
    for (const watcher of watchers) watcher.stored(stored);
  }

  /** Calls `wake` whenever messages leave this mailbox, until the returned function is called. */
  awaitRoom(mailbox: string, wake: () => void): () => void {
    return addTo(this.#roomWaiters, mailbox, wake);
  }

  /** Messages left this mailbox (all mailboxes without a name): whoever waits for room looks again. */
  roomChanged(mailbox?: string): void {
    const sets = mailbox === undefined ? this.#roomWaiters.values() : [this.#roomWaiters.get(mailbox) ?? []];
    for (const waiters of sets) for (const wake of waiters) wake();
  }

  /** Readers and watchers right now, for status. */
  get counts(): { leases: number; watchers: number } {
    let watchers = 0;
    for (const set of this.#watchers.values()) watchers += set.size;
    return { leases: this.#leases.size, watchers };
  }
}

/** A device key as a map key. */
export function mailboxKey(device: Uint8Array): string {
  return device.toHex();
}

function addTo<T>(map: Map<string, Set<T>>, key: string, value: T): () => void {
  let set = map.get(key);
  if (!set) map.set(key, set = new Set());
  set.add(value);
  return () => {
    set.delete(value);
    if (set.size === 0 && map.get(key) === set) map.delete(key);
  };
}

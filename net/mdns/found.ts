/**
 * Collects what packets said about relays: one entry for each root key, bounded whatever is sent.
 * @module
 */
import type { DnsPacket } from "./packet.ts";
import { goodbyesIn, MAX_ADDRESSES, type Sighting, sightingsIn } from "./service.ts";

/** A relay on this network. The root key fills the address and is a claim: only a connection proves it. */
export interface FoundRelay {
  readonly name: string;
  readonly root: string | null;
  /** At least one, best first. */
  readonly addresses: readonly string[];
  readonly server: string | null;
  readonly domain: string | null;
}

/** Most relays that are kept. */
export const MAX_FOUND = 256;
/** Most relays that one sender may name. */
export const MAX_PER_SENDER = 16;

interface Entry {
  readonly sighting: Sighting;
  readonly sender: string;
  /** Addresses as the machine that has them gave them, and as others did. */
  readonly own: Set<string>;
  readonly hearsay: Set<string>;
}

/** What was heard so far. */
export class FoundRelays {
  readonly #relays = new Map<string, Entry>();
  readonly #bySender = new Map<string, number>();
  #overflowed = false;

  /** Takes a packet; `from` is the sender's address. */
  add(packet: DnsPacket, from: string): void {
    for (const name of goodbyesIn(packet)) this.#remove(name, from);
    for (const sighting of sightingsIn(packet, from)) this.#keep(sighting, from);
  }

  /** Whether something was left out because a limit was reached. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** How many relays there are. */
  get size(): number {
    return this.#relays.size;
  }

  /** All relays, by name and then by root. */
  list(): FoundRelay[] {
    return [...this.#relays.values()]
      .map(({ sighting: { name, root, server, domain }, own, hearsay }) => ({
        name,
        root,
        addresses: [...own.union(hearsay)].slice(0, MAX_ADDRESSES),
        server,
        domain,
      }))
      .sort((a, b) => compare(a.name, b.name) || compare(a.root ?? "", b.root ?? ""));
  }

  #keep(sighting: Sighting, sender: string): void {
    const key = sighting.root ?? sighting.addresses[0];
    const known = this.#relays.get(key);
    if (known) return addTo(known, sighting);
    const named = this.#bySender.get(sender) ?? 0;
    if (this.#relays.size >= MAX_FOUND || named >= MAX_PER_SENDER) {
      this.#overflowed = true;
      return;
    }
    this.#bySender.set(sender, named + 1);
    const entry = { sighting, sender, own: new Set<string>(), hearsay: new Set<string>() };
    addTo(entry, sighting);
    this.#relays.set(key, entry);
  }

  /** Only who named a relay can take it back. */
  #remove(name: string, sender: string): void {
    for (const [key, entry] of this.#relays) {
      if (entry.sighting.name !== name || entry.sender !== sender) continue;
      this.#relays.delete(key);
      this.#bySender.set(sender, this.#bySender.get(sender)! - 1);
    }
  }
}

function addTo(entry: Entry, { addresses, ownWord }: Sighting): void {
  const list = ownWord ? entry.own : entry.hearsay;
  for (const address of addresses) if (list.size < MAX_ADDRESSES) list.add(address);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Which multicast packets are worth reading, and the few record types that a relay's announcement is made of.
 * Everything on this port may come from anybody on the network.
 * @module
 */

/** One DNS record as the packet library gives and takes it. */
export interface DnsRecord {
  readonly name: string;
  readonly type: string;
  /** Seconds; 0 takes the record back. */
  readonly ttl?: number;
  /** The cache-flush bit: the sender is the only owner of this name (RFC 6762 §10.2). */
  readonly flush?: boolean;
  readonly data?: unknown;
}

/** One question of a query. */
export interface DnsQuestion {
  readonly name: string;
  readonly type: string;
}

/** A decoded packet. */
export interface DnsPacket {
  readonly type: "query" | "response";
  readonly questions?: readonly DnsQuestion[];
  readonly answers?: readonly DnsRecord[];
  readonly authorities?: readonly DnsRecord[];
  readonly additionals?: readonly DnsRecord[];
}

/** Longest packet that is looked at, bytes. What concerns a relay fits into one Ethernet frame several times. */
const MAX_PACKET = 1500;
/** Most questions and records of one packet together. */
const MAX_RECORDS = 128;

/**
 * Whether a packet may be decoded. Asked before anything is allocated for it: a header can promise 4 × 65535 records, and
 * names can be compressed into one another. Packets of other services on the network end here as well.
 */
export function worthReading(bytes: Uint8Array): boolean {
  if (bytes.length < 12 || bytes.length > MAX_PACKET) return false;
  // RFC 6762 §18.3 and §18.11: another opcode or an error code is silently ignored.
  if ((bytes[2] & 0x78) !== 0 || (bytes[3] & 0x0f) !== 0) return false;
  let records = 0;
  for (let at = 4; at < 12; at += 2) records += bytes[at] << 8 | bytes[at + 1];
  if (records === 0 || records > MAX_RECORDS) return false;
  return /qight|_dns-sd/i.test(latin1.decode(bytes));
}

/** Most different packets that are decoded in a second; a network with relays on it has a handful. */
export const READ_PER_SECOND = 400;
/** Most of them from one sender, so that one machine's flood does not drown what the others say. */
export const READ_PER_SENDER = 100;
/** Every socket of the machine hears what came for one of them: the same packet within this time is read once. */
const SAME_MS = 100;
const REMEMBERED = 64;

/** Lets through what is worth reading, once, and so much of it that a flood costs a bounded share of the processor. */
export class PacketGate {
  readonly #now: () => number;
  readonly #seen = new Map<string, number>();
  readonly #bySender = new Map<string, number>();
  #windowMs = -Infinity;
  #taken = 0;

  /** `now` in milliseconds; it must not leap. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether this packet is to be decoded. */
  admits(bytes: Uint8Array, from: string): boolean {
    if (!worthReading(bytes)) return false;
    const now = this.#now();
    if (now - this.#windowMs >= 1000) {
      this.#windowMs = now;
      this.#taken = 0;
      this.#bySender.clear();
    }
    const fromSender = this.#bySender.get(from) ?? 0;
    if (this.#taken >= READ_PER_SECOND || fromSender >= READ_PER_SENDER) return false;
    const key = `${from} ${latin1.decode(bytes)}`;
    const before = this.#seen.get(key);
    this.#seen.delete(key);
    this.#seen.set(key, now);
    if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.keys().next().value!);
    if (before !== undefined && now - before < SAME_MS) return false;
    this.#taken++;
    this.#bySender.set(from, fromSender + 1);
    return true;
  }
}

/** Names of DNS are equal whatever the case of their letters; a dot at the end says nothing. */
export function sameName(a: string, b: string): boolean {
  return plainName(a) === plainName(b);
}

/** A name in the one form that can be compared. */
export function plainName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

const latin1 = new TextDecoder("latin1");

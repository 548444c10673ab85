/**
 * The store that forgets everything at exit, for trials and short-lived relays. It says so: `durable` is false.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import { MemoryInvites } from "./memory_invites.ts";
import { mergeRanges, PageBuilder } from "./page_builder.ts";
import type {
  BundlePut,
  Collected,
  Enqueued,
  InviteBounds,
  InviteClaim,
  InvitePut,
  NewInvite,
  NewMessage,
  Page,
  Range,
  Store,
  StoredBundle,
  StoredMessage,
  StoredSealingKey,
  StoredToken,
  StoreLimits,
  StoreStats,
  Tombstone,
} from "./store.ts";

interface Mailbox {
  listed: boolean;
  nextSeq: number;
  bytes: number;
  readonly messages: Map<number, StoredMessage>; // in order of sequence
  readonly dedup: Map<string, Remembered>;
  expired: Range[];
}

interface Remembered {
  readonly bodyHash: string;
  readonly seq: number;
  readonly expiresAtMs: number;
  readonly untilMs: number;
  readonly receivedAtMs: number;
}

/** Opens an empty store in memory. */
export function openMemoryStore({ limits }: { readonly limits: StoreLimits }): Store {
  return new MemoryStore(limits);
}

class MemoryStore implements Store {
  readonly durable = false;
  readonly failed = new Promise<never>(() => {});
  readonly limits: StoreLimits;
  readonly #mailboxes = new Map<string, Mailbox>();
  readonly #bundles = new Map<string, StoredBundle>();
  readonly #owners = new Map<string, string>();
  readonly #sealingKeys = new Map<string, StoredSealingKey>();
  readonly #invites = new MemoryInvites();
  readonly #tokens = new Map<string, StoredToken>();
  readonly #allowed = new Map<string, { account: Uint8Array; note: string }>();
  #messages = 0;
  #bytes = 0;
  #commits = 0;
  #commitOpen = false;

  constructor(limits: StoreLimits) {
    this.limits = limits;
  }

  async enqueue(message: NewMessage): Promise<Enqueued> {
    this.#changed();
    const mailbox = this.#mailboxes.get(hex(message.recipient));
    if (mailbox === undefined || !mailbox.listed) return { kind: "no_such_recipient" };
    const key = hex(message.id) + hex(message.sender);
    const known = mailbox.dedup.get(key);
    if (known !== undefined) {
      if (known.bodyHash !== hex(message.bodyHash)) return { kind: "id_conflict" };
      const { seq, expiresAtMs, receivedAtMs } = known;
      return { kind: "duplicate", seq, expiresAtMs, receivedAtMs };
    }
    const { length } = message.envelope;
    const { size: messages } = mailbox.messages;
    if (messages >= this.limits.maxQueue || mailbox.bytes + length > this.limits.maxQueueBytes) {
      return { kind: "queue_full", messages, bytes: mailbox.bytes };
    }
    if (this.#bytes + length > this.limits.maxTotal) return { kind: "storage_full" };
    const seq = mailbox.nextSeq++;
    const { receivedAtMs, expiresAtMs, tombstoneUntilMs: untilMs } = message;
    mailbox.dedup.set(key, { bodyHash: hex(message.bodyHash), seq, expiresAtMs, untilMs, receivedAtMs });
    mailbox.messages.set(seq, { seq, receivedAtMs, expiresAtMs, envelope: message.envelope.slice() });
    this.#count(mailbox, 1, length);
    return { kind: "stored", seq, expiresAtMs };
  }

  async fetch(device: Uint8Array, after: number, messages: number, bytes: number, nowMs: number): Promise<Page> {
    const mailbox = this.#mailboxes.get(hex(device));
    if (mailbox === undefined) return { messages: [], expired: [], lastSeq: 0 };
    const page = new PageBuilder(after, messages, bytes, nowMs);
    for (const message of mailbox.messages.values()) {
      if (message.seq > after && !page.add(message)) break;
    }
    return page.finish(mailbox.expired.filter(({ last }) => last > after), mailbox.nextSeq - 1);
  }

  async acknowledge(device: Uint8Array, ranges: readonly Range[]): Promise<number> {
    this.#changed();
    const mailbox = this.#mailboxes.get(hex(device));
    if (mailbox === undefined) return 0;
    let removed = 0, highest = 0;
    for (const { first, last } of ranges) {
      const to = Math.min(last, mailbox.nextSeq - 1);
      if (Math.max(1, first) <= to) highest = Math.max(highest, to);
      for (const seq of [...mailbox.messages.keys()].filter((seq) => seq >= first && seq <= to)) {
        this.#remove(mailbox, seq);
        removed++;
      }
    }
    mailbox.expired = mailbox.expired.filter(({ last }) => last > highest);
    return removed;
  }

  async room(device: Uint8Array): Promise<{ messages: number; bytes: number } | null> {
    const mailbox = this.#mailboxes.get(hex(device));
    return mailbox?.listed ? { messages: mailbox.messages.size, bytes: mailbox.bytes } : null;
  }

  async tombstone(device: Uint8Array, sender: Uint8Array, id: Uint8Array): Promise<Tombstone | null> {
    const known = this.#mailboxes.get(hex(device))?.dedup.get(hex(id) + hex(sender));
    if (known === undefined) return null;
    return { seq: known.seq, bodyHash: Uint8Array.fromHex(known.bodyHash), receivedAtMs: known.receivedAtMs };
  }

  async collect(nowMs: number): Promise<Collected> {
    this.#changed();
    let expired = 0, tombstones = 0;
    for (const mailbox of this.#mailboxes.values()) {
      const over = [...mailbox.messages.values()].filter(({ expiresAtMs }) => expiresAtMs <= nowMs);
      for (const { seq } of over) this.#remove(mailbox, seq);
      expired += over.length;
      const ranges = over.map(({ seq }) => ({ first: seq, last: seq }));
      if (ranges.length > 0) mailbox.expired = mergeRanges([...mailbox.expired, ...ranges]);
      for (const [key, { untilMs }] of mailbox.dedup) {
        if (untilMs <= nowMs && mailbox.dedup.delete(key)) tombstones++;
      }
    }
    this.#invites.collect(nowMs);
    return { expired, tombstones };
  }

  async putBundle(next: StoredBundle, expectedVersion: number): Promise<BundlePut> {
    this.#changed();
    const account = hex(next.account);
    const stored = this.#bundles.get(account);
    if ((stored?.version ?? 0) !== expectedVersion) return "version_conflict";
    const devices = next.devices.map(hex);
    if (devices.some((device) => (this.#owners.get(device) ?? account) !== account)) return "device_taken";
    for (const device of stored?.devices.map(hex) ?? []) {
      this.#owners.delete(device);
      this.#mailboxOf(device).listed = false;
    }
    for (const device of devices) {
      this.#owners.set(device, account);
      this.#mailboxOf(device).listed = true;
    }
    const createdFromIp = stored?.createdFromIp ?? next.createdFromIp;
    this.#bundles.set(account, { ...next, ...(createdFromIp === undefined ? {} : { createdFromIp }) });
    return "stored";
  }

  async bundleOfAccount(account: Uint8Array): Promise<StoredBundle | null> {
    return this.#bundles.get(hex(account)) ?? null;
  }

  async bundleOfDevice(device: Uint8Array): Promise<StoredBundle | null> {
    return this.#bundles.get(this.#owners.get(hex(device)) ?? "") ?? null;
  }

  async putSealingKey(key: StoredSealingKey): Promise<boolean> {
    this.#changed();
    const stored = this.#sealingKeys.get(hex(key.device));
    if (stored !== undefined && stored.createdAtMs >= key.createdAtMs) {
      return stored.createdAtMs === key.createdAtMs && hex(stored.sealingKey) === hex(key.sealingKey);
    }
    this.#sealingKeys.set(hex(key.device), key);
    return true;
  }

  async sealingKeys(devices: readonly Uint8Array[]): Promise<StoredSealingKey[]> {
    return devices.flatMap((device) => this.#sealingKeys.get(hex(device)) ?? []);
  }

  async putInvite(invite: NewInvite, bounds: InviteBounds): Promise<InvitePut> {
    this.#changed();
    return this.#invites.put(invite, bounds);
  }

  async claimInvite(
    locator: Uint8Array,
    device: Uint8Array,
    times: { nowMs: number; keepUntilMs: number },
  ): Promise<InviteClaim> {
    this.#changed();
    return this.#invites.claim(locator, device, times);
  }

  async confirmInvite(locator: Uint8Array, device: Uint8Array): Promise<boolean> {
    this.#changed();
    return this.#invites.confirm(locator, device);
  }

  async revokeInvite(locator: Uint8Array, creator: Uint8Array): Promise<boolean> {
    this.#changed();
    return this.#invites.revoke(locator, creator);
  }

  async putToken(token: StoredToken): Promise<void> {
    this.#changed();
    this.#tokens.set(token.id, token);
  }

  async tokens(): Promise<StoredToken[]> {
    return [...this.#tokens.values()].sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  }

  async deleteToken(idOrName: string): Promise<boolean> {
    this.#changed();
    const named = [...this.#tokens.values()].filter(({ id, name }) => id === idOrName || name === idOrName);
    for (const { id } of named) this.#tokens.delete(id);
    return named.length > 0;
  }

  async allowAccount(account: Uint8Array, note: string): Promise<void> {
    this.#changed();
    this.#allowed.set(hex(account), { account, note });
  }

  async allowedAccounts(): Promise<{ account: Uint8Array; note: string }[]> {
    return [...this.#allowed.entries()].sort(([a], [b]) => a < b ? -1 : 1).map(([, entry]) => entry);
  }

  async disallowAccount(account: Uint8Array): Promise<boolean> {
    this.#changed();
    return this.#allowed.delete(hex(account));
  }

  async stats(): Promise<StoreStats> {
    const mailboxes = [...this.#mailboxes.values()].filter(({ listed }) => listed).length;
    const accounts = this.#bundles.size;
    return { messages: this.#messages, bytes: this.#bytes, mailboxes, accounts, commits: this.#commits, fileBytes: 0 };
  }

  async backup(_path: string): Promise<void> {
    throw new QightError("config", "A relay that keeps everything in memory has nothing to back up", {
      hint: 'Set storage.backend = "sqlite" for a relay whose messages survive.',
    });
  }

  async check(): Promise<string[]> {
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#mailboxes.clear();
  }

  #mailboxOf(device: string): Mailbox {
    const known = this.#mailboxes.get(device);
    if (known !== undefined) return known;
    const made = { listed: true, nextSeq: 1, bytes: 0, messages: new Map(), dedup: new Map(), expired: [] };
    this.#mailboxes.set(device, made);
    return made;
  }

  #remove(mailbox: Mailbox, seq: number): void {
    const length = mailbox.messages.get(seq)?.envelope.length ?? 0;
    if (mailbox.messages.delete(seq)) this.#count(mailbox, -1, -length);
  }

  #count(mailbox: Mailbox, messages: number, bytes: number): void {
    mailbox.bytes += bytes;
    this.#messages += messages;
    this.#bytes += bytes;
  }

  /** Changes of one turn of the event loop count as one commit, as they share one in SQLite. */
  #changed(): void {
    if (this.#commitOpen) return;
    this.#commitOpen = true;
    this.#commits++;
    queueMicrotask(() => this.#commitOpen = false);
  }
}

function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/**
 * The store that forgets everything at exit, for trials and short-lived relays. It says so: `durable` is false.
 * @module
 */
import { hex } from "../../crypto/hex.ts";
import { QightError } from "../../proto/errors.ts";
import { MemoryAccounts } from "./memory_accounts.ts";
import { MemoryBlobs } from "./memory_blobs.ts";
import { MemoryGroups } from "./memory_groups.ts";
import { MemoryInvites } from "./memory_invites.ts";
import { MemoryKeyPackages } from "./memory_key_packages.ts";
import { MemoryLists } from "./memory_lists.ts";
import { MemoryMailboxes } from "./memory_mailboxes.ts";
import { MemoryRecoveries } from "./memory_recoveries.ts";
import { MemorySessions } from "./memory_sessions.ts";
import type {
  AccountStore,
  BlobStore,
  BundleChange,
  BundlePut,
  Collected,
  Enqueued,
  GroupStore,
  InviteBounds,
  InviteClaim,
  InvitePut,
  KeyPackageStore,
  NewInvite,
  NewMessage,
  Page,
  Range,
  Store,
  StoredBundle,
  StoredSealingKey,
  StoredToken,
  StoreLimits,
  StoreStats,
  Tombstone,
} from "./store.ts";

/** Opens an empty store in memory. */
export function openMemoryStore({ limits }: { readonly limits: StoreLimits }): Store {
  return new MemoryStore(limits);
}

class MemoryStore implements Store {
  readonly durable = false;
  readonly failed = new Promise<never>(() => {});
  readonly limits: StoreLimits;
  readonly groups: GroupStore;
  readonly keyPackages: KeyPackageStore;
  readonly blobs: BlobStore;
  readonly accounts: AccountStore;
  readonly #mailboxes: MemoryMailboxes;
  readonly #groups: MemoryGroups;
  readonly #keyPackages: MemoryKeyPackages;
  readonly #blobs: MemoryBlobs;
  readonly #lists: MemoryLists;
  readonly #sessions = new MemorySessions();
  readonly #accounts: MemoryAccounts;
  readonly #sealingKeys = new Map<string, StoredSealingKey>();
  readonly #invites = new MemoryInvites();
  readonly #tokens = new Map<string, StoredToken>();
  readonly #allowed = new Map<string, { account: Uint8Array; note: string }>();
  #commits = 0;
  #commitOpen = false;

  constructor(limits: StoreLimits) {
    this.limits = limits;
    const changed = () => this.#changed();
    this.#mailboxes = new MemoryMailboxes(limits);
    this.groups = this.#groups = new MemoryGroups(this.#mailboxes, changed);
    this.blobs = this.#blobs = new MemoryBlobs(this.#mailboxes, changed);
    const bundleOf = (account: Uint8Array) => this.#lists.get(account);
    this.keyPackages = this.#keyPackages = new MemoryKeyPackages(bundleOf, this.#mailboxes, changed);
    const sessions = this.#sessions;
    const recoveries = new MemoryRecoveries();
    const lists = this.#lists = new MemoryLists(this.#mailboxes, this.#groups, {
      dropOfDevice: (device) => {
        sessions.drop(device);
        this.#sealingKeys.delete(hex(device));
        this.#keyPackages.drop(device);
      },
      dropCodesOf: (device, account) => recoveries.dropMadeBy(device, account),
      dropOfAccount: (account) => this.#blobs.forgetAll(account),
    });
    const parts = { lists, sessions, recoveries, invites: this.#invites, mailboxes: this.#mailboxes, changed };
    this.accounts = this.#accounts = new MemoryAccounts(parts);
  }

  async enqueue(message: NewMessage): Promise<Enqueued> {
    this.#changed();
    return this.#mailboxes.enqueue(message.recipient, message);
  }

  async fetch(device: Uint8Array, after: number, messages: number, bytes: number, nowMs: number): Promise<Page> {
    return this.#mailboxes.fetch(device, after, messages, bytes, nowMs);
  }

  async acknowledge(device: Uint8Array, ranges: readonly Range[]): Promise<number> {
    this.#changed();
    return this.#mailboxes.acknowledge(device, ranges);
  }

  async room(device: Uint8Array): Promise<{ messages: number; bytes: number } | null> {
    return this.#mailboxes.room(device);
  }

  async tombstone(device: Uint8Array, sender: Uint8Array, id: Uint8Array): Promise<Tombstone | null> {
    return this.#mailboxes.tombstone(device, sender, id);
  }

  async collect(nowMs: number): Promise<Collected> {
    this.#changed();
    const collected = this.#mailboxes.collect(nowMs);
    this.#invites.collect(nowMs);
    this.#keyPackages.collect(nowMs);
    this.#groups.collect(nowMs);
    this.#blobs.collect(nowMs);
    this.#accounts.collect(nowMs);
    return collected;
  }

  async putBundle(next: StoredBundle, expectedVersion: number, change: BundleChange | null = null): Promise<BundlePut> {
    this.#changed();
    const put = this.#lists.put(next, expectedVersion, change);
    if (put.kind === "stored" && change?.session) this.#sessions.put(change.session);
    return put;
  }

  async bundleOfAccount(account: Uint8Array): Promise<StoredBundle | null> {
    return this.#lists.get(account);
  }

  async bundleOfDevice(device: Uint8Array): Promise<StoredBundle | null> {
    const account = this.#mailboxes.accountOf(device);
    return account && this.#lists.get(account);
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
    const { messages, bytes, listed: mailboxes } = this.#mailboxes;
    const accounts = this.#lists.size, groups = this.#groups.size;
    return { messages, bytes, mailboxes, accounts, groups, commits: this.#commits, fileBytes: 0 };
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

  /** Changes of one turn of the event loop count as one commit, as they share one in SQLite. */
  #changed(): void {
    if (this.#commitOpen) return;
    this.#commitOpen = true;
    this.#commits++;
    queueMicrotask(() => this.#commitOpen = false);
  }
}

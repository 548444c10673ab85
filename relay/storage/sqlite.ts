/**
 * The embedded store: SQLite in worker threads, many sends in one synced commit.
 * @module
 */
import { QightError } from "../../proto/errors.ts";
import { CommitQueue } from "./commit_queue.ts";
import { SqliteAccountStore } from "./sqlite_account_store.ts";
import { SqliteBlobStore } from "./sqlite_blob_store.ts";
import { classify } from "./sqlite_failure.ts";
import { type Read, SqliteGroupStore, SqliteKeyPackageStore } from "./sqlite_group_store.ts";
import type { Totals } from "./sqlite_mailboxes.ts";
import type { CollectStep } from "./sqlite_messages.ts";
import { SqliteThread } from "./sqlite_thread.ts";
import { type PackedPage, unpackPage } from "./sqlite_wire.ts";
import type { Applied } from "./sqlite_writer.ts";
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

/** How to open a database. */
export interface SqliteStoreOptions {
  /** The database file; made when absent. `-wal`, `-shm` and `-reserve` lie beside it. */
  readonly path: string;
  readonly limits: StoreLimits;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Size of the ballast that acknowledgements live on while the disk is full; default 16 MiB, twice a batch. */
  readonly minFreeBytes?: number;
}

/** Opens, migrates and checks a database. Throws `config` (newer schema), `store_damaged`, `io`. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  const { path, limits, now = Date.now, minFreeBytes = 16 * 1024 * 1024 } = options;
  const writer = await SqliteThread.open({ role: "write", path, minFreeBytes, nowMs: now() });
  try {
    return new SqliteStore(path, limits, now, writer, await writer.call<Totals>("totals", []));
  } catch (thrown) {
    await writer.close();
    throw thrown;
  }
}

/** The store over two threads: one writes, one reads. */
export class SqliteStore implements Store {
  readonly durable = true;
  readonly failed: Promise<never>;
  readonly limits: StoreLimits;
  readonly groups: GroupStore;
  readonly keyPackages: KeyPackageStore;
  readonly blobs: BlobStore;
  readonly accounts: AccountStore;
  readonly #path: string;
  readonly #now: () => number;
  readonly #writer: SqliteThread;
  // Reads have a thread of their own. Measured with 128 sends in flight: a commit takes 2-4 ms, 15-20 ms at p99 with a
  // checkpoint in it, and a fetch of 100 rows beside it 0.3 ms (p99 2.6); behind it, it would wait. It costs 15 MB, so
  // it begins with the first read.
  #reader: Promise<SqliteThread> | null = null;
  readonly #queue: CommitQueue;
  readonly #fail: (error: QightError) => void;
  #damage: QightError | null = null;
  #totals: Totals;
  #commits = 0;
  #closed = false;

  /** Use openSqliteStore. */
  constructor(
    path: string,
    limits: StoreLimits,
    now: () => number,
    writer: SqliteThread,
    totals: Totals,
  ) {
    this.#path = path;
    this.limits = limits;
    this.#now = now;
    this.#writer = writer;
    this.#totals = totals;
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.#fail = reject;
    // Whoever waits for `failed` hears of it; without anybody it must not count as an unhandled rejection.
    promise.catch(() => undefined);
    this.#queue = new CommitQueue(async (steps, transfer) => {
      const batch = { nowMs: this.#now(), limits: { ...this.limits }, steps };
      const { results, totals } = await this.#writer.call<Applied>("apply", [batch], transfer);
      this.#commits++;
      this.#totals = totals;
      return results;
    }, (error) => this.#damaged(error));
    const read: Read = (method, args) => this.#read(method, args);
    this.groups = new SqliteGroupStore(this.#queue, read);
    this.keyPackages = new SqliteKeyPackageStore(this.#queue, read);
    this.blobs = new SqliteBlobStore(this.#queue, read);
    this.accounts = new SqliteAccountStore(this.#queue, read);
    writer.failed.then((error) => this.#damaged(error));
  }

  /** See Store. */
  enqueue(message: NewMessage): Promise<Enqueued> {
    return this.#queue.enqueue(message);
  }

  /** See Store. */
  async fetch(mailbox: Uint8Array, after: number, messages: number, bytes: number, nowMs: number): Promise<Page> {
    return unpackPage(await this.#read<PackedPage>("fetch", [mailbox, after, messages, bytes, nowMs]));
  }

  /** See Store. */
  acknowledge(mailbox: Uint8Array, ranges: readonly Range[]): Promise<number> {
    return this.#queue.change("acknowledge", [mailbox, ranges], 64 + ranges.length * 32);
  }

  /** See Store. */
  room(mailbox: Uint8Array): Promise<{ messages: number; bytes: number } | null> {
    return this.#read("room", [mailbox]);
  }

  /** See Store. */
  tombstone(mailbox: Uint8Array, sender: Uint8Array, id: Uint8Array): Promise<Tombstone | null> {
    return this.#read("tombstone", [mailbox, sender, id]);
  }

  /** See Store. */
  async collect(nowMs: number): Promise<Collected> {
    let expired = 0, tombstones = 0;
    for (;;) {
      // Each step waits its turn in the queue, so sends go on in between.
      const step = await this.#queue.change<CollectStep>("collect", [nowMs]);
      expired += step.expired;
      tombstones += step.tombstones;
      if (!step.more) return { expired, tombstones };
    }
  }

  /** See Store. */
  putBundle(bundle: StoredBundle, expectedVersion: number, change: BundleChange | null = null): Promise<BundlePut> {
    return this.#queue.change("putBundle", [bundle, expectedVersion, change], bundle.bundle.length + 512);
  }

  /** See Store. */
  bundleOfAccount(account: Uint8Array): Promise<StoredBundle | null> {
    return this.#read("bundleOfAccount", [account]);
  }

  /** See Store. */
  bundleOfDevice(device: Uint8Array): Promise<StoredBundle | null> {
    return this.#read("bundleOfDevice", [device]);
  }

  /** See Store. */
  putSealingKey(key: StoredSealingKey): Promise<boolean> {
    return this.#queue.change("putSealingKey", [key], key.sealingKey.length + 128);
  }

  /** See Store. */
  sealingKeys(devices: readonly Uint8Array[]): Promise<StoredSealingKey[]> {
    return this.#read("sealingKeys", [devices]);
  }

  /** See Store. */
  putInvite(invite: NewInvite, bounds: InviteBounds): Promise<InvitePut> {
    return this.#queue.change("putInvite", [invite, bounds], invite.record.length + 256);
  }

  /** See Store. */
  claimInvite(
    locator: Uint8Array,
    device: Uint8Array,
    times: { nowMs: number; keepUntilMs: number },
  ): Promise<InviteClaim> {
    return this.#queue.change("claimInvite", [locator, device, times]);
  }

  /** See Store. */
  confirmInvite(locator: Uint8Array, device: Uint8Array): Promise<boolean> {
    return this.#queue.change("confirmInvite", [locator, device]);
  }

  /** See Store. */
  revokeInvite(locator: Uint8Array, creator: Uint8Array): Promise<boolean> {
    return this.#queue.change("revokeInvite", [locator, creator]);
  }

  /** See Store. */
  putToken(token: StoredToken): Promise<void> {
    return this.#queue.change("putToken", [token]);
  }

  /** See Store. */
  tokens(): Promise<StoredToken[]> {
    return this.#read("tokens", []);
  }

  /** See Store. */
  deleteToken(idOrName: string): Promise<boolean> {
    return this.#queue.change("deleteToken", [idOrName]);
  }

  /** See Store. */
  allowAccount(account: Uint8Array, note: string): Promise<void> {
    return this.#queue.change("allowAccount", [account, note]);
  }

  /** See Store. */
  allowedAccounts(): Promise<{ account: Uint8Array; note: string }[]> {
    return this.#read("allowedAccounts", []);
  }

  /** See Store. */
  disallowAccount(account: Uint8Array): Promise<boolean> {
    return this.#queue.change("disallowAccount", [account]);
  }

  /** See Store. */
  async stats(): Promise<StoreStats> {
    if (this.#damage !== null) throw this.#damage;
    const sizes = await Promise.all([sizeOf(this.#path), sizeOf(`${this.#path}-wal`)]);
    return { ...this.#totals, commits: this.#commits, fileBytes: sizes[0] + sizes[1] };
  }

  /** Throws `would_overwrite` when the file exists; see Store. */
  backup(path: string): Promise<void> {
    return this.#aside("copy", [path]);
  }

  /** Empty when nothing is wrong; see Store. */
  check(): Promise<string[]> {
    return this.#aside("check", []);
  }

  /** `PRAGMA synchronous` of the connection that commits: 2 (FULL), else no acknowledgement is true. */
  synchronous(): Promise<number> {
    return this.#writer.call("synchronous", []);
  }

  /** Commits what waits, empties the log and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#queue.end(new QightError("draining", "The store is closed"), false);
    await this.#queue.idle();
    this.#closed = true;
    // In this order: a reader that is still open keeps SQLite from moving the log of a damaged database on the way out.
    if (this.#damage !== null) await this.#writer.abandon();
    await (await this.#reader)?.close();
    if (this.#damage === null) await this.#writer.close();
  }

  async #read<T>(method: string, args: readonly unknown[]): Promise<T> {
    if (this.#damage !== null) throw this.#damage;
    try {
      return await (await this.#openReader()).call<T>(method, args);
    } catch (thrown) {
      if (classify(thrown) === "damaged") this.#damaged(thrown as QightError);
      throw thrown;
    }
  }

  #openReader(): Promise<SqliteThread> {
    if (this.#closed) return Promise.reject(new QightError("draining", "The store is closed"));
    return this.#reader ??= SqliteThread.open({ role: "read", path: this.#path }).catch((thrown) => {
      this.#reader = null; // the next read tries again
      throw thrown;
    });
  }

  /** Long work gets a thread of its own for as long as it takes: reads and commits go on. */
  async #aside<T>(method: string, args: readonly unknown[]): Promise<T> {
    if (this.#damage !== null) throw this.#damage;
    const thread = await SqliteThread.open({ role: "read", path: this.#path });
    try {
      return await thread.call<T>(method, args);
    } finally {
      await thread.close();
    }
  }

  #damaged(error: QightError): void {
    if (this.#damage !== null || error.code === "draining") return;
    this.#damage = error.code === "store_damaged"
      ? error
      : new QightError("store_damaged", error.message, { cause: error });
    this.#queue.end(this.#damage, true);
    this.#fail(this.#damage);
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return 0;
    throw thrown;
  }
}

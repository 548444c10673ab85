/**
 * Groups and KeyPackages as the relay sees them: changes go through the queue of commits, reads to the thread that reads.
 * @module
 */
import type { CommitQueue } from "./commit_queue.ts";
import type {
  Asking,
  CommitPage,
  Committed,
  GroupBounds,
  GroupEnqueued,
  GroupPut,
  GroupStore,
  JoinKeyPut,
  ListedGroup,
  NewCommit,
  NewGroup,
  NewGroupMessage,
  NewJoinKey,
  Reported,
  StoredGroup,
  StoredWelcome,
} from "./group_store.ts";
import type {
  KeyPackageBounds,
  KeyPackageClaim,
  KeyPackageCount,
  KeyPackagesClaimed,
  KeyPackagesPut,
  KeyPackageStore,
  NewKeyPackage,
} from "./key_package_store.ts";

/** Runs a method of the reading thread. */
export type Read = <T>(method: string, args: readonly unknown[]) => Promise<T>;

/** See GroupStore. */
export class SqliteGroupStore implements GroupStore {
  readonly #queue: CommitQueue;
  readonly #read: Read;

  constructor(queue: CommitQueue, read: Read) {
    this.#queue = queue;
    this.#read = read;
  }

  enqueue(message: NewGroupMessage): Promise<GroupEnqueued> {
    return this.#queue.fanOut(message);
  }

  create(group: NewGroup, bounds: GroupBounds): Promise<GroupPut> {
    return this.#queue.change("createGroup", [group, bounds], group.groupInfo.length + 256);
  }

  commit(commit: NewCommit, bounds: GroupBounds): Promise<Committed> {
    const size = commit.commit.length + (commit.welcome?.length ?? 0) + commit.groupInfo.length;
    return this.#queue.change("commit", [commit, bounds], size + commit.roster.length * 64);
  }

  commits(
    group: Uint8Array,
    device: Uint8Array,
    fromEpoch: number,
    max: number,
    maxBytes: number,
  ): Promise<CommitPage | null> {
    return this.#read("commits", [group, device, fromEpoch, max, maxBytes]);
  }

  get(group: Uint8Array, asking: Asking): Promise<StoredGroup | null> {
    return this.#read("group", [group, asking]);
  }

  others(group: Uint8Array, device: Uint8Array): Promise<Uint8Array[] | null> {
    return this.#read("others", [group, device]);
  }

  welcome(group: Uint8Array, device: Uint8Array): Promise<StoredWelcome | null> {
    return this.#read("welcome", [group, device]);
  }

  welcomed(group: Uint8Array, device: Uint8Array, epoch: number): Promise<void> {
    return this.#queue.change("welcomed", [group, device, epoch]);
  }

  list(device: Uint8Array): Promise<ListedGroup[]> {
    return this.#read("listGroups", [device]);
  }

  leave(group: Uint8Array, device: Uint8Array): Promise<boolean> {
    return this.#queue.change("leaveGroup", [group, device]);
  }

  report(report: Parameters<GroupStore["report"]>[0]): Promise<Reported> {
    return this.#queue.change("reportCommit", [report]);
  }

  putJoinKey(key: NewJoinKey): Promise<JoinKeyPut> {
    return this.#queue.change("putJoinKey", [key]);
  }

  revokeJoinKey(group: Uint8Array, device: Uint8Array, keyHash: Uint8Array): Promise<boolean | null> {
    return this.#queue.change("revokeJoinKey", [group, device, keyHash]);
  }
}

/** See KeyPackageStore. */
export class SqliteKeyPackageStore implements KeyPackageStore {
  readonly #queue: CommitQueue;
  readonly #read: Read;

  constructor(queue: CommitQueue, read: Read) {
    this.#queue = queue;
    this.#read = read;
  }

  publish(
    device: Uint8Array,
    suite: number,
    packages: readonly NewKeyPackage[],
    bounds: KeyPackageBounds,
  ): Promise<KeyPackagesPut> {
    const size = packages.reduce((sum, { keyPackage }) => sum + keyPackage.length + 128, 256);
    return this.#queue.change("publishKeyPackages", [device, suite, packages, bounds], size);
  }

  count(device: Uint8Array, suite: number, nowMs: number): Promise<KeyPackageCount> {
    return this.#read("countKeyPackages", [device, suite, nowMs]);
  }

  claim(claim: KeyPackageClaim): Promise<KeyPackagesClaimed> {
    return this.#queue.change("claimKeyPackages", [claim]);
  }
}

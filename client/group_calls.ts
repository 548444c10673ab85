/**
 * The relay's calls about groups and KeyPackages, with plain values in and out. Nothing that comes back is verified here.
 * @module
 */
import { type GetGroupResponse, GroupService, type ListedGroup } from "../proto/gen/qight/v1/group_pb.ts";
import { KeyPackageService } from "../proto/gen/qight/v1/key_package_pb.ts";
import { QightError } from "../proto/errors.ts";
import type { CallOptions, Rpc } from "./rpc.ts";

/** An own KeyPackage to publish. */
export interface NewKeyPackage {
  readonly ref: Uint8Array; // 32 bytes
  readonly keyPackage: Uint8Array; // a serialized MLSMessage
  readonly expiresAtMs: number;
  readonly lastResort: boolean;
}

/** How many packages of the own device the relay has. */
export interface KeyPackageCount {
  readonly singleUse: number;
  readonly lastResort: boolean;
}

/** Somebody's KeyPackage, as the relay handed it out. */
export interface ClaimedKeyPackage {
  readonly device: Uint8Array;
  readonly keyPackage: Uint8Array;
  readonly lastResort: boolean;
}

/** A commit with everything that goes into force with it. */
export interface NewCommit {
  readonly group: Uint8Array;
  /** The epoch that it ends. */
  readonly epoch: number;
  readonly commit: Uint8Array;
  /** Null when nobody was added. */
  readonly welcome: Uint8Array | null;
  /** Devices that the Welcome is for. */
  readonly welcomed: readonly Uint8Array[];
  /** Of the new epoch. */
  readonly groupInfo: Uint8Array;
  /** All devices of the new epoch. */
  readonly roster: readonly Uint8Array[];
  /** 32 bytes; an outsider's external commit shows it. */
  readonly joinKey?: Uint8Array;
}

/** One commit of the relay's log, or its end. */
export type CommitLogEntry =
  | {
    readonly kind: "commit";
    /** The epoch that it ended. */
    readonly epoch: number;
    /** Who sent it. */
    readonly device: Uint8Array;
    readonly commit: Uint8Array;
    readonly acceptedAtMs: number;
  }
  /** Where the group is; commits before `oldest` are gone. */
  | { readonly kind: "end"; readonly epoch: number; readonly oldest: number };

/** A group as the relay knows it. */
export interface RelayGroup {
  readonly epoch: number;
  readonly suite: number;
  readonly groupInfo: Uint8Array;
  /** Device keys. */
  readonly roster: readonly Uint8Array[];
  /** Account hash of the other side of a direct conversation; null for a group. */
  readonly directWith: Uint8Array | null;
}

/** One row of the own groups. */
export interface OwnGroup {
  readonly group: Uint8Array;
  readonly epoch: number;
  /** A Welcome waits for the own device. */
  readonly welcome: boolean;
  readonly directWith: Uint8Array | null;
}

// A commit, Welcome or GroupInfo of 4 MiB inside its reply inside a Part; a GroupInfo comes with a roster of 1,000 devices.
const MAX_MLS_REPLY = 4 * 1024 * 1024 + 64 * 1024;

/** Calls on one connection. Errors are the relay's: `stale_epoch` says in `epoch` where the group is. */
export class GroupCalls {
  readonly #rpc: Rpc;

  constructor(rpc: Rpc) {
    this.#rpc = rpc;
    rpc.maxReply = Math.max(rpc.maxReply, MAX_MLS_REPLY);
  }

  /** Adds packages of the own device, at most 64; answers how many the relay has now. */
  async publishKeyPackages(
    suite: number,
    packages: readonly NewKeyPackage[],
    options?: CallOptions,
  ): Promise<KeyPackageCount> {
    const method = KeyPackageService.method.publishKeyPackages;
    const rows = packages.map(({ ref, keyPackage, expiresAtMs, lastResort }) => (
      { ref, keyPackage, expiresAtMs: BigInt(expiresAtMs), lastResort }
    ));
    return countOf(await this.#rpc.unary(method, { suite, packages: rows }, options));
  }

  /** How many packages of the own device are left. */
  async countKeyPackages(suite: number, options?: CallOptions): Promise<KeyPackageCount> {
    return countOf(await this.#rpc.unary(KeyPackageService.method.countKeyPackages, { suite }, options));
  }

  /**
   * One package of each device of an account that has one, or of these devices only; `bundle` is null when the relay has
   * none.
   */
  async claimKeyPackages(
    account: Uint8Array,
    suite: number,
    devices: readonly Uint8Array[] = [],
    options?: CallOptions,
  ): Promise<{ bundle: Uint8Array | null; packages: ClaimedKeyPackage[] }> {
    const method = KeyPackageService.method.claimKeyPackages;
    const { bundle, packages } = await this.#rpc.unary(method, { account, suite, devices: [...devices] }, options);
    return { bundle: orNull(bundle), packages };
  }

  /** Begins a group of the own device alone; `directWith` (account hash) for a direct conversation. */
  async createGroup(
    { group, suite, directWith, groupInfo }: {
      group: Uint8Array;
      suite: number;
      directWith: Uint8Array | null;
      groupInfo: Uint8Array;
    },
    options?: CallOptions,
  ): Promise<void> {
    const request = { group, suite, directWith: directWith ?? NOTHING, groupInfo };
    await this.#rpc.unary(GroupService.method.createGroup, request, options);
  }

  /** Offers a commit; resolves with the new epoch when it is the one. */
  async commit({ epoch, welcome, welcomed, roster, joinKey, ...rest }: NewCommit, options?: CallOptions) {
    const reply = await this.#rpc.unary(GroupService.method.commit, {
      ...rest,
      epoch: BigInt(epoch),
      welcome: welcome ?? NOTHING,
      welcomed: [...welcomed],
      roster: [...roster],
      joinKey: joinKey ?? NOTHING,
    }, options);
    return numberOf(reply.epoch);
  }

  /** Accepted commits from the one that ended `fromEpoch` on, in order, and then the end. `max` 0 = all. */
  async *commits(group: Uint8Array, fromEpoch: number, max = 0, options?: CallOptions): AsyncGenerator<CommitLogEntry> {
    const request = { group, fromEpoch: BigInt(fromEpoch), max };
    for await (const { kind } of this.#rpc.serverStream(GroupService.method.getCommits, request, options)) {
      if (kind.case === "commit") {
        const { epoch, device, commit, acceptedAtMs } = kind.value;
        yield { kind: "commit", epoch: numberOf(epoch), device, commit, acceptedAtMs: numberOf(acceptedAtMs) };
      } else if (kind.case === "end") {
        yield { kind: "end", epoch: numberOf(kind.value.epoch), oldest: numberOf(kind.value.oldest) };
      }
    }
  }

  /** What a member, or whoever shows a join key, needs to come in by an external commit. */
  async getGroup(group: Uint8Array, joinKey?: Uint8Array, options?: CallOptions): Promise<RelayGroup> {
    const request = { group, joinKey: joinKey ?? NOTHING };
    return groupOf(await this.#rpc.unary(GroupService.method.getGroup, request, options));
  }

  /** The newest Welcome for the own device, or null; `epoch` is where it leads. */
  async getWelcome(group: Uint8Array, options?: CallOptions) {
    const { welcome, device, epoch } = await this.#rpc.unary(GroupService.method.getWelcome, { group }, options);
    return welcome.length === 0 ? null : { welcome, device, epoch: numberOf(epoch) };
  }

  /** Groups whose roster lists the own device. */
  async listGroups(options?: CallOptions): Promise<OwnGroup[]> {
    const { groups } = await this.#rpc.unary(GroupService.method.listGroups, {}, options);
    return groups.map(ownGroup);
  }

  /** Takes the own device off the roster. */
  async leaveGroup(group: Uint8Array, options?: CallOptions): Promise<void> {
    await this.#rpc.unary(GroupService.method.leaveGroup, { group }, options);
  }

  /** Says that the commit which ended `epoch` does not fit; true when the relay took it back. */
  async reportCommit(group: Uint8Array, epoch: number, commitHash: Uint8Array, options?: CallOptions) {
    const request = { group, epoch: BigInt(epoch), commitHash };
    return (await this.#rpc.unary(GroupService.method.reportCommit, request, options)).reopened;
  }

  /** Registers the SHA-256 of a join key; answers when it expires, milliseconds since 1970. */
  async putJoinKey(group: Uint8Array, keyHash: Uint8Array, ttlS: number, options?: CallOptions): Promise<number> {
    const { expiresAtMs } = await this.#rpc.unary(GroupService.method.putJoinKey, { group, keyHash, ttlS }, options);
    return numberOf(expiresAtMs);
  }

  /** Takes a join key back; true when there was one. */
  async revokeJoinKey(group: Uint8Array, keyHash: Uint8Array, options?: CallOptions): Promise<boolean> {
    return (await this.#rpc.unary(GroupService.method.revokeJoinKey, { group, keyHash }, options)).revoked;
  }
}

const NOTHING = new Uint8Array(0);

function countOf(
  { count }: { count?: { readonly singleUse: number; readonly lastResort: boolean } | undefined },
): KeyPackageCount {
  return { singleUse: count?.singleUse ?? 0, lastResort: count?.lastResort ?? false };
}

function groupOf({ epoch, suite, groupInfo, roster, directWith }: GetGroupResponse): RelayGroup {
  return { epoch: numberOf(epoch), suite, groupInfo, roster, directWith: orNull(directWith) };
}

function ownGroup({ group, epoch, welcome, directWith }: ListedGroup): OwnGroup {
  return { group, epoch: numberOf(epoch), welcome, directWith: orNull(directWith) };
}

function orNull(bytes: Uint8Array): Uint8Array | null {
  return bytes.length > 0 ? bytes : null;
}

/** Epochs and times of the relay; one that nothing here can hold exactly would be taken for another. */
function numberOf(value: bigint): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw new QightError("protocol", `The relay says ${value} where a smaller number belongs`);
}

/** Taking in a commit of somebody else. @module */
import type { CiphersuiteImpl, ClientState, Commit, KeyPackage, PublicMessage, RatchetTree } from "ts-mls";
import { equal } from "../equal.ts";
import { dataOfContext, MAX_HANDSHAKE_BYTES, MAX_MEMBERS } from "./config.ts";
import { credentialIsValid, type Member, readCredential } from "./credential.ts";
import { checkOwnKeys, endedEpoch, prunedPath } from "./epoch_end.ts";
import type { GroupDataFields } from "./group_data.ts";
import { checkKeyPackage, checkLeaf, checkLifetime, checkUnique } from "./leaves.ts";
import { leafOfDevice, memberAt, memberOf, membersOf } from "./leaves.ts";
import { library } from "./library.ts";
import { keepPast } from "./past.ts";
import { functionsOf } from "./provider.ts";
import { guarded, refused } from "./refuse.ts";
import { asClientState, fromClientState, type GroupState } from "./state.ts";
import { type CommitMessage, readCommit } from "./wire.ts";

/** What a commit changes. */
export interface CommitChange {
  /** Who made it; of an external one, the new member. */
  readonly committer: Member;
  /** Whether its maker came in by it (and is in `added` too). */
  readonly external: boolean;
  readonly added: readonly Member[];
  /** An own old leaf that an external commit replaces is here too. */
  readonly removed: readonly Member[];
  readonly before: GroupDataFields;
  readonly after: GroupDataFields;
}

/** How a commit is taken in. */
export interface ApplyOptions {
  /**
   * When the relay accepted it, milliseconds since 1970. KeyPackages in it may have expired up to 30 days before (as
   * long as the log is kept), so that a member who comes late does not refuse what the others took.
   */
  readonly nowMs: number;
  /** Throws when the change is not allowed; what it throws is thrown on. */
  check(change: CommitChange): void | Promise<void>;
}

/**
 * A commit taken in; `next` is null when we were removed by it, also when another copy of our device took our place
 * (then it is external, and its committer is our device).
 */
export interface AppliedCommit {
  readonly next: GroupState | null;
  readonly change: CommitChange;
}

/**
 * Applies a serialized commit: a PrivateMessage of a member, or the PublicMessage of an external join. Throws
 * `bad_group_message` when anything is wrong with it; the given state stays good.
 */
export async function applyCommit(
  state: GroupState,
  message: Uint8Array,
  options: ApplyOptions,
): Promise<AppliedCommit> {
  const received = await readCommit(message, MAX_HANDSHAKE_BYTES);
  const suite = await functionsOf(state.suite);
  const before = asClientState(state);
  const { client, change } = await guarded("the commit does not fit the group", async () => {
    const { commit, committer } = await contentOf(received, before, suite);
    const planned = await plan(commit, committer, before, suite, options.nowMs);
    return await process(received, before, planned, suite);
  });
  await options.check(change);
  if (client === null) return { next: null, change };
  return { next: fromClientState(state.suite, client, keepPast(state.past, endedEpoch(state, options.nowMs))), change };
}

/** A commit whose proposals may be applied; `committer` is null when its maker comes in by it. */
interface Planned {
  readonly commit: Commit;
  readonly committer: Member | null;
  readonly removed: readonly Member[];
  readonly added: readonly KeyPackage[];
}

/** Opens a commit far enough to look at it, before ts-mls does what it says. */
async function contentOf(
  received: CommitMessage,
  { groupContext, keySchedule, secretTree, ratchetTree, privatePath, clientConfig }: ClientState,
  suite: CiphersuiteImpl,
): Promise<{ commit: Commit; committer: Member | null }> {
  const clear = received.wireformat === "mls_private_message"
    ? received.privateMessage
    : received.publicMessage.content;
  if (!equal(clear.groupId, groupContext.groupId)) throw refused("it is for another group");
  if (clear.epoch !== groupContext.epoch) throw refused(`it ends epoch ${clear.epoch}, not ${groupContext.epoch}`);
  if (received.wireformat === "mls_public_message") {
    const { content } = received.publicMessage;
    if (content.contentType !== "commit") throw refused("it is no commit");
    // A member's commit is never in clear, and others than members have nothing to say but that they come in.
    if (content.sender.senderType !== "new_member_commit") throw refused("its maker is no new member");
    return { commit: content.commit, committer: null };
  }
  const { unprotectPrivateMessage } = await library();
  const { content: { content } } = await unprotectPrivateMessage(
    keySchedule.senderDataSecret,
    received.privateMessage,
    secretTree,
    ratchetTree,
    groupContext,
    clientConfig.keyRetentionConfig,
    suite,
  );
  if (content.contentType !== "commit" || content.sender.senderType !== "member") throw refused("it is no commit");
  if (content.sender.leafIndex === privatePath.leafIndex) throw refused("it is our own");
  return { commit: content.commit, committer: memberAt(ratchetTree, content.sender.leafIndex) };
}

/** What ts-mls leaves open, or would walk into: proposals by reference, numbers outside the tree, no path. */
async function plan(
  commit: Commit,
  committer: Member | null,
  { ratchetTree, groupContext }: ClientState,
  suite: CiphersuiteImpl,
  nowMs: number,
): Promise<Planned> {
  const { path } = commit;
  if (path === undefined) throw refused("it has no path");
  checkLeaf(path.leafNode, suite.name);
  const maker = readCredential(path.leafNode.credential);
  const removed = new Map<number, Member>();
  const added: KeyPackage[] = [];
  let contexts = 0, inits = 0;
  for (const entry of commit.proposals) {
    if (entry.proposalOrRefType !== "proposal") throw refused("it takes a proposal from elsewhere");
    const { proposal } = entry;
    if (proposal.proposalType === "remove") {
      const leaf = proposal.remove.removed;
      if (removed.has(leaf) || leaf === committer?.leaf) throw refused("it removes a wrong member");
      removed.set(leaf, memberAt(ratchetTree, leaf));
    } else if (proposal.proposalType === "add" && committer !== null) {
      checkKeyPackage(proposal.add.keyPackage, suite.name);
      checkLifetime(proposal.add.keyPackage, nowMs, LATE_MS);
      added.push(proposal.add.keyPackage);
    } else if (proposal.proposalType === "group_context_extensions" && committer !== null && contexts++ === 0) {
      dataOfContext(proposal.groupContextExtensions.extensions);
    } else if (proposal.proposalType === "external_init" && committer === null && inits++ === 0) {
      continue;
    } else {
      throw refused("it proposes what is never done here");
    }
  }
  if (membersOf(ratchetTree).length + added.length - removed.size + inits > MAX_MEMBERS) {
    throw refused("its group would have too many members");
  }
  const gone = [...removed.values()];
  if (committer !== null) {
    if (!equal(maker.device, committer.device) || !equal(maker.account, committer.account)) {
      throw refused("its maker changes who he is");
    }
  } else {
    if (inits !== 1) throw refused("its maker does not come in");
    const old = leafOfDevice(ratchetTree, maker.device);
    const wrong = gone.some(({ device, account }) => !equal(device, maker.device) || !equal(account, maker.account));
    if (wrong || (old !== null) !== (gone.length === 1)) throw refused("its maker removes another than himself");
  }
  if (!await credentialIsValid(path.leafNode.credential, path.leafNode.signaturePublicKey)) {
    throw refused("its maker's leaf is not certified by the device");
  }
  dataOfContext(groupContext.extensions);
  return { commit, committer, removed: gone, added };
}

/** Applies what was looked at; `client` is null when we are removed by it. */
async function process(received: CommitMessage, before: ClientState, planned: Planned, suite: CiphersuiteImpl) {
  if (received.wireformat === "mls_public_message" && isReplaced(planned, before)) {
    return { client: null, change: await replaced(received.publicMessage, before, planned, suite) };
  }
  const { acceptAll, emptyPskIndex, processMessage } = await library();
  const message = { version: "mls10" as const, ...received };
  const result = await processMessage(message, before, emptyPskIndex, acceptAll, suite);
  if (result.kind !== "newState" || result.actionTaken !== "accept") throw refused("it is no commit");
  const after = result.newState;
  const out = after.groupActiveState.kind === "removedFromGroup";
  if (!out) {
    checkUnique(after.ratchetTree);
    await checkOwnKeys(after.privatePath, after.ratchetTree, suite, before.privatePath);
  }
  const change = changeOf(planned, before, after.ratchetTree);
  const privatePath = prunedPath(after.privatePath, after.ratchetTree);
  return { client: out ? null : { ...after, privatePath }, change };
}

function isReplaced({ removed }: Planned, { privatePath }: ClientState): boolean {
  return removed.some(({ leaf }) => leaf === privatePath.leafIndex);
}

/**
 * Another copy of our device came in and took our place. ts-mls does not see that this removes us; we have no key of the
 * next epoch, so all that can be checked are the signatures.
 */
async function replaced(message: PublicMessage, before: ClientState, planned: Planned, suite: CiphersuiteImpl) {
  const parts = await library();
  const { keySchedule, groupContext, ratchetTree, privatePath, clientConfig: { authService } } = before;
  const own = parts.toLeafIndex(privatePath.leafIndex);
  const { leafNode } = planned.commit.path!;
  const [tree, at] = parts.addLeafNode(parts.removeLeafNode(ratchetTree, own), leafNode);
  await parts.unprotectPublicMessage(keySchedule.membershipKey, groupContext, ratchetTree, message, suite);
  const { signature } = suite;
  const wrong = await parts.validateLeafNodeUpdateOrCommit(leafNode, at / 2, groupContext, authService, signature);
  if (wrong !== undefined) throw wrong;
  return changeOf(planned, before, tree);
}

function changeOf(
  { commit, committer, removed, added }: Planned,
  before: ClientState,
  tree: RatchetTree,
): CommitChange {
  const data = dataOfContext(before.groupContext.extensions);
  const leafOf = (device: Uint8Array) => {
    const leaf = leafOfDevice(tree, device);
    if (leaf === null) throw refused("it adds somebody who is not there");
    return leaf;
  };
  const newcomer = commit.path!.leafNode;
  const joined = committer ?? memberOf(newcomer, leafOf(readCredential(newcomer.credential).device));
  const devices = added.map(({ leafNode }) => readCredential(leafNode.credential));
  return {
    committer: joined,
    external: committer === null,
    added: committer === null ? [joined] : devices.map((who) => ({ leaf: leafOf(who.device), ...who })),
    removed,
    before: data,
    after: proposedData(commit) ?? data,
  };
}

function proposedData(commit: Commit): GroupDataFields | null {
  for (const entry of commit.proposals) {
    if (entry.proposalOrRefType !== "proposal") continue;
    const { proposal } = entry;
    if (proposal.proposalType === "group_context_extensions") {
      return dataOfContext(proposal.groupContextExtensions.extensions);
    }
  }
  return null;
}

/** As long as the relay keeps its log of commits. */
const LATE_MS = 30 * 86_400_000;

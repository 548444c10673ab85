/** Making a commit: it ends an epoch and begins the next with fresh keys. @module */
import type { CiphersuiteImpl, KeyPackage, Proposal, ProposalOrRef } from "ts-mls";
import { sha256 } from "../sha256.ts";
import { clientConfig, contextExtensions, MAX_MEMBERS } from "./config.ts";
import { readCredential } from "./credential.ts";
import type { GroupDataFields } from "./group_data.ts";
import { groupInfoOf } from "./group_info.ts";
import { checkedKeyPackage } from "./key_package.ts";
import { leafAt, leafOfDevice, membersOf } from "./leaves.ts";
import { library } from "./library.ts";
import { keepPast } from "./past.ts";
import { endedEpoch, prunedPath } from "./epoch_end.ts";
import { functionsOf } from "./provider.ts";
import { freshRatchets } from "./ratchets.ts";
import { guarded, refused } from "./refuse.ts";
import { asClientState, fromClientState, type GroupState } from "./state.ts";
import { writeMessage } from "./wire.ts";

/** What a commit shall do; with nothing of it, it only renews keys. */
export interface CommitWish {
  /** Serialized KeyPackages of devices that are not members yet. */
  readonly add?: readonly Uint8Array[];
  /** Leaves that shall go; never the own one. */
  readonly remove?: readonly number[];
  /** What all shall agree on from then on. */
  readonly data?: GroupDataFields;
  /** Milliseconds since 1970: KeyPackages must be valid now. */
  readonly nowMs: number;
}

/** A commit that nobody has accepted yet. */
export interface MadeCommit {
  /** Serialized MLSMessage (a PrivateMessage). */
  readonly commit: Uint8Array;
  /** Serialized MLSMessage for all that were added; null when nobody was. */
  readonly welcome: Uint8Array | null;
  /** Serialized MLSMessage: the new epoch, for external joins. */
  readonly groupInfo: Uint8Array;
  /** The state of the new epoch; it counts when the relay has accepted the commit. */
  readonly next: GroupState;
  /**
   * The state of the old epoch with the commit's key used up. Keep it instead of the one that was handed in when the
   * commit may have left this machine: then no other commit is encrypted under the same key.
   */
  readonly spent: GroupState;
  /** SHA-256 of `commit`, 32 bytes. */
  readonly hash: Uint8Array;
}

/** Makes a commit. It always carries a path, so whoever is removed has no key of the next epoch. */
export async function commit(state: GroupState, wish: CommitWish): Promise<MadeCommit> {
  const parts = await library();
  const suite = await functionsOf(state.suite);
  const proposals = await proposalsOf(state, wish, suite);
  const client = asClientState(state);
  const { groupContext, privatePath, signaturePrivateKey } = client;
  const ownLeaf = parts.toLeafIndex(privatePath.leafIndex);
  return await guarded("it cannot be made", async () => {
    // false: ts-mls would ask the machine's clock; the KeyPackages were checked against the one that was handed in. Their
    // signatures were checked then too, and are not again: of 250 that takes a third of a second.
    const checked = { ...suite, signature: { ...suite.signature, verify: yes } };
    const trusting = { ...client, clientConfig: { ...clientConfig, authService: { validateCredential: yes } } };
    const applied = await parts.applyProposals(trusting, proposals, ownLeaf, parts.emptyPskIndex, false, checked);
    if (applied.additionalResult.kind !== "memberCommit") throw refused("its proposals do not go together");
    const { addedLeafNodes } = applied.additionalResult;
    const extensions = wish.data ? contextExtensions(wish.data) : groupContext.extensions;
    const context = { ...groupContext, extensions };
    const [tree, path, pathSecrets, leafKey] = await parts.createUpdatePath(
      applied.tree,
      ownLeaf,
      context,
      signaturePrivateKey,
      suite,
      addedLeafNodes.map(([leaf]) => parts.leafToNodeIndex(leaf)),
    );
    const top = pathSecrets.at(-1);
    // Whoever stays alone has no path secret. Zeros, as ts-mls takes, would leave the next epoch to one who was removed.
    const commitSecret = top === undefined
      ? suite.rng.randomBytes(suite.kdf.size)
      : await parts.getCommitSecret(tree, parts.toNodeIndex(top.nodeIndex), top.secret, suite.kdf);
    const { signature, framedContent } = await parts.createContentCommitSignature(
      groupContext,
      "mls_private_message",
      { proposals, path },
      { senderType: "member", leafIndex: ownLeaf },
      new Uint8Array(0),
      signaturePrivateKey,
      suite.signature,
    );
    const nextContext = await parts.nextEpochContext(
      context,
      "mls_private_message",
      framedContent,
      signature,
      await parts.treeHashRoot(tree, suite.hash),
      client.confirmationTag,
      suite.hash,
    );
    const secrets = await parts.initializeEpoch(
      client.keySchedule.initSecret,
      commitSecret,
      nextContext,
      applied.pskSecret,
      suite.kdf,
    );
    const { confirmationKey } = secrets.keySchedule;
    const confirmationTag = await parts.createConfirmationTag(
      confirmationKey,
      nextContext.confirmedTranscriptHash,
      suite.hash,
    );
    const protectedCommit = await parts.protect(
      client.keySchedule.senderDataSecret,
      new Uint8Array(0),
      groupContext,
      client.secretTree,
      { ...framedContent, auth: { contentType: "commit", signature, confirmationTag } },
      ownLeaf,
      clientConfig.paddingConfig,
      suite,
    );
    const next = fromClientState(state.suite, {
      ...client,
      groupContext: nextContext,
      ratchetTree: tree,
      secretTree: await freshRatchets(
        tree.length,
        secrets.encryptionSecret,
        suite,
        (leaf) => tree[leaf * 2] !== undefined,
      ),
      keySchedule: secrets.keySchedule,
      privatePath: prunedPath(
        parts.mergePrivateKeyPaths(
          parts.updateLeafKey(privatePath, await suite.hpke.exportPrivateKey(leafKey!)),
          await parts.toPrivateKeyPath(parts.pathToPathSecrets(pathSecrets), ownLeaf, suite),
        ),
        tree,
      ),
      confirmationTag,
    }, keepPast(state.past, endedEpoch(state, wish.nowMs)));
    const bytes = writeMessage({
      version: "mls10",
      wireformat: "mls_private_message",
      privateMessage: protectedCommit.privateMessage,
    });
    const welcome = await makeWelcome(next, addedLeafNodes, pathSecrets, secrets, suite);
    commitSecret.fill(0);
    secrets.joinerSecret.fill(0);
    secrets.encryptionSecret.fill(0);
    return {
      commit: bytes,
      welcome,
      groupInfo: await groupInfoOf(next),
      next,
      spent: { ...state, secretTree: protectedCommit.tree },
      hash: await sha256(bytes),
    };
  });
}

async function proposalsOf(state: GroupState, wish: CommitWish, suite: CiphersuiteImpl): Promise<ProposalOrRef[]> {
  const { add = [], remove = [], data, nowMs } = wish;
  const { ratchetTree, privatePath } = state.epoch;
  const proposals: Proposal[] = [];
  const gone = new Set(remove);
  if (gone.size !== remove.length) throw refused("it removes a member twice");
  for (const leaf of remove) {
    if (leaf === privatePath.leafIndex) throw refused("nobody removes himself");
    leafAt(ratchetTree, leaf);
    proposals.push({ proposalType: "remove", remove: { removed: leaf } });
  }
  const keyPackages = await Promise.all(add.map((bytes) => checkedKeyPackage(bytes, nowMs)));
  for (const keyPackage of keyPackages) {
    if (keyPackage.cipherSuite !== suite.name) throw refused("a KeyPackage is for another suite");
    const there = leafOfDevice(ratchetTree, readCredential(keyPackage.leafNode.credential).device);
    if (there !== null && !gone.has(there)) throw refused("a device is a member already");
    proposals.push({ proposalType: "add", add: { keyPackage } });
  }
  if (membersOf(ratchetTree).length + add.length - remove.length > MAX_MEMBERS) {
    throw refused(`a group has at most ${MAX_MEMBERS} devices`);
  }
  if (data !== undefined) {
    const extensions = contextExtensions(data);
    proposals.push({ proposalType: "group_context_extensions", groupContextExtensions: { extensions } });
  }
  return proposals.map((proposal) => ({ proposalOrRefType: "proposal", proposal }));
}

async function makeWelcome(
  next: GroupState,
  added: readonly [number, KeyPackage][],
  pathSecrets: readonly { nodeIndex: number; secret: Uint8Array }[],
  secrets: { joinerSecret: Uint8Array; welcomeSecret: Uint8Array },
  suite: CiphersuiteImpl,
): Promise<Uint8Array | null> {
  if (added.length === 0) return null;
  const parts = await library();
  const { groupContext, ratchetTree, confirmationTag, privatePath } = next.epoch;
  const groupInfo = await parts.createGroupInfoWithRatchetTree(
    groupContext,
    confirmationTag,
    asClientState(next),
    ratchetTree,
    [],
    suite,
  );
  const encryptedGroupInfo = await parts.encryptGroupInfo(groupInfo, secrets.welcomeSecret, suite);
  const own = parts.toLeafIndex(privatePath.leafIndex);
  const entries = await Promise.all(added.map(async ([leaf, keyPackage]) => {
    const common = parts.firstCommonAncestor(ratchetTree, parts.toLeafIndex(leaf), own);
    const pathSecret = pathSecrets.find(({ nodeIndex }) => nodeIndex === common)?.secret;
    const key = await suite.hpke.importPublicKey(keyPackage.initKey);
    const groupSecrets = { joinerSecret: secrets.joinerSecret, pathSecret, psks: [] };
    const { enc, ct } = await parts.encryptGroupSecrets(key, encryptedGroupInfo, groupSecrets, suite.hpke);
    const newMember = await parts.makeKeyPackageRef(keyPackage, suite.hash);
    return { newMember, encryptedGroupSecrets: { kemOutput: enc, ciphertext: ct } };
  }));
  const welcome = { cipherSuite: suite.name, secrets: entries, encryptedGroupInfo };
  return writeMessage({ version: "mls10", wireformat: "mls_welcome", welcome });
}

const yes = () => Promise.resolve(true);

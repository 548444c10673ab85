/** Coming into a group by an external commit of one's own (RFC 9420 section 12.4.3.2). @module */
import type { CiphersuiteImpl, ClientState, GroupInfo, KeyPackage, PrivateKeyPackage, Proposal } from "ts-mls";
import { sha256 } from "../sha256.ts";
import { clientConfig, MAX_HANDSHAKE_BYTES } from "./config.ts";
import { type LeafOwner, readCredential } from "./credential.ts";
import { checkContext, checkSigner, groupInfoOf } from "./group_info.ts";
import type { JoinOptions } from "./join.ts";
import { generate, MAX_LIFETIME_MS } from "./key_package.ts";
import { leafOfDevice } from "./leaves.ts";
import { library } from "./library.ts";
import { functionsOf, suiteOfName } from "./provider.ts";
import { freshRatchets } from "./ratchets.ts";
import { guarded, refused } from "./refuse.ts";
import { describe, fromClientState, type GroupState } from "./state.ts";
import { checkTree } from "./tree_check.ts";
import { readGroupInfo, writeMessage } from "./wire.ts";

/** An external commit that nobody has accepted yet. */
export interface ExternalJoin {
  /** Serialized MLSMessage (a PublicMessage). */
  readonly commit: Uint8Array;
  /** The state of the new epoch; it counts when the relay has accepted the commit. */
  readonly next: GroupState;
  /** Serialized MLSMessage: the new epoch, for further external joins. */
  readonly groupInfo: Uint8Array;
  /** SHA-256 of `commit`, 32 bytes. */
  readonly hash: Uint8Array;
}

/**
 * Joins by an external commit from a serialized GroupInfo; a leaf of the same device is removed by it (resync). Throws
 * `bad_group_message`.
 */
export async function joinExternally(
  groupInfo: Uint8Array,
  owner: LeafOwner,
  options: JoinOptions,
): Promise<ExternalJoin> {
  const info = await readGroupInfo(groupInfo, MAX_HANDSHAKE_BYTES);
  const number = suiteOfName(info.groupContext.cipherSuite);
  if (number === null) throw refused("the group is of a suite that is not known here");
  const suite = await functionsOf(number);
  const terms = { notBeforeMs: options.nowMs, notAfterMs: options.nowMs + MAX_LIFETIME_MS, lastResort: false };
  const { publicPackage, privatePackage } = await generate(suite, owner, terms);
  const joined = await guarded("its GroupInfo cannot be used", async () => {
    checkContext(info.groupContext, suite);
    return await enter(info, publicPackage, privatePackage, suite);
  });
  const next = fromClientState(number, joined.client, []);
  const { members, data } = describe(next);
  await options.check(members, data);
  return { commit: joined.commit, next, groupInfo: await groupInfoOf(next), hash: await sha256(joined.commit) };
}

async function enter(
  info: GroupInfo,
  keyPackage: KeyPackage,
  { signaturePrivateKey }: PrivateKeyPackage,
  suite: CiphersuiteImpl,
): Promise<{ commit: Uint8Array; client: ClientState }> {
  const parts = await library();
  const { groupContext } = info;
  const external = info.extensions.find(({ extensionType }) => extensionType === "external_pub");
  const tree = parts.ratchetTreeFromExtension(info);
  if (external === undefined || tree === undefined) throw refused("it brings no tree, or no key to come in by");
  await checkTree(tree, groupContext, suite);
  await checkSigner(info, tree, suite);
  const { enc, secret: initSecret } = await parts.exportSecret(external.extensionData, suite);
  const former = leafOfDevice(tree, readCredential(keyPackage.leafNode.credential).device);
  const freed = former === null ? tree : parts.removeLeafNode(tree, parts.toLeafIndex(former));
  const [withOwn, ownNode] = parts.addLeafNode(freed, keyPackage.leafNode);
  const own = parts.toLeafIndex(ownNode / 2);
  const [newTree, path, pathSecrets, leafKey] = await parts.createUpdatePath(
    withOwn,
    own,
    groupContext,
    signaturePrivateKey,
    suite,
  );
  const top = pathSecrets.at(-1);
  const commitSecret = top === undefined
    ? suite.rng.randomBytes(suite.kdf.size) // alone: as in commit.ts
    : await parts.getCommitSecret(newTree, parts.toNodeIndex(top.nodeIndex), top.secret, suite.kdf);
  const proposals: Proposal[] = [{ proposalType: "external_init", externalInit: { kemOutput: enc } }];
  if (former !== null) proposals.unshift({ proposalType: "remove", remove: { removed: former } });
  const { signature, framedContent } = await parts.createContentCommitSignature(
    groupContext,
    "mls_public_message",
    { proposals: proposals.map((proposal) => ({ proposalOrRefType: "proposal", proposal })), path },
    { senderType: "new_member_commit" },
    new Uint8Array(0),
    signaturePrivateKey,
    suite.signature,
  );
  const nextContext = await parts.nextEpochContext(
    groupContext,
    "mls_public_message",
    framedContent,
    signature,
    await parts.treeHashRoot(newTree, suite.hash),
    info.confirmationTag,
    suite.hash,
  );
  const noPsk = new Uint8Array(suite.kdf.size);
  const secrets = await parts.initializeEpoch(initSecret, commitSecret, nextContext, noPsk, suite.kdf);
  const { keySchedule, encryptionSecret } = secrets;
  const transcript = nextContext.confirmedTranscriptHash;
  const confirmationTag = await parts.createConfirmationTag(keySchedule.confirmationKey, transcript, suite.hash);
  const publicMessage = await parts.protectPublicMessage(keySchedule.membershipKey, nextContext, {
    content: framedContent,
    auth: { contentType: "commit", signature, confirmationTag },
    wireformat: "mls_public_message",
  }, suite);
  const ownPath = await parts.toPrivateKeyPath(parts.pathToPathSecrets(pathSecrets), own, suite);
  const client: ClientState = {
    groupContext: nextContext,
    ratchetTree: newTree,
    secretTree: await freshRatchets(newTree.length, encryptionSecret, suite, (leaf) => newTree[leaf * 2] !== undefined),
    privatePath: parts.updateLeafKey(ownPath, await suite.hpke.exportPrivateKey(leafKey)),
    signaturePrivateKey,
    confirmationTag,
    unappliedProposals: {},
    keySchedule,
    historicalReceiverData: new Map(),
    groupActiveState: { kind: "active" },
    clientConfig,
  };
  for (const secret of [initSecret, commitSecret, secrets.joinerSecret, encryptionSecret]) secret.fill(0);
  return { commit: writeMessage({ version: "mls10", wireformat: "mls_public_message", publicMessage }), client };
}

/**
 * The parts of ts-mls 1.6.4 that this folder is built from. Only `library.ts` loads this file, when MLS is first used.
 *
 * They come from the package's subpaths and not from its face, for two reasons. The face loads a second crypto provider
 * with packages that are not needed. And four of its functions are assembled here anew from their parts: `createCommit`
 * leaves out the path when a commit only adds or only changes data, seals path secrets under the old extensions, and
 * takes a commit secret of zeros when the committer stays alone; `joinGroup` and `joinGroupExternal` refuse valid trees
 * (they want an unmerged leaf listed above the node that lists it too) and walk from a leaf number outside the tree until
 * an array is full (10 s, measured);
 * `processPrivateMessage` says neither who sent a message nor what it authenticated.
 * @module
 */
export { deriveSecret, deriveTreeSecret, expandWithLabel } from "ts-mls/crypto/kdf.js";
export { makeHpke } from "ts-mls/crypto/implementation/default/makeHpke.js";
export {
  applyProposals,
  createGroup,
  decodeGroupState,
  encodeGroupState,
  exportSecret,
  nextEpochContext,
  validateLeafNodeUpdateOrCommit,
} from "ts-mls/clientState.js";
export { createGroupInfoWithExternalPubAndRatchetTree, createGroupInfoWithRatchetTree } from "ts-mls/createCommit.js";
export {
  createConfirmationTag,
  createContentCommitSignature,
  verifyFramedContentSignature,
} from "ts-mls/framedContent.js";
export { decodeGroupContext, encodeGroupContext } from "ts-mls/groupContext.js";
export {
  ratchetTreeFromExtension,
  verifyGroupInfoConfirmationTag,
  verifyGroupInfoSignature,
} from "ts-mls/groupInfo.js";
export { acceptAll } from "ts-mls/incomingMessageAction.js";
export { generateKeyPackageWithKey, makeKeyPackageRef, verifyKeyPackage } from "ts-mls/keyPackage.js";
export { deriveKeySchedule, initializeEpoch } from "ts-mls/keySchedule.js";
export { verifyLeafNodeSignature, verifyLeafNodeSignatureKeyPackage } from "ts-mls/leafNode.js";
export { decodeMlsMessage, encodeMlsMessage } from "ts-mls/message.js";
export { protect, protectApplicationData, unprotectPrivateMessage } from "ts-mls/messageProtection.js";
export { protectPublicMessage, unprotectPublicMessage } from "ts-mls/messageProtectionPublic.js";
export { getCommitSecret, pathToPathSecrets, pathToRoot } from "ts-mls/pathSecrets.js";
export { mergePrivateKeyPaths, toPrivateKeyPath, updateLeafKey } from "ts-mls/privateKeyPath.js";
export {
  decodePrivateMessageContent,
  decryptSenderData,
  encodePrivateContentAAD,
  toAuthenticatedContent,
} from "ts-mls/privateMessage.js";
export { processMessage } from "ts-mls/processMessages.js";
export { emptyPskIndex } from "ts-mls/pskIndex.js";
export { addLeafNode, removeLeafNode } from "ts-mls/ratchetTree.js";
export { encodeRequiredCapabilities } from "ts-mls/requiredCapabilities.js";
export { deriveKey, derivePrivateMessageNonce } from "ts-mls/secretTree.js";
export { encodeLeafNodeHashInput, encodeParentNodeHashInput, treeHashRoot } from "ts-mls/treeHash.js";
export { encodeParentHashInput } from "ts-mls/parentHash.js";
export { directPath, leafToNodeIndex, toLeafIndex, toNodeIndex } from "ts-mls/treemath.js";
export { createUpdatePath, firstCommonAncestor } from "ts-mls/updatePath.js";
export { decryptGroupInfo, decryptGroupSecrets, encryptGroupInfo, encryptGroupSecrets } from "ts-mls/welcome.js";

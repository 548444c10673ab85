/** The GroupInfo of an epoch: what somebody needs to come in. @module */
import type { CiphersuiteImpl, GroupContext, GroupInfo, RatchetTree } from "ts-mls";
import { dataOfContext } from "./config.ts";
import { leafAt } from "./leaves.ts";
import { refused } from "./refuse.ts";
import { library } from "./library.ts";
import { functionsOf } from "./provider.ts";
import { asClientState, type GroupState } from "./state.ts";
import { writeMessage } from "./wire.ts";

/** Bytes of a group id. */
export const GROUP_ID_BYTES = 32;

/** A serialized GroupInfo with the tree and the key for external commits, signed by our leaf. */
export async function groupInfoOf(state: GroupState): Promise<Uint8Array> {
  const { createGroupInfoWithExternalPubAndRatchetTree } = await library();
  const functions = await functionsOf(state.suite);
  const groupInfo = await createGroupInfoWithExternalPubAndRatchetTree(asClientState(state), [], functions);
  return writeMessage({ version: "mls10", wireformat: "mls_group_info", groupInfo });
}

/** Throws `bad_group_message` unless a group is one that qight makes, in this suite. */
export function checkContext(context: GroupContext, suite: CiphersuiteImpl): void {
  if (context.cipherSuite !== suite.name) throw refused("the group is of another suite");
  if (context.groupId.length !== GROUP_ID_BYTES) throw refused("a group id has 32 bytes");
  if (context.epoch > BigInt(Number.MAX_SAFE_INTEGER)) throw refused("its epoch is too large");
  dataOfContext(context.extensions);
}

/** Throws `bad_group_message` unless the member that a GroupInfo names has signed it. */
export async function checkSigner(info: GroupInfo, tree: RatchetTree, suite: CiphersuiteImpl): Promise<void> {
  const { verifyGroupInfoSignature } = await library();
  const { signaturePublicKey } = leafAt(tree, info.signer);
  const signed = await verifyGroupInfoSignature(info, signaturePublicKey, suite.signature);
  if (!signed) throw refused("the signature of its GroupInfo is not valid");
}

/** What is left of an epoch when the next begins: keys to read what waits unread, and no private key too many. @module */
import type { CiphersuiteImpl, PrivateKeyPath, RatchetTree } from "ts-mls";
import { equal } from "../equal.ts";
import { memberAt, membersOf } from "./leaves.ts";
import { library } from "./library.ts";
import type { PastEpoch } from "./past.ts";
import { refused } from "./refuse.ts";
import { epochTag, type GroupState } from "./state.ts";

/** What is kept of a state's epoch when it ends: nothing to seal with, and nothing of our own messages. */
export function endedEpoch(state: GroupState, endedAtMs: number): PastEpoch {
  const { epoch, secretTree } = state;
  const tree = epoch.ratchetTree;
  const others = membersOf(tree).filter(({ leaf }) => leaf !== epoch.privatePath.leafIndex);
  return {
    context: epoch.groupContext,
    senderDataSecret: epoch.keySchedule.senderDataSecret,
    tag: epochTag(state),
    endedAtMs,
    senders: others.map(({ leaf }) => {
      const node = tree[leaf * 2];
      if (node?.nodeType !== "leaf") throw refused("a member has no leaf");
      return {
        ...memberAt(tree, leaf),
        signatureKey: node.leaf.signaturePublicKey,
        ratchet: secretTree[leaf * 2].application,
      };
    }),
  };
}

/** Without the private keys of nodes that are blank now: ts-mls would keep them for ever. */
export function prunedPath({ leafIndex, privateKeys }: PrivateKeyPath, tree: RatchetTree): PrivateKeyPath {
  const kept = Object.entries(privateKeys).filter(([index]) => tree[Number(index)] !== undefined);
  return { leafIndex, privateKeys: Object.fromEntries(kept) };
}

/**
 * Throws `bad_group_message` unless our private keys are those of the tree's nodes. A commit whose path shows one key and
 * seals another passes ts-mls, and would lock us out at the next one. Keys that are in `before` were checked then.
 */
export async function checkOwnKeys(
  path: PrivateKeyPath,
  tree: RatchetTree,
  { hpke }: CiphersuiteImpl,
  before?: PrivateKeyPath,
): Promise<void> {
  const { directPath, leafToNodeIndex, toLeafIndex } = await library();
  const own = leafToNodeIndex(toLeafIndex(path.leafIndex));
  await Promise.all([own, ...directPath(own, (tree.length + 1) / 2)].map(async (index) => {
    const node = tree[index];
    if (node === undefined) return;
    const secret = path.privateKeys[index];
    if (secret === undefined) {
      // We came after this node was made: it lists us, and commits are sealed to our leaf besides it.
      if (node.nodeType === "parent" && node.parent.unmergedLeaves.includes(path.leafIndex)) return;
      throw refused("it keeps a key of ours from us");
    }
    if (before !== undefined && before.privateKeys[index] === secret) return;
    const shown = node.nodeType === "leaf" ? node.leaf.hpkePublicKey : node.parent.hpkePublicKey;
    const { enc, ct } = await hpke.seal(await hpke.importPublicKey(shown), PROBE, PROBE);
    const key = await hpke.importPrivateKey(secret);
    const opened = await hpke.open(key, enc, ct, PROBE).catch((cause) => {
      throw refused("it seals other keys to us than it shows", cause);
    });
    if (!equal(opened, PROBE)) throw refused("it seals other keys to us than it shows");
  }));
}

const PROBE = new TextEncoder().encode("qight: does this key fit?");

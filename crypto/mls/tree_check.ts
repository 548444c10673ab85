/**
 * Checks a whole ratchet tree from others, as one who joins must (RFC 9420 sections 7.9 and 12.4.3.1).
 *
 * ts-mls's own check refuses valid trees: it wants every node above an unmerged leaf to list it, also those above the
 * node that lists it, which a commit in between has emptied. It also walks from leaf numbers that are not in the tree.
 * @module
 */
import type { CiphersuiteImpl, GroupContext, LeafNode, ParentNode, RatchetTree } from "ts-mls";
import { equal } from "../equal.ts";
import { MAX_MEMBERS } from "./config.ts";
import { credentialIsValid } from "./credential.ts";
import { checkLeaf, checkUnique } from "./leaves.ts";
import { type Library, library } from "./library.ts";
import { refused } from "./refuse.ts";

/** Throws `bad_group_message` unless the tree is whole, every leaf is signed and certified, and its hash is the group's. */
export async function checkTree(tree: RatchetTree, context: GroupContext, suite: CiphersuiteImpl): Promise<void> {
  if (tree.length > MAX_MEMBERS * 4) throw refused("its group is too large");
  const parts = await library();
  checkPlaces(tree);
  const leaves = [...tree.entries()].flatMap(([index, node]) => node?.nodeType === "leaf" ? [{ index, node }] : []);
  if (leaves.length > MAX_MEMBERS) throw refused("its group has too many members");
  for (const { node } of leaves) checkLeaf(node.leaf, suite.name);
  checkUnique(tree);
  await Promise.all(leaves.map(({ index, node }) => checkSignatures(parts, node.leaf, index / 2, context, suite)));
  await checkHashes(tree, context.treeHash, suite);
}

/** Throws `bad_group_message` unless leaves and nodes are where they belong, and unmerged leaves are listed rightly. */
export function checkPlaces(tree: RatchetTree): void {
  for (const [index, node] of tree.entries()) {
    if (node === undefined) continue;
    if ((node.nodeType === "leaf") !== (index % 2 === 0)) throw refused("its tree has a node in the wrong place");
    if (node.nodeType === "parent") checkUnmerged(tree, index, node.parent);
  }
}

/** Throws `bad_group_message` unless every node was made by a member below it, and the tree's hash is this one. */
export async function checkHashes(tree: RatchetTree, treeHash: Uint8Array, suite: CiphersuiteImpl): Promise<void> {
  const hashes = new Hashes(tree, suite, await library());
  for (const [index, node] of tree.entries()) {
    if (node?.nodeType === "parent") await checkParentHash(hashes, tree, index, node.parent);
  }
  if (!equal(await hashes.of(rootOf(tree)), treeHash)) throw refused("its tree is not the group's");
}

/** Index of the root. The length of a tree in memory is always 2^n - 1. */
function rootOf(tree: RatchetTree): number {
  return (tree.length - 1) / 2;
}

async function checkSignatures(
  parts: Library,
  leaf: LeafNode,
  place: number,
  context: GroupContext,
  suite: CiphersuiteImpl,
): Promise<void> {
  if (!await credentialIsValid(leaf.credential, leaf.signaturePublicKey)) throw refused("a leaf is not certified");
  const signed = leaf.leafNodeSource === "key_package"
    ? parts.verifyLeafNodeSignatureKeyPackage(leaf, suite.signature)
    : parts.verifyLeafNodeSignature(leaf, context.groupId, place, suite.signature);
  if (!await signed) throw refused("the signature of a leaf is not valid");
}

/** Unmerged leaves are below the node, in order, and listed by every node between. */
function checkUnmerged(tree: RatchetTree, index: number, { unmergedLeaves }: ParentNode): void {
  const [first, last] = below(index);
  let before = -1;
  for (const leaf of unmergedLeaves) {
    const at = leaf * 2;
    if (leaf <= before || at < first || at > last || tree[at] === undefined) {
      throw refused("its tree lists a wrong leaf");
    }
    before = leaf;
    for (let between = parentOf(at); between !== index; between = parentOf(between)) {
      const node = tree[between];
      if (node?.nodeType === "parent" && !node.parent.unmergedLeaves.includes(leaf)) {
        throw refused("a node of its tree hides a new leaf");
      }
    }
  }
}

/** RFC 9420 section 7.9.2: some node below was made in the same commit as this one. */
async function checkParentHash(hashes: Hashes, tree: RatchetTree, index: number, parent: ParentNode): Promise<void> {
  const half = 1 << (levelOf(index) - 1);
  const [left, right] = [index - half, index + half];
  for (const [child, sibling] of [[left, right], [right, left]]) {
    const [first, last] = below(child);
    const unmerged = parent.unmergedLeaves.map((leaf) => leaf * 2).filter((at) => at >= first && at <= last);
    const candidates = resolutionOf(tree, child).filter((at) => !unmerged.includes(at));
    // The resolution without the unmerged leaves is exactly the node that was made with this one.
    if (candidates.length !== 1) continue;
    const node = tree[candidates[0]];
    const stored = node?.nodeType === "parent"
      ? node.parent.parentHash
      : node?.leaf.leafNodeSource === "commit"
      ? node.leaf.parentHash
      : undefined;
    if (stored === undefined) continue;
    if (equal(stored, await hashes.parentHash(parent, sibling))) return;
  }
  throw refused("a node of its tree was not made by a member");
}

/** Tree hashes (section 7.8), each computed once. */
class Hashes {
  readonly #tree: RatchetTree;
  readonly #suite: CiphersuiteImpl;
  readonly #parts: Library;
  readonly #known = new Map<number, Promise<Uint8Array>>();

  constructor(tree: RatchetTree, suite: CiphersuiteImpl, parts: Library) {
    this.#tree = tree;
    this.#suite = suite;
    this.#parts = parts;
  }

  of(index: number): Promise<Uint8Array> {
    let hash = this.#known.get(index);
    if (hash === undefined) this.#known.set(index, hash = this.#without(index, []));
    return hash;
  }

  async parentHash(parent: ParentNode, sibling: number): Promise<Uint8Array> {
    const originalSiblingTreeHash = await this.#before(sibling, parent.unmergedLeaves);
    const { hpkePublicKey: encryptionKey, parentHash } = parent;
    return await this.#suite.hash.digest(
      this.#parts.encodeParentHashInput({ encryptionKey, parentHash, originalSiblingTreeHash }),
    );
  }

  /** The hash of a subtree as it was before some leaves came. */
  #before(index: number, gone: readonly number[]): Promise<Uint8Array> {
    const [first, last] = below(index);
    const inside = gone.filter((leaf) => leaf * 2 >= first && leaf * 2 <= last);
    return inside.length === 0 ? this.of(index) : this.#without(index, inside);
  }

  async #without(index: number, gone: readonly number[]): Promise<Uint8Array> {
    const node = this.#tree[index];
    if (index % 2 === 0) {
      const leafNode = node?.nodeType === "leaf" && !gone.includes(index / 2) ? node.leaf : undefined;
      const input = this.#parts.encodeLeafNodeHashInput({
        nodeType: "leaf",
        leafIndex: this.#parts.toLeafIndex(index / 2),
        leafNode,
      });
      return await this.#suite.hash.digest(input);
    }
    const half = 1 << (levelOf(index) - 1);
    const children = (at: number) => gone.length === 0 ? this.of(at) : this.#before(at, gone);
    const [leftHash, rightHash] = await Promise.all([children(index - half), children(index + half)]);
    const parentNode = node?.nodeType === "parent"
      ? { ...node.parent, unmergedLeaves: node.parent.unmergedLeaves.filter((leaf) => !gone.includes(leaf)) }
      : undefined;
    const input = this.#parts.encodeParentNodeHashInput({ nodeType: "parent", parentNode, leftHash, rightHash });
    return await this.#suite.hash.digest(input);
  }
}

/** RFC 9420 section 4.1.1. */
function resolutionOf(tree: RatchetTree, index: number): number[] {
  const node = tree[index];
  if (node?.nodeType === "parent") return [index, ...node.parent.unmergedLeaves.map((leaf) => leaf * 2)];
  if (node !== undefined) return [index];
  if (index % 2 === 0) return [];
  const half = 1 << (levelOf(index) - 1);
  return [...resolutionOf(tree, index - half), ...resolutionOf(tree, index + half)];
}

/** Appendix C: a node's level is the number of ones at the end of its index. */
function levelOf(index: number): number {
  return 31 - Math.clz32(~index & (index + 1));
}

/** The node above; of the root, a node outside the tree. */
function parentOf(index: number): number {
  const level = levelOf(index);
  return (index | (1 << level)) & ~(1 << (level + 1));
}

/** The first and last leaf below a node. */
function below(index: number): [number, number] {
  const reach = (1 << levelOf(index)) - 1;
  return [index - reach, index + reach];
}

/**
 * Merkle trees with SHA-256 as RFC 9162 section 2.1 makes them (the trees of Certificate Transparency): leaf hash =
 * SHA-256(0x00 + leaf), inner hash = SHA-256(0x01 + left + right), the left half is the largest full one.
 *
 * @example
 * ```ts
 * import { leafHash, MerkleTree, rootOfProof } from "./merkle.ts";
 * import assert from "node:assert/strict";
 *
 * const leaves = ["a", "b", "c"].map((text) => leafHash(new TextEncoder().encode(text)));
 * const tree = new MerkleTree(leaves);
 * assert.deepEqual(rootOfProof(leaves[2], 2, 3, tree.proof(2)), tree.root);
 * ```
 * @module
 */
import { QightError } from "../proto/errors.ts";
import { concat } from "./concat.ts";
import { sha256Sync } from "./sha256.ts";

/** Bytes of every hash in a tree. */
export const HASH_BYTES = 32;
/** Most leaves of a tree here: a size is a u32 on the wire. */
const MAX_LEAVES = 0xffffffff;

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** Hash of a leaf's bytes; the 0x00 in front keeps a leaf from passing for an inner node. */
export function leafHash(leaf: Uint8Array): Uint8Array {
  return sha256Sync(concat(LEAF, leaf));
}

/** A tree over leaf hashes, all in memory: about two hashes for each leaf. */
export class MerkleTree {
  /** From the leaves to the root; a node without a neighbour is in the next level as it is. */
  readonly #levels: (readonly Uint8Array[])[];

  /** Throws `invariant` without leaves. */
  constructor(leafHashes: readonly Uint8Array[]) {
    if (leafHashes.length === 0) throw new QightError("invariant", "A tree needs a leaf");
    this.#levels = [leafHashes];
    for (let level = leafHashes; level.length > 1; this.#levels.push(level)) level = parentsOf(level);
  }

  /** How many leaves there are. */
  get size(): number {
    return this.#levels[0].length;
  }

  /** Hash of the whole tree, 32 bytes. */
  get root(): Uint8Array {
    return this.#levels[this.#levels.length - 1][0];
  }

  /** Inclusion proof of one leaf, from its neighbour upwards (RFC 9162 section 2.1.3.1). Throws `invariant` outside. */
  proof(index: number): Uint8Array[] {
    if (!Number.isInteger(index) || index < 0 || index >= this.size) {
      throw new QightError("invariant", `The tree has ${this.size} leaves, none at ${index}`);
    }
    const path: Uint8Array[] = [];
    for (let at = index, level = 0; level < this.#levels.length - 1; at >>>= 1, level++) {
      const neighbour = this.#levels[level][at ^ 1];
      if (neighbour !== undefined) path.push(neighbour);
    }
    return path;
  }
}

/**
 * The root that an inclusion proof leads to, or null when index, size and length of the proof do not fit together
 * (RFC 9162 section 2.1.3.2). The caller compares it with a root that it trusts.
 */
export function rootOfProof(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Uint8Array | null {
  if (!isCount(index) || !isCount(size) || index >= size) return null;
  let fn = index, sn = size - 1, hash = leaf;
  for (const neighbour of path) {
    if (sn === 0 || neighbour.length !== HASH_BYTES) return null;
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(neighbour, hash);
      while (fn % 2 === 0 && fn !== 0) {
        fn >>>= 1;
        sn >>>= 1;
      }
    } else {
      hash = nodeHash(hash, neighbour);
    }
    fn >>>= 1;
    sn >>>= 1;
  }
  return sn === 0 ? hash : null;
}

function parentsOf(level: readonly Uint8Array[]): Uint8Array[] {
  const parents: Uint8Array[] = [];
  for (let at = 0; at < level.length; at += 2) {
    parents.push(at + 1 < level.length ? nodeHash(level[at], level[at + 1]) : level[at]);
  }
  return parents;
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256Sync(concat(NODE, left, right));
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_LEAVES;
}

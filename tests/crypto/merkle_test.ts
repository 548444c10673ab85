/** Merkle trees against the published roots of RFC 6962's test tree, and against RFC 9162's definition read literally. @module */
import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex, hex } from "../../crypto/hex.ts";
import { leafHash, MerkleTree, rootOfProof } from "../../crypto/merkle.ts";
import { createHash } from "node:crypto";

/** The eight leaves of Certificate Transparency's reference implementation and the root of the first 1, 2, … of them. */
const published: readonly (readonly [string, string])[] = [
  ["", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"],
  ["00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
  ["10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"],
  ["2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"],
  ["3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"],
  ["40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"],
  ["5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"],
  ["606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"],
];

for (const [at, [, root]] of published.entries()) {
  Deno.test(`the published tree of ${at + 1} leaves has its published root`, () => {
    const leaves = published.slice(0, at + 1).map(([leaf]) => leafHash(fromHex(leaf)));
    const tree = new MerkleTree(leaves);
    assert.equal(hex(tree.root), root);
    for (const [index, leaf] of leaves.entries()) {
      assert.deepEqual(rootOfProof(leaf, index, leaves.length, tree.proof(index)), tree.root);
    }
  });
}

/** MTH of RFC 9162 section 2.1.1, word for word. */
function mth(d: readonly Uint8Array[]): Uint8Array {
  if (d.length === 1) return sha(0, d[0]);
  const k = largestPowerBelow(d.length);
  return sha(1, mth(d.slice(0, k)), mth(d.slice(k)));
}

/** PATH of RFC 9162 section 2.1.3.1, word for word. */
function path(m: number, d: readonly Uint8Array[]): Uint8Array[] {
  if (d.length === 1) return [];
  const k = largestPowerBelow(d.length);
  return m < k ? [...path(m, d.slice(0, k)), mth(d.slice(k))] : [...path(m - k, d.slice(k)), mth(d.slice(0, k))];
}

function sha(prefix: number, ...parts: Uint8Array[]): Uint8Array {
  const hash = createHash("sha256").update(Uint8Array.of(prefix));
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

function largestPowerBelow(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

const leaves = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 70 });
const leavesAndPlace = leaves.chain((d) => fc.tuple(fc.constant(d), fc.nat(d.length - 1)));

Deno.test("roots and proofs are those of RFC 9162's recursive definition, and each proof leads to its root", () => {
  fc.assert(fc.property(leavesAndPlace, ([d, index]) => {
    const hashes = d.map(leafHash);
    const tree = new MerkleTree(hashes);
    assert.deepEqual(tree.root, mth(d));
    assert.deepEqual(tree.proof(index), path(index, d));
    assert.deepEqual(rootOfProof(hashes[index], index, d.length, tree.proof(index)), tree.root);
  }));
});

Deno.test("a proof that is one step too short or too long, or of another place or size, never leads to the root", () => {
  fc.assert(fc.property(leavesAndPlace, fc.nat(80), fc.nat(80), ([d, index], otherIndex, otherSize) => {
    const hashes = d.map((leaf, at) => leafHash(Uint8Array.of(at, ...leaf))); // all different
    const tree = new MerkleTree(hashes);
    const proof = tree.proof(index);
    const leaf = hashes[index], size = d.length;
    const leadsThere = (at: number, of: number, steps: Uint8Array[]) => {
      const root = rootOfProof(leaf, at, of, steps);
      return root !== null && hex(root) === hex(tree.root);
    };
    assert.equal(rootOfProof(leaf, index, size, [...proof, tree.root]), null);
    if (proof.length > 0) assert.equal(rootOfProof(leaf, index, size, proof.slice(1)), null);
    if (proof.length > 0) assert.equal(rootOfProof(leaf, index, size, proof.slice(0, -1)), null);
    if (otherIndex !== index) assert.equal(leadsThere(otherIndex, size, proof), false);
    // Another size may lead to the same root: the signature covers the size as well.
    const elsewhere = rootOfProof(leaf, index, otherSize, proof);
    assert.ok(elsewhere === null || elsewhere.length === 32);
  }));
});

const nonsense: readonly (readonly [string, number, number, Uint8Array[]])[] = [
  ["a place at the end of the tree", 2, 2, [new Uint8Array(32)]],
  ["an empty tree", 0, 0, []],
  ["a place below zero", -1, 2, [new Uint8Array(32)]],
  ["half a place", 0.5, 2, [new Uint8Array(32)]],
  ["a size above u32", 0, 2 ** 32, Array.from({ length: 32 }, () => new Uint8Array(32))],
  ["a step of 31 bytes", 0, 2, [new Uint8Array(31)]],
  ["a step of no bytes", 0, 2, [new Uint8Array(0)]],
];
for (const [what, index, size, steps] of nonsense) {
  Deno.test(`a proof with ${what} leads nowhere`, () => {
    assert.equal(rootOfProof(new Uint8Array(32), index, size, steps), null);
  });
}

Deno.test("a leaf cannot pass for an inner node", () => {
  const [left, right] = [leafHash(Uint8Array.of(1)), leafHash(Uint8Array.of(2))];
  const tree = new MerkleTree([left, right]);
  assert.notDeepEqual(leafHash(Uint8Array.of(...left, ...right)), tree.root);
});

Deno.test("a tree without leaves and a place outside are faults of the program", () => {
  assert.throws(() => new MerkleTree([]), { code: "invariant" });
  const tree = new MerkleTree([leafHash(new Uint8Array(1))]);
  for (const index of [-1, 1, 0.5]) assert.throws(() => tree.proof(index), { code: "invariant" });
});

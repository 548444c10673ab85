/** The leaves of a group's tree, and what makes one of them acceptable. @module */
import type { Capabilities, CiphersuiteName, KeyPackage, LeafNode, RatchetTree } from "ts-mls";
import { equal } from "../equal.ts";
import { hex } from "../hex.ts";
import { capabilitiesOf, LAST_RESORT_EXTENSION } from "./config.ts";
import { type Member, readCredential } from "./credential.ts";
import { refused } from "./refuse.ts";

/** Longest life of a KeyPackage, in seconds. */
export const MAX_LIFETIME_S = 90n * 86_400n;

/** The leaf at a place; throws `bad_group_message` when there is none. */
export function leafAt(tree: RatchetTree, leaf: number): LeafNode {
  const node = tree[leaf * 2];
  if (node?.nodeType !== "leaf") throw refused(`there is no member at leaf ${leaf}`);
  return node.leaf;
}

/** The member at a place; throws `bad_group_message` when there is none. */
export function memberAt(tree: RatchetTree, leaf: number): Member {
  return memberOf(leafAt(tree, leaf), leaf);
}

/** Who a leaf is. */
export function memberOf(node: LeafNode, leaf: number): Member {
  return { leaf, ...readCredential(node.credential) };
}

/** All members, in the order of their leaves. */
export function membersOf(tree: RatchetTree): Member[] {
  const members: Member[] = [];
  for (let leaf = 0; leaf * 2 < tree.length; leaf++) {
    const node = tree[leaf * 2];
    if (node?.nodeType === "leaf") members.push(memberOf(node.leaf, leaf));
  }
  return members;
}

/** The place of a device; null when it is no member. */
export function leafOfDevice(tree: RatchetTree, device: Uint8Array): number | null {
  return membersOf(tree).find((member) => equal(member.device, device))?.leaf ?? null;
}

/**
 * Throws `bad_group_message` unless all leaves and nodes have keys of their own and no device has two leaves. ts-mls
 * does not ask whether the keys of a new leaf are in the tree already (RFC 9420 section 7.3 wants it).
 */
export function checkUnique(tree: RatchetTree): void {
  const keys = new Set<string>();
  const once = (bytes: Uint8Array, what: string) => {
    const name = what + hex(bytes);
    if (keys.has(name)) throw refused(`two members have the same ${what}`);
    keys.add(name);
  };
  for (const node of tree) {
    if (node === undefined) continue;
    once(node.nodeType === "leaf" ? node.leaf.hpkePublicKey : node.parent.hpkePublicKey, "key");
    if (node.nodeType !== "leaf") continue;
    once(node.leaf.signaturePublicKey, "signature key");
    once(readCredential(node.leaf.credential).device, "device");
  }
}

/** Throws `bad_group_message` unless a leaf is one that qight makes. Signatures and credential are asked elsewhere. */
export function checkLeaf(leaf: LeafNode, suite: CiphersuiteName): void {
  if (leaf.extensions.length > 0) throw refused("a leaf has extensions");
  if (leaf.credential.credentialType !== "basic") throw refused("a leaf's credential is not of qight");
  if (!includesAll(leaf.capabilities, capabilitiesOf(suite))) throw refused("a leaf cannot do what the group needs");
  if (leaf.leafNodeSource === "update") throw refused("a leaf comes from an update");
  if (leaf.leafNodeSource !== "key_package") return;
  const { notBefore, notAfter } = leaf.lifetime;
  if (notAfter <= notBefore || notAfter - notBefore > MAX_LIFETIME_S) throw refused("a leaf lives longer than 90 days");
}

/** Throws `bad_group_message` unless a KeyPackage is one that qight makes, for this suite. */
export function checkKeyPackage(keyPackage: KeyPackage, suite: CiphersuiteName): void {
  if (keyPackage.cipherSuite !== suite) throw refused("a KeyPackage is for another suite");
  checkLeaf(keyPackage.leafNode, suite);
  const { extensions } = keyPackage;
  if (extensions.length > 1 || (extensions.length === 1 && !isLastResort(keyPackage))) {
    throw refused("a KeyPackage has extensions");
  }
  if (equal(keyPackage.initKey, keyPackage.leafNode.hpkePublicKey)) throw refused("a KeyPackage uses one key twice");
}

/** Whether a KeyPackage may be used more than once. */
export function isLastResort({ extensions }: KeyPackage): boolean {
  return extensions[0]?.extensionType === LAST_RESORT_EXTENSION && extensions[0].extensionData.length === 0;
}

/**
 * Throws `bad_group_message` unless a KeyPackage is valid at a time (milliseconds since 1970), or expired at most
 * `graceMs` before. An hour is forgiven to clocks.
 */
export function checkLifetime(keyPackage: KeyPackage, nowMs: number, graceMs = 0): void {
  const { notBefore, notAfter } = keyPackage.leafNode.lifetime;
  if (nowMs + CLOCK_SKEW_MS < Number(notBefore) * 1000) throw refused("a KeyPackage is not valid yet");
  if (nowMs > Number(notAfter) * 1000 + graceMs) throw refused("a KeyPackage has expired");
}

const CLOCK_SKEW_MS = 3_600_000;

function includesAll(has: Capabilities, needs: Capabilities): boolean {
  return needs.versions.every((version) => has.versions.includes(version)) &&
    needs.ciphersuites.every((suite) => has.ciphersuites.includes(suite)) &&
    needs.extensions.every((type) => has.extensions.includes(type)) &&
    needs.credentials.every((type) => has.credentials.includes(type));
}

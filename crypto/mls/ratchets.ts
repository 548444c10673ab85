/**
 * The ratchets of an epoch's leaves: one secret for each leaf that gives a key for each message and is replaced by the
 * next (RFC 9420 section 9.1).
 *
 * Own code for opening, because ts-mls keeps few skipped keys, copies all of them at each step, and gives up after 200.
 * @module
 */
import type { CiphersuiteImpl, GenerationSecret, SecretTree, SecretTreeNode } from "ts-mls";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import { library } from "./library.ts";
import { refused } from "./refuse.ts";

/**
 * How many messages of one sender may be missing in a row: as many as a mailbox holds. A step costs about 10 us.
 */
const MAX_FORWARD = 10_000;
/** How many keys of skipped messages are kept for each sender, the newest; who sends in parallel overtakes himself. */
const MAX_SKIPPED = 1000;

/**
 * The secret behind one message's key, and the ratchet without it. Throws `bad_group_message` for a generation that was
 * used, is too old, or is too far ahead.
 */
export async function takeGeneration(
  ratchet: GenerationSecret,
  generation: number,
  suite: CiphersuiteImpl,
): Promise<{ secret: Uint8Array; next: GenerationSecret }> {
  if (generation < ratchet.generation) {
    const { [generation]: secret, ...unusedGenerations } = ratchet.unusedGenerations;
    if (secret === undefined) throw refused("its key was used already, or is too old");
    return { secret, next: { ...ratchet, unusedGenerations } };
  }
  if (generation - ratchet.generation > MAX_FORWARD) throw refused("too many messages before it are missing");
  const { deriveTreeSecret } = await library();
  const unusedGenerations = generation === ratchet.generation
    ? ratchet.unusedGenerations
    : { ...ratchet.unusedGenerations };
  let { secret } = ratchet;
  for (let now = ratchet.generation;; now++) {
    const following = await deriveTreeSecret(secret, "secret", now, suite.kdf.size, suite.kdf);
    if (now === generation) {
      const next = { secret: following, generation: now + 1, unusedGenerations: newest(unusedGenerations) };
      return { secret, next };
    }
    if (generation - now <= MAX_SKIPPED) unusedGenerations[now] = secret;
    secret = following;
  }
}

function newest(skipped: Record<number, Uint8Array>): Record<number, Uint8Array> {
  const generations = Object.keys(skipped); // ascending: integer keys are
  for (const old of generations.slice(0, Math.max(0, generations.length - MAX_SKIPPED))) delete skipped[Number(old)];
  return skipped;
}

/**
 * The ratchets of a fresh epoch (RFC 9420 section 9): for leaves that have a member, and nothing for inner nodes, where
 * ts-mls derives ratchets that nobody uses. `nodes` is the size of the tree.
 */
export async function freshRatchets(
  nodes: number,
  encryptionSecret: Uint8Array,
  suite: CiphersuiteImpl,
  isMember: (leaf: number) => boolean,
): Promise<SecretTree> {
  const { deriveSecret, expandWithLabel } = await library();
  const tree = new Array<SecretTreeNode>(nodes);
  const { size } = suite.kdf;
  const ratchet = async (secret: Uint8Array, label: string) => ({
    secret: await deriveSecret(secret, label, suite.kdf),
    generation: 0,
    unusedGenerations: {},
  });
  const grow = async (first: number, leaves: number, secret: Uint8Array): Promise<void> => {
    if (leaves === 1) {
      if (!isMember(first)) return;
      const [application, handshake] = [await ratchet(secret, "application"), await ratchet(secret, "handshake")];
      tree[first * 2] = { application, handshake };
      return;
    }
    const half = leaves / 2;
    await grow(first, half, await expandWithLabel(secret, "tree", LEFT, size, suite.kdf));
    await grow(first + half, half, await expandWithLabel(secret, "tree", RIGHT, size, suite.kdf));
  };
  await grow(0, (nodes + 1) / 2, encryptionSecret);
  return tree;
}

const LEFT = new TextEncoder().encode("left");
const RIGHT = new TextEncoder().encode("right");

/** A tree of secrets with one leaf's application ratchet replaced. */
export function withApplication(tree: SecretTree, leaf: number, application: GenerationSecret): SecretTree {
  const next = tree.slice();
  next[leaf * 2] = { ...tree[leaf * 2], application };
  return next;
}

/** Writes the ratchets of the leaves that have a member. Those of inner nodes are never used. */
export function writeRatchets(out: ByteWriter, tree: SecretTree, isMember: (leaf: number) => boolean): void {
  const leaves: number[] = [];
  for (let leaf = 0; leaf * 2 < tree.length; leaf++) {
    if (tree[leaf * 2] !== undefined && isMember(leaf)) leaves.push(leaf);
  }
  out.number(leaves.length, 2);
  for (const leaf of leaves) {
    out.number(leaf, 2);
    writeRatchet(out, tree[leaf * 2].application);
    writeRatchet(out, tree[leaf * 2].handshake);
  }
}

/** Reads what `writeRatchets` wrote; `nodes` is the size of the tree. */
export function readRatchets(input: ByteReader, nodes: number, secretBytes: number): SecretTree {
  const tree = new Array<SecretTreeNode>(nodes);
  for (let left = input.number(2); left > 0; left--) {
    const at = input.number(2) * 2;
    if (at >= nodes) throw refused("a ratchet is outside the tree");
    tree[at] = { application: readRatchet(input, secretBytes), handshake: readRatchet(input, secretBytes) };
  }
  return tree;
}

/** Writes one ratchet. */
export function writeRatchet(out: ByteWriter, { secret, generation, unusedGenerations }: GenerationSecret): void {
  out.number(generation, 4);
  out.fixed(secret);
  const skipped = Object.entries(unusedGenerations);
  out.number(skipped.length, 2);
  for (const [number, unused] of skipped) {
    out.number(Number(number), 4);
    out.fixed(unused);
  }
}

/** Reads one ratchet. */
export function readRatchet(input: ByteReader, secretBytes: number): GenerationSecret {
  const generation = input.number(4);
  const secret = input.fixed(secretBytes);
  const unusedGenerations: Record<number, Uint8Array> = {};
  for (let left = input.number(2); left > 0; left--) {
    const number = input.number(4);
    unusedGenerations[number] = input.fixed(secretBytes);
  }
  return { secret, generation, unusedGenerations };
}

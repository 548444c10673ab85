/**
 * Signed receipts: a relay's word that it accepted a message, which its holder can show to others. One signature covers
 * a Merkle tree (RFC 9162) of messages accepted together; each receipt carries its leaf and the way up to the root.
 *
 * Layout: `Receipt` {1: relay's root key (32), 2: leaf, 3: index, 4: size, 5: path (32 each), 6: signature (64)}; leaf =
 * serialized `ReceiptLeaf` {1: mailbox (32), 2: seq, 3: id (16), 4: body hash (32), 5: received ms}; the signature
 * covers `"qight receipt v1\0"` + `ReceiptTree` {1: version 1, 2: relay's root key, 3: size, 4: tree hash}.
 *
 * @example
 * ```ts
 * import { openReceipt, signReceipts } from "./receipt.ts";
 * import { generateSeed, signerFromSeed } from "./ed25519.ts";
 * import assert from "node:assert/strict";
 *
 * const relay = await signerFromSeed(generateSeed());
 * const accepted = [1, 2].map((seq) => ({
 *   mailbox: new Uint8Array(32).fill(7),
 *   seq,
 *   id: new Uint8Array(16).fill(seq),
 *   bodyHash: new Uint8Array(32).fill(seq),
 *   receivedAtMs: 1_770_000_000_000,
 * }));
 * const [first, second] = await signReceipts(relay, accepted);
 * assert.deepEqual((await openReceipt(second, relay.publicKey)).seq, 2);
 *
 * first[first.length - 1] ^= 1;
 * await assert.rejects(openReceipt(first, relay.publicKey), { code: "bad_receipt" });
 * ```
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { QightError } from "../proto/errors.ts";
import { ReceiptLeafSchema, ReceiptSchema, ReceiptTreeSchema } from "../proto/gen/qight/v1/receipt_pb.ts";
import { decodeCanonical, safeNumber } from "./canonical.ts";
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";
import { PUBLIC_KEY_BYTES, SIGNATURE_BYTES, type Signer, verifyEd25519 } from "./ed25519.ts";
import { ENVELOPE_ID_BYTES } from "./envelope.ts";
import { equal } from "./equal.ts";
import { HASH_BYTES, leafHash, MerkleTree, rootOfProof } from "./merkle.ts";

/** Longest serialized `Receipt`: its fields, and a path of 32 hashes. */
const MAX_RECEIPT_BYTES = 2048;

/** What a relay says about one accepted message. */
export interface ReceiptFields {
  /** Device key of the recipient, 32 bytes. */
  readonly mailbox: Uint8Array;
  /** The message's number in that mailbox, from 1. */
  readonly seq: number;
  /** The message's id, 16 bytes. */
  readonly id: Uint8Array;
  /** SHA-256 of the envelope's body, 32 bytes. */
  readonly bodyHash: Uint8Array;
  /** When the relay accepted it by its own clock, milliseconds since 1970; 0 = before it kept this time. */
  readonly receivedAtMs: number;
}

/** Makes one tree over the messages, signs it once with the relay's root key, and gives each its serialized `Receipt`. */
export async function signReceipts(root: Signer, messages: readonly ReceiptFields[]): Promise<Uint8Array[]> {
  const leaves = messages.map(encodeLeaf);
  const tree = new MerkleTree(leaves.map(leafHash));
  const signature = await root.sign(signedBytes(root.publicKey, tree.size, tree.root));
  return leaves.map((leaf, index) => {
    const path = tree.proof(index);
    const fields = { relay: root.publicKey, leaf, index, size: tree.size, path, signature };
    return toBinary(ReceiptSchema, create(ReceiptSchema, fields));
  });
}

/**
 * Reads a serialized `Receipt` and checks that the relay with this root key (32 bytes) signed it. Throws `bad_receipt`,
 * whose words say what is wrong: malformed, of another relay, a proof that fits no tree, or altered.
 */
export async function openReceipt(bytes: Uint8Array, root: Uint8Array): Promise<ReceiptFields> {
  const receipt = decodeCanonical(ReceiptSchema, bytes, MAX_RECEIPT_BYTES, "bad_receipt");
  const { relay, leaf, index, size, path, signature } = receipt;
  if (relay.length !== PUBLIC_KEY_BYTES) throw bad(`its relay key is ${relay.length} bytes, not 32`);
  if (signature.length !== SIGNATURE_BYTES) throw bad(`its signature is ${signature.length} bytes, not 64`);
  const fields = decodeLeaf(leaf);
  if (!equal(relay, root)) throw bad("it is by another relay, so it says nothing about this one");
  const tree = rootOfProof(leafHash(leaf), index, size, path);
  if (tree === null) {
    throw bad(`its proof of ${path.length} steps does not belong to place ${index} in a tree of ${size}`);
  }
  if (!await verifyEd25519(root, signedBytes(root, size, tree), signature)) {
    throw bad("the relay did not sign this; it was altered, or put together from two receipts");
  }
  return fields;
}

/** Throws `bad_receipt` unless the receipt is about exactly this message; say as much of it as is known. */
export function checkReceiptIsFor(receipt: ReceiptFields, message: Partial<ReceiptFields>): void {
  const { mailbox, seq, id, bodyHash } = message;
  if (mailbox && !equal(receipt.mailbox, mailbox)) throw bad("it is about another mailbox");
  if (id && !equal(receipt.id, id)) throw bad(`it is about another message, ${receipt.id.toHex()}`);
  if (seq !== undefined && receipt.seq !== seq) throw bad(`it says number ${receipt.seq}, the relay's answer ${seq}`);
  if (bodyHash && !equal(receipt.bodyHash, bodyHash)) throw bad("it is about other content under the same id");
}

function encodeLeaf({ mailbox, seq, id, bodyHash, receivedAtMs }: ReceiptFields): Uint8Array {
  const leaf = { mailbox, seq: BigInt(seq), id, bodyHash, receivedAtMs: BigInt(receivedAtMs) };
  return toBinary(ReceiptLeafSchema, create(ReceiptLeafSchema, leaf));
}

function decodeLeaf(bytes: Uint8Array): ReceiptFields {
  const leaf = decodeCanonical(ReceiptLeafSchema, bytes, MAX_RECEIPT_BYTES, "bad_receipt");
  const { mailbox, id, bodyHash } = leaf;
  if (mailbox.length !== PUBLIC_KEY_BYTES) throw bad(`its mailbox is ${mailbox.length} bytes, not 32`);
  if (id.length !== ENVELOPE_ID_BYTES) throw bad(`its message id is ${id.length} bytes, not 16`);
  if (bodyHash.length !== HASH_BYTES) throw bad(`its body hash is ${bodyHash.length} bytes, not 32`);
  const seq = safeNumber(leaf.seq, "The receipt's number", "bad_receipt");
  if (seq === 0) throw bad("it has no number in the mailbox");
  const receivedAtMs = safeNumber(leaf.receivedAtMs, "The receipt's time", "bad_receipt");
  return { mailbox, seq, id, bodyHash, receivedAtMs };
}

function signedBytes(relay: Uint8Array, size: number, rootHash: Uint8Array): Uint8Array {
  const tree = create(ReceiptTreeSchema, { version: 1, relay, size, rootHash });
  return concat(domains.receipt, toBinary(ReceiptTreeSchema, tree));
}

function bad(why: string): QightError {
  return new QightError("bad_receipt", `The receipt proves nothing: ${why}`);
}

/**
 * Franking: an envelope commits to the content that it carries encrypted. Who can open it can later show others what was
 * sent, and nobody can show anything else: the commitment is under the sender's signature, and opening it to other
 * content takes a collision of SHA-256. To all who lack the key it says nothing (the key is random and as long as the
 * hash). After Grubbs, Lu, Ristenpart, "Message Franking via Committing Authenticated Encryption" (CRYPTO 2017), §4: a
 * commitment of its own is needed, because AES-GCM and ChaCha20-Poly1305 open one ciphertext under several keys.
 *
 * Layout: commitment (32) = SHA-256(`"qight franking v1\0"` + franking key (32) + serialized `Content`).
 * @module
 */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";
import { equal } from "./equal.ts";
import { sha256 } from "./sha256.ts";

/** Bytes of a franking key. */
export const FRANKING_KEY_BYTES = 32;
/** Bytes of a commitment. */
export const COMMITMENT_BYTES = 32;

/** The commitment (32 bytes) to serialized content under a random franking key of 32 bytes, used for this message alone. */
export function commitTo(frankingKey: Uint8Array, content: Uint8Array): Promise<Uint8Array> {
  return sha256(concat(domains.franking, frankingKey, content));
}

/** Whether key and serialized content open a commitment; false also for a key or a commitment of another length. */
export async function opensCommitment(
  commitment: Uint8Array,
  frankingKey: Uint8Array,
  content: Uint8Array,
): Promise<boolean> {
  if (commitment.length !== COMMITMENT_BYTES || frankingKey.length !== FRANKING_KEY_BYTES) return false;
  return equal(commitment, await commitTo(frankingKey, content));
}

/**
 * The serialized `Content` exactly as it stands in a serialized message, where it is field `field`: encoding it anew would
 * lose what a later version added. Null when it is not there exactly once, or the message does not parse.
 */
export function committedContent(message: Uint8Array, field: number): Uint8Array | null {
  const reader = new BinaryReader(message);
  let found: Uint8Array | null = null;
  try {
    while (reader.pos < reader.len) {
      const [number, type] = reader.tag();
      if (number !== field) reader.skip(type, number);
      // Readers merge a message that stands there twice (protobuf.dev, "Last One Wins"): no single bytes would be what was said.
      else if (type !== WireType.LengthDelimited || found) return null;
      else found = reader.bytes();
    }
  } catch {
    return null; // the caller refuses the message
  }
  return found;
}

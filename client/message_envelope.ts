/**
 * One envelope as an object: made, signed, checked, and turned to bytes and back. Device-key layer: no account, no seal.
 * @module
 */
import {
  CONTENT_PLAIN,
  type EnvelopeFields,
  type OpenedEnvelope,
  parseEnvelope,
  signEnvelope,
  verifyEnvelope,
} from "../crypto/envelope.ts";
import type { Signer } from "../crypto/ed25519.ts";
import { QightError } from "../proto/errors.ts";

/** What an envelope is made from; what is left out is chosen by `create`. */
export type NewEnvelope =
  & Pick<EnvelopeFields, "sender" | "recipient" | "payload">
  & Partial<Pick<EnvelopeFields, "id" | "createdAtMs" | "ttlS" | "contentType">>;

/**
 * A message on its way from one device key to another.
 *
 * @example
 * ```ts
 * import { genKeypair, MessageEnvelope } from "../mod.ts";
 * import assert from "node:assert/strict";
 *
 * const ada = await genKeypair();
 * const bob = await genKeypair();
 * const envelope = await MessageEnvelope.create({
 *   sender: ada.publicKey,
 *   recipient: bob.publicKey,
 *   payload: new TextEncoder().encode("hi"),
 * }).sign(ada);
 *
 * const received = MessageEnvelope.fromBytes(envelope.toBytes());
 * await received.verify();
 * assert.equal(new TextDecoder().decode(received.payload), "hi");
 * ```
 */
export class MessageEnvelope {
  readonly #fields: EnvelopeFields;
  readonly #opened: OpenedEnvelope | null;

  private constructor(fields: EnvelopeFields, opened: OpenedEnvelope | null) {
    this.#fields = fields;
    this.#opened = opened;
  }

  /** A new envelope, not yet signed; a random id, the present time, the relay's TTL and plain content unless given. */
  static create(fields: NewEnvelope): MessageEnvelope {
    return new MessageEnvelope({
      id: crypto.getRandomValues(new Uint8Array(16)),
      createdAtMs: Date.now(),
      ttlS: 0,
      contentType: CONTENT_PLAIN,
      ...fields,
    }, null);
  }

  /** Parses a serialized SignedEnvelope; `bad_envelope` when its form is wrong. The signature is checked by `verify`. */
  static fromBytes(bytes: Uint8Array): MessageEnvelope {
    const opened = parseEnvelope(bytes);
    return new MessageEnvelope(opened, opened);
  }

  /** The signed envelope; `bad_envelope` when the signer is not the sender. */
  async sign(signer: Signer): Promise<MessageEnvelope> {
    return MessageEnvelope.fromBytes(await signEnvelope(signer, this.#fields));
  }

  /** Throws `bad_signature` unless the sender signed exactly this. */
  async verify(): Promise<void> {
    await verifyEnvelope(this.#signed());
  }

  /** The serialized SignedEnvelope; throws `bad_envelope` before `sign`. */
  toBytes(): Uint8Array {
    return this.#signed().bytes;
  }

  /** 16 bytes. */
  get id(): Uint8Array {
    return this.#fields.id;
  }

  /** Device key of the sender, 32 bytes. */
  get sender(): Uint8Array {
    return this.#fields.sender;
  }

  /** Device key of the recipient, 32 bytes. */
  get recipient(): Uint8Array {
    return this.#fields.recipient;
  }

  /** Milliseconds since 1970 by the sender's clock. */
  get createdAtMs(): number {
    return this.#fields.createdAtMs;
  }

  /** Seconds; 0 = the relay's default. */
  get ttlS(): number {
    return this.#fields.ttlS;
  }

  /** The content. */
  get payload(): Uint8Array {
    return this.#fields.payload;
  }

  #signed(): OpenedEnvelope {
    if (this.#opened) return this.#opened;
    throw new QightError("bad_envelope", "The envelope is not signed yet");
  }
}

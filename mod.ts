/**
 * qight as a library: keys, signed envelopes, and a client of a relay.
 *
 * @example
 * ```ts
 * import { genKeypair, signMessage, verifyMessage } from "./mod.ts";
 * import assert from "node:assert/strict";
 *
 * const ada = await genKeypair();
 * const bytes = new TextEncoder().encode("release 1.0");
 * const signature = await signMessage(ada, bytes);
 * assert.equal(await verifyMessage(ada.publicKey, bytes, signature), true);
 * bytes[0] ^= 1;
 * assert.equal(await verifyMessage(ada.publicKey, bytes, signature), false);
 * ```
 *
 * @example A relay client speaks for a device key.
 * ```ts ignore
 * import { genKeypair, RelayClient } from "./mod.ts";
 *
 * await using relay = await RelayClient.connect("qight://ROOT@127.0.0.1:4433", { signer: await genKeypair() });
 * for await (const event of relay.fetch()) console.log(event);
 * ```
 * @module
 */
export { genKey, genKeypair, type Keypair } from "./client/keypair.ts";
export { MessageEnvelope, type NewEnvelope } from "./client/message_envelope.ts";
export { type ConnectOptions, type DeliveryEvent, type FetchOptions, RelayClient } from "./client/relay_client.ts";
export type { SendOptions, SendOutcome, SendReceipt, SignedReceipt } from "./client/relay_client.ts";
export type { Signer } from "./crypto/ed25519.ts";
export { openReceipt, type ReceiptFields } from "./crypto/receipt.ts";
export { signMessage, verifyMessage } from "./crypto/signed_message.ts";
export { type ErrorCode, QightError } from "./proto/errors.ts";

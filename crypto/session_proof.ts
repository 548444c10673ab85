/**
 * Proves to a relay which device speaks: a signature over both nonces, the relay that was dialled and the relay's root,
 * so that no relay can carry a proof to another one.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { SessionProofBodySchema } from "../proto/gen/qight/v1/session_pb.ts";
import { concat } from "./concat.ts";
import { domains } from "./domains.ts";
import { type Signer, verifyEd25519 } from "./ed25519.ts";

/** What a session proof covers; both sides know all of it, it never travels. */
export interface SessionProofFields {
  /** How the connection runs: "quic", "websocket" (or "memory" in tests). */
  readonly transport: string;
  /** The 43 characters of ROOT that were dialled, or `host:port` when dialled without. */
  readonly dialled: string;
  /** The client's nonce, 32 bytes. */
  readonly clientNonce: Uint8Array;
  /** The relay's nonce, 32 bytes, single use. */
  readonly relayNonce: Uint8Array;
  /** The device key, 32 bytes. */
  readonly device: Uint8Array;
  /** The relay's root key, 32 bytes. */
  readonly root: Uint8Array;
}

/**
 * The signed bytes: `"qight session v1\0"`, then the serialized `SessionProofBody`
 * {1: version 1, 2: transport, 3: dialled, 4: client nonce, 5: relay nonce, 6: role "client", 7: device, 8: root}.
 */
export function sessionProofMessage(fields: SessionProofFields): Uint8Array {
  const { transport, dialled, clientNonce, relayNonce, device, root } = fields;
  const body = create(SessionProofBodySchema, {
    version: 1,
    transport,
    dialled,
    clientNonce,
    relayNonce,
    role: "client",
    device,
    root,
  });
  return concat(domains.session, toBinary(SessionProofBodySchema, body));
}

/** Signs a session proof (64 bytes) with the device's key. */
export async function signSessionProof(
  signer: Signer,
  fields: Omit<SessionProofFields, "device">,
): Promise<Uint8Array> {
  return await signer.sign(sessionProofMessage({ ...fields, device: signer.publicKey }));
}

/** Whether the signature proves that `device` speaks on this very connection. */
export async function verifySessionProof(
  device: Uint8Array,
  signature: Uint8Array,
  fields: Omit<SessionProofFields, "device">,
): Promise<boolean> {
  return await verifyEd25519(device, sessionProofMessage({ ...fields, device }), signature);
}

/**
 * HELLO: proves the device to the relay that was dialled, and learns the relay's time and limits.
 * @module
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Signer } from "../crypto/ed25519.ts";
import { equal } from "../crypto/equal.ts";
import { signSessionProof } from "../crypto/session_proof.ts";
import { formatHostPort, type RelayAddress } from "../net/address.ts";
import type { Connection } from "../net/connection.ts";
import { QightError } from "../proto/errors.ts";
import {
  type HelloAccepted,
  type HelloChallenge,
  HelloRequestSchema,
  type HelloResponse,
  SessionService,
} from "../proto/gen/qight/v1/session_pb.ts";
import { type Random, systemRandom } from "./clock.ts";
import type { Rpc } from "./rpc.ts";

/** What HELLO told us. */
export interface Session {
  /** The relay's clock at HELLO, milliseconds since 1970. */
  readonly nowMs: number;
  /** Longest life of a message, seconds; at most 90 days are believed. */
  readonly maxTtlS: number;
  /** Life of a message that asks for none, seconds. */
  readonly defaultTtlS: number;
  /** Largest content, bytes. */
  readonly maxMessage: number;
  /** Largest serialized SignedEnvelope, bytes. */
  readonly maxEnvelope: number;
  /** The relay's root key, 32 bytes. */
  readonly root: Uint8Array;
  readonly relayVersion: string;
  /** False when the relay's store does not survive a restart. */
  readonly durable: boolean;
}

/** Who says hello, and to whom. */
export interface HelloOptions {
  /** The relay as it was dialled. */
  address: Pick<RelayAddress, "root" | "host" | "port">;
  /** The device; without one the session may only look around. */
  signer?: Signer;
  /** Access token in token mode. */
  token?: string;
  /** Serialized Bundle, so that an allow list knows the account of a device that has not published yet. */
  bundle?: Uint8Array;
  random?: Random;
  timeoutMs?: number;
  /** Name and version of the program, for the relay's log. */
  program?: string;
}

/**
 * Says hello on a fresh connection. Throws `wrong_relay` before anything is signed when the relay's root key is not the
 * one that was dialled.
 */
export async function hello(rpc: Rpc, connection: Connection, options: HelloOptions): Promise<Session> {
  const clientNonce = (options.random ?? systemRandom)(32);
  const timeoutMs = options.timeoutMs ?? HELLO_TIMEOUT_MS;
  const call = await rpc.bidi(SessionService.method.hello, { timeoutMs });
  const replies = call.responses[Symbol.asyncIterator]();
  try {
    const device = options.signer?.publicKey ?? new Uint8Array(0);
    await call.send(request({
      case: "start",
      value: { version: PROTOCOL_VERSION, clientNonce, device, client: options.program ?? "qight" },
    }));
    const { root, relayNonce } = step(await replies.next(), "challenge") as HelloChallenge;
    checkRoot(root, relayNonce, options.address);
    const dialled = dialledName(options.address);
    const proof = { transport: connection.transport, dialled, clientNonce, relayNonce, root };
    await call.send(request({
      case: "proof",
      value: {
        dialled,
        signature: options.signer ? await signSessionProof(options.signer, proof) : new Uint8Array(0),
        token: options.token ?? "",
        bundle: options.bundle ?? new Uint8Array(0),
      },
    }));
    const accepted = step(await replies.next(), "accepted") as HelloAccepted;
    await call.end();
    await replies.next(); // the explicit end
    return sessionFrom(accepted, root);
  } finally {
    call.cancel();
  }
}

/** What the proof names: the 43 characters of ROOT, or `host:port` when dialled without. */
export function dialledName(address: Pick<RelayAddress, "root" | "host" | "port">): string {
  if (!address.root) return formatHostPort(address.host, address.port);
  return address.root.toBase64({ alphabet: "base64url", omitPadding: true });
}

const PROTOCOL_VERSION = 1;
const HELLO_TIMEOUT_MS = 10_000;
// docs/protocol.md, session proof: a client believes at most 90 days, else a lying relay could make it keep keys for ever.
const MAX_BELIEVED_TTL_S = 90 * 24 * 60 * 60;
// A lying relay must not make us take frames without end.
const MAX_BELIEVED_ENVELOPE = 64 * 1024 * 1024;

function sessionFrom(accepted: HelloAccepted, root: Uint8Array): Session {
  const maxTtlS = Math.min(accepted.maxTtlS, MAX_BELIEVED_TTL_S);
  return {
    nowMs: Number(accepted.nowMs),
    maxTtlS,
    defaultTtlS: Math.min(accepted.defaultTtlS, maxTtlS),
    maxMessage: Math.min(accepted.maxMessage, MAX_BELIEVED_ENVELOPE),
    maxEnvelope: Math.min(accepted.maxEnvelope, MAX_BELIEVED_ENVELOPE),
    root: root.slice(),
    relayVersion: accepted.relayVersion,
    durable: accepted.durable,
  };
}

function checkRoot(root: Uint8Array, relayNonce: Uint8Array, address: Pick<RelayAddress, "root">): void {
  if (root.length !== 32 || relayNonce.length !== 32) {
    throw new QightError("protocol", "The relay's challenge is malformed");
  }
  if (address.root && !equal(root, address.root)) {
    throw new QightError("wrong_relay", "The relay showed another root key than the one its address names");
  }
}

function request(step: MessageInitShape<typeof HelloRequestSchema>["step"]) {
  return create(HelloRequestSchema, { step });
}

function step(reply: IteratorResult<HelloResponse, void>, wanted: "challenge" | "accepted") {
  if (reply.done || reply.value.step.case !== wanted) {
    throw new QightError("protocol", `The relay did not answer HELLO with its ${wanted}`);
  }
  return reply.value.step.value;
}

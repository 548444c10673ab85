/**
 * Hello, ping and capabilities: who speaks, and whether the relay admits them.
 * @module
 */
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { openBundle } from "../../crypto/bundle.ts";
import { checkPublicKey } from "../../crypto/ed25519.ts";
import { verifySessionProof } from "../../crypto/session_proof.ts";
import { type ErrorCode, QightError } from "../../proto/errors.ts";
import {
  CapabilitiesRequestSchema,
  CapabilitiesResponseSchema,
  type HelloProof,
  HelloRequestSchema,
  HelloResponseSchema,
  type HelloStart,
  PingRequestSchema,
  PingResponseSchema,
} from "../../proto/gen/qight/v1/session_pb.ts";
import type { Admission } from "../admission.ts";
import type { CallContext } from "../dispatch.ts";
import { decode } from "../request_reader.ts";
import { mailboxKey } from "../mailboxes.ts";
import type { Session } from "../peer.ts";
import { signedInBy } from "../sessions.ts";

/** A challenge is good for this long, once (docs/protocol.md, Session proof). */
const CHALLENGE_MS = 10_000;
const PROTOCOL_VERSION = 1;

/** What the relay says about itself. */
export interface RelayFacts {
  readonly root: Uint8Array; // root key, 32 bytes
  readonly version: string;
  readonly durable: boolean;
  readonly transports: readonly string[];
  /** True when a client may have dialled this (ROOT, or a host:port that is ours). */
  dialled(name: string): boolean;
  readonly maxTtlMs: number;
  readonly defaultTtlMs: number;
  readonly maxMessage: number;
  readonly maxEnvelope: number;
  readonly authMode: string;
}

/** What the session service needs of the relay. */
export interface SessionRoom {
  readonly facts: () => RelayFacts;
  readonly admission: Admission;
  /** Hears of sessions that were not admitted and of false proofs, for the audit log, and from where they came. */
  readonly refused: (code: ErrorCode, ip: string) => void;
  /** Hears of devices that were admitted. */
  readonly seen: (device: Uint8Array) => void;
  readonly methods: readonly number[];
  readonly now: () => number;
}

/** Hello: start, challenge, proof, accepted; one stream, two messages each way. */
export async function hello(room: SessionRoom, call: CallContext): Promise<void> {
  if (call.peer.session) throw new QightError("protocol", "This connection has said hello already");
  const facts = room.facts();
  const start = await nextStep(call, "start") as HelloStart;
  if (start.version !== PROTOCOL_VERSION) {
    throw new QightError("protocol", `The relay speaks version ${PROTOCOL_VERSION}, the client ${start.version}`);
  }
  if (start.clientNonce.length !== 32) throw new QightError("protocol", "The client's nonce is not 32 bytes");
  const device = start.device.length === 0 ? null : start.device;
  if (device) checkPublicKey(device);

  const relayNonce = crypto.getRandomValues(new Uint8Array(32));
  const challengedAt = room.now();
  await answer(call, { case: "challenge", value: { relayNonce, root: facts.root } });

  const proof = await nextStep(call, "proof") as HelloProof;
  if (room.now() - challengedAt > CHALLENGE_MS) throw new QightError("bad_proof", "The proof came too late");
  if (!facts.dialled(proof.dialled)) {
    throw new QightError("bad_proof", "The proof names another relay than this one");
  }
  if (device && !await proofIsValid(call, facts, start, relayNonce, proof, device)) {
    room.refused("bad_proof", call.peer.connection.peer.hostname);
    throw new QightError("bad_proof");
  }

  const bundle = proof.bundle.length > 0 ? await openBundle(proof.bundle) : null;
  // From here on whoever ends this device's sessions ends this call, too.
  if (device) call.peer.proving.add(mailboxKey(device));
  const refusal = await room.admission.refusal({ device, token: proof.token, bundle });
  if (call.served.reason) throw call.served.reason;
  // Who has yet to sign in is nobody to be noted: every new device comes so.
  if (refusal && refusal.code !== "login_needed") room.refused(refusal.code, call.peer.connection.peer.hostname);
  const sessionId = crypto.getRandomValues(new Uint8Array(16));
  const session: Session = {
    id: sessionId.toHex(),
    device,
    mailbox: device ? mailboxKey(device) : "",
    refusal,
    ...signedInBy(proof.token),
  };
  // Two hellos on one connection may race each other up to here.
  if (call.peer.session) throw new QightError("protocol", "This connection has said hello already");
  call.peer.session = session;
  call.peer.proving.clear();
  if (device && !refusal) room.seen(device);
  await answer(call, {
    case: "accepted",
    value: {
      nowMs: BigInt(room.now()),
      maxTtlS: Math.floor(facts.maxTtlMs / 1000),
      defaultTtlS: Math.floor(facts.defaultTtlMs / 1000),
      maxMessage: facts.maxMessage,
      maxEnvelope: facts.maxEnvelope,
      sessionId,
      relayVersion: facts.version,
      durable: facts.durable,
    },
  });
  await call.reply.end();
}

/** Ping: the same bytes back, and the relay's clock. */
export async function ping(room: SessionRoom, call: CallContext): Promise<void> {
  const { data } = await call.requests.only(PingRequestSchema);
  const pong = create(PingResponseSchema, { data, nowMs: BigInt(room.now()) });
  await call.reply.send(toBinary(PingResponseSchema, pong));
}

/** Capabilities: what this relay can do. */
export async function capabilities(room: SessionRoom, call: CallContext): Promise<void> {
  await call.requests.only(CapabilitiesRequestSchema);
  const facts = room.facts();
  const answer = create(CapabilitiesResponseSchema, {
    relayVersion: facts.version,
    methods: [...room.methods],
    authMode: facts.authMode,
    transports: [...facts.transports],
    maxMessage: facts.maxMessage,
    maxTtlS: Math.floor(facts.maxTtlMs / 1000),
    durable: facts.durable,
  });
  await call.reply.send(toBinary(CapabilitiesResponseSchema, answer));
}

function proofIsValid(
  call: CallContext,
  facts: RelayFacts,
  start: HelloStart,
  relayNonce: Uint8Array,
  proof: HelloProof,
  device: Uint8Array,
): Promise<boolean> {
  return verifySessionProof(device, proof.signature, {
    transport: call.peer.connection.transport,
    dialled: proof.dialled,
    clientNonce: start.clientNonce,
    relayNonce,
    root: facts.root,
  });
}

async function nextStep(call: CallContext, wanted: "start" | "proof"): Promise<HelloStart | HelloProof> {
  const bytes = await call.requests.next();
  if (bytes === null) throw new QightError("protocol", `Hello ended before its ${wanted}`);
  const { step } = decode(() => fromBinary(HelloRequestSchema, bytes, { readUnknownFields: false }));
  if (step.case !== wanted) throw new QightError("protocol", `Hello expects its ${wanted}`);
  return step.value;
}

function answer(call: CallContext, step: MessageInitShape<typeof HelloResponseSchema>["step"]): Promise<void> {
  return call.reply.send(toBinary(HelloResponseSchema, create(HelloResponseSchema, { step })));
}

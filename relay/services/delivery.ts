/**
 * Mail in: single sends, batches, and the pipelined stream of sends.
 * @module
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { asQightError, errorTable, QightError } from "../../proto/errors.ts";
import {
  AwaitRoomRequestSchema,
  AwaitRoomResponseSchema,
  SendBatchRequestSchema,
  SendBatchResponseSchema,
  type SendOutcome,
  SendOutcomeSchema,
  SendRequestSchema,
  SendResponseSchema,
} from "../../proto/gen/qight/v1/delivery_pb.ts";
import { FailureSchema } from "../../proto/gen/qight/v1/frame_pb.ts";
import type { CallContext } from "../dispatch.ts";
import { decode } from "../request_reader.ts";
import { mailboxKey } from "../mailboxes.ts";
import { type AcceptanceRoom, type Accepted, checkEnvelope, countRefusal, storeEnvelope } from "./acceptance.ts";
import { receiptOutcome } from "./receipts.ts";

/** Sends of one pipelined call that may be under way at once. */
const PIPELINE = 256;
/** Envelopes in one SendBatch call. */
const MAX_BATCH = 256;

/** Send: answered when the envelope is on disk. */
export async function send(room: AcceptanceRoom, call: CallContext): Promise<void> {
  const { envelope } = await call.requests.only(SendRequestSchema);
  try {
    const accepted = await storeEnvelope(room, await checkEnvelope(room, call.peer, envelope));
    await call.reply.send(toBinary(SendResponseSchema, create(SendResponseSchema, onWire(accepted))));
  } catch (thrown) {
    const error = asQightError(thrown);
    countRefusal(room, error);
    throw error;
  }
}

/** SendForReceipt: like Send, and the signed receipt follows the answer. */
export async function sendForReceipt(room: AcceptanceRoom, call: CallContext): Promise<void> {
  const { envelope } = await call.requests.only(SendRequestSchema);
  let stored: Accepted;
  try {
    stored = await storeEnvelope(room, await checkEnvelope(room, call.peer, envelope));
  } catch (thrown) {
    const error = asQightError(thrown);
    countRefusal(room, error);
    throw error;
  }
  const answered = call.reply.send(toBinary(SendOutcomeSchema, accepted(stored)));
  const [receipt] = await Promise.all([receiptOutcome(room, stored), answered]);
  await call.reply.send(receipt);
  await call.reply.end();
}

/** SendMany: checks run side by side, the store sees input order, answers come in input order. */
export async function sendMany(room: AcceptanceRoom, call: CallContext): Promise<void> {
  let answering: Promise<void> = Promise.resolve();
  let underWay = 0;
  let wakeReader: (() => void) | null = null;
  let storing: Promise<unknown> = Promise.resolve();
  let receipting: Promise<void> = Promise.resolve();
  let broken: unknown = null;
  const done = () => {
    underWay--;
    wakeReader?.();
    wakeReader = null;
  };
  const fail = (thrown: unknown) => {
    broken ??= thrown;
    done();
  };
  // What asked for a receipt is under way until the transport took it: whoever reads none holds up only themselves.
  const writeReceipt = async (made: Promise<Uint8Array>) => void call.reply.send(await made).then(done, fail);
  for (;;) {
    if (underWay >= PIPELINE) await new Promise<void>((resolve) => wakeReader = resolve);
    const request = await nextRequest(call);
    if (broken) throw broken;
    if (request === null) break;
    underWay++;
    const { envelope: bytes, receipt } = request;
    const checked = settle(checkEnvelope(room, call.peer, bytes));
    // The next envelope is handed to the store after this one, whatever its check took.
    const handed = storing.then(async () => {
      const result = await checked;
      return { outcome: result.error ? null : settle(storeEnvelope(room, result.value!)), error: result.error };
    });
    storing = handed;
    const answer = async () => {
      const { outcome, error } = await handed;
      const stored = outcome ? await outcome : { error: error!, value: undefined };
      if (stored.error) countRefusal(room, stored.error);
      call.requests.done(bytes.length);
      const receipted = receipt && stored.value !== undefined;
      if (!receipted) done();
      const message = stored.error ? failed(stored.error) : accepted(stored.value!);
      const sent = call.reply.send(toBinary(SendOutcomeSchema, message));
      if (receipted) {
        const made = receiptOutcome(room, stored.value!);
        receipting = receipting.then(() => writeReceipt(made)).catch(fail);
      }
      if (underWay === 0 || underWay >= PIPELINE - 1) await sent;
    };
    answering = answering.then(answer).catch((thrown) => {
      broken ??= thrown;
    });
  }
  await answering;
  await receipting;
  if (broken) throw broken;
  await call.reply.end();
}

/** SendBatch: all of one frame, answered together. */
export async function sendBatch(room: AcceptanceRoom, call: CallContext): Promise<void> {
  const { envelopes } = await call.requests.only(SendBatchRequestSchema);
  if (envelopes.length > MAX_BATCH) {
    throw new QightError("message_too_large", `A batch holds at most ${MAX_BATCH} envelopes`);
  }
  const checks = envelopes.map((envelope) => settle(checkEnvelope(room, call.peer, envelope)));
  const stores: Promise<Settled<Accepted>>[] = [];
  for (const check of checks) {
    const { error, value } = await check;
    stores.push(error ? Promise.resolve({ error }) : settle(storeEnvelope(room, value!)));
  }
  const outcomes = (await Promise.all(stores)).map(({ error, value }) => {
    if (error) countRefusal(room, error);
    return error ? failed(error) : accepted(value!);
  });
  await call.reply.send(toBinary(SendBatchResponseSchema, create(SendBatchResponseSchema, { outcomes })));
}

/** AwaitRoom: answers when the recipient's mailbox has shrunk to three quarters of its limits. */
export async function awaitRoom(room: AcceptanceRoom, call: CallContext): Promise<void> {
  const { recipient } = await call.requests.only(AwaitRoomRequestSchema);
  call.requests.watchForReset();
  let wake: () => void = () => {};
  const stop = room.mailboxes.awaitRoom(mailboxKey(recipient), () => wake());
  try {
    for (;;) {
      const changed = new Promise<void>((resolve) => wake = resolve);
      const size = await room.store.room(recipient);
      if (size === null) throw new QightError("no_such_recipient");
      const { maxQueue, maxQueueBytes } = room.store.limits;
      // Three quarters: waking every sender for each single free place would start a storm (as SimpleX learned with its queues).
      if (size.messages <= maxQueue * 0.75 && size.bytes <= maxQueueBytes * 0.75) break;
      await Promise.race([changed, aborted(call.served.signal)]);
    }
  } finally {
    stop();
  }
  await call.reply.send(toBinary(AwaitRoomResponseSchema, create(AwaitRoomResponseSchema)));
}

/** Rejects with the signal's reason when it aborts. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

interface Settled<T> {
  readonly value?: T;
  readonly error?: QightError;
}

function settle<T>(promise: Promise<T>): Promise<Settled<T>> {
  return promise.then((value) => ({ value }), (thrown) => ({ error: asQightError(thrown) }));
}

async function nextRequest(call: CallContext): Promise<{ envelope: Uint8Array; receipt: boolean } | null> {
  const bytes = await call.requests.next();
  if (bytes === null) return null;
  return decode(() => fromBinary(SendRequestSchema, bytes, { readUnknownFields: false }));
}

function onWire(accepted: Accepted) {
  return {
    seq: BigInt(accepted.seq),
    expiresAtMs: BigInt(accepted.expiresAtMs),
    duplicate: accepted.duplicate,
  };
}

function accepted(value: Accepted): SendOutcome {
  return create(SendOutcomeSchema, { kind: { case: "accepted", value: create(SendResponseSchema, onWire(value)) } });
}

function failed(error: QightError): SendOutcome {
  const failure = create(FailureSchema, {
    number: errorTable[error.code].number,
    message: error.code === "internal" ? errorTable.internal.sentence : error.message,
    retryAfterMs: error.retryAfterMs ?? 0,
  });
  return create(SendOutcomeSchema, { kind: { case: "failure", value: failure } });
}

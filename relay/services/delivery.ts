/**
 * Mail in, one call an envelope or a batch; the pipelined stream of sends is in pipeline.ts.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { asQightError, QightError } from "../../proto/errors.ts";
import {
  AwaitRoomRequestSchema,
  AwaitRoomResponseSchema,
  SendBatchRequestSchema,
  SendBatchResponseSchema,
  SendOutcomeSchema,
  SendRequestSchema,
  SendResponseSchema,
} from "../../proto/gen/qight/v1/delivery_pb.ts";
import type { CallContext } from "../dispatch.ts";
import { mailboxKey } from "../mailboxes.ts";
import { type AcceptanceRoom, type Accepted, checkEnvelope, countRefusal, storeEnvelope } from "./acceptance.ts";
import { receiptOutcome } from "./receipts.ts";
import { acceptedOutcome, failedOutcome, responseOf, settle, type Settled } from "./send_outcome.ts";

/** Envelopes in one SendBatch call. */
const MAX_BATCH = 256;

/** Send: answered when the envelope is on disk. */
export async function send(room: AcceptanceRoom, call: CallContext): Promise<void> {
  const { envelope } = await call.requests.only(SendRequestSchema);
  await countingRefusals(room, async () => {
    const accepted = await storeEnvelope(room, await checkEnvelope(room, call.peer, envelope));
    await call.reply.send(toBinary(SendResponseSchema, responseOf(accepted)));
  });
}

/** SendForReceipt: like Send, and the signed receipt follows the answer. */
export async function sendForReceipt(room: AcceptanceRoom, call: CallContext): Promise<void> {
  const { envelope } = await call.requests.only(SendRequestSchema);
  const stored = await countingRefusals(
    room,
    async () => storeEnvelope(room, await checkEnvelope(room, call.peer, envelope)),
  );
  const answered = call.reply.send(toBinary(SendOutcomeSchema, acceptedOutcome(stored)));
  const [receipt] = await Promise.all([receiptOutcome(room, stored), answered]);
  await call.reply.send(receipt);
  await call.reply.end();
}

async function countingRefusals<T>(room: AcceptanceRoom, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const error = asQightError(thrown);
    countRefusal(room, error);
    throw error;
  }
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
    return error ? failedOutcome(error) : acceptedOutcome(value!);
  });
  await call.reply.send(toBinary(SendBatchResponseSchema, create(SendBatchResponseSchema, { outcomes })));
}

/** AwaitRoom: answers when the recipient's mailbox has shrunk to three quarters of its limits. */
export async function awaitRoom(room: AcceptanceRoom, call: CallContext): Promise<void> {
  const { recipient } = await call.requests.only(AwaitRoomRequestSchema);
  call.requests.watchForReset();
  const { signal } = call.served;
  let wake: () => void = () => {};
  const stop = room.mailboxes.awaitRoom(mailboxKey(recipient), () => wake());
  signal.addEventListener("abort", () => wake(), { once: true });
  try {
    for (;;) {
      const changed = new Promise<void>((resolve) => wake = resolve);
      signal.throwIfAborted();
      const size = await room.store.room(recipient);
      if (size === null) throw new QightError("no_such_recipient");
      const { maxQueue, maxQueueBytes } = room.store.limits;
      // Three quarters: waking every sender for each single free place would start a storm (as SimpleX learned with its queues).
      if (size.messages <= maxQueue * 0.75 && size.bytes <= maxQueueBytes * 0.75) break;
      await changed;
    }
  } finally {
    stop();
  }
  await call.reply.send(toBinary(AwaitRoomResponseSchema, create(AwaitRoomResponseSchema)));
}

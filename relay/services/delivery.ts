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
import { checkEnvelope, countRefusal, storeEnvelope } from "./acceptance.ts";
import type { AcceptanceRoom, Accepted } from "./acceptance_room.ts";
import { receiptOutcomes } from "./receipts.ts";
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

/** SendForReceipt: like Send, and the signed receipt follows the answer; of a group message one for each who has it. */
export async function sendForReceipt(room: AcceptanceRoom, call: CallContext): Promise<void> {
  const { envelope } = await call.requests.only(SendRequestSchema);
  const stored = await countingRefusals(
    room,
    async () => storeEnvelope(room, await checkEnvelope(room, call.peer, envelope)),
  );
  const answered = call.reply.send(toBinary(SendOutcomeSchema, acceptedOutcome(stored)));
  const [receipts] = await Promise.all([receiptOutcomes(room, stored), answered]);
  await call.reply.send(...receipts);
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

/** AwaitRoom: answers when the recipient's mailbox, or one of a group's, has shrunk to three quarters of its limits. */
export async function awaitRoom(room: AcceptanceRoom, call: CallContext): Promise<void> {
  const { recipient } = await call.requests.only(AwaitRoomRequestSchema);
  call.requests.watchForReset();
  const { signal } = call.served;
  let wake: () => void = () => {};
  signal.addEventListener("abort", () => wake(), { once: true });
  using stops = new DisposableStack();
  const members = await room.store.groups.others(recipient, call.peer.device);
  const devices = members ?? [recipient];
  for (const device of devices) stops.defer(room.mailboxes.awaitRoom(mailboxKey(device), () => wake()));
  for (;;) {
    const changed = new Promise<void>((resolve) => wake = resolve);
    signal.throwIfAborted();
    if (await someHasRoom(room, devices)) break;
    await changed;
  }
  await call.reply.send(toBinary(AwaitRoomResponseSchema, create(AwaitRoomResponseSchema)));
}

async function someHasRoom({ store }: AcceptanceRoom, devices: readonly Uint8Array[]): Promise<boolean> {
  const { maxQueue, maxQueueBytes } = store.limits;
  const sizes = await Promise.all(devices.map((device) => store.room(device)));
  const known = sizes.filter((size) => size !== null);
  if (known.length === 0 && devices.length > 0) throw new QightError("no_such_recipient");
  // Three quarters: waking every sender for each single free place would start a storm (as SimpleX learned with its queues).
  const hasRoom = known.some(({ messages, bytes }) => messages <= maxQueue * 0.75 && bytes <= maxQueueBytes * 0.75);
  return hasRoom || devices.length === 0;
}

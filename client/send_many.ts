/**
 * Many envelopes over one call, one outcome each in input order, with a bounded window of what is under way.
 * @module
 */
import { asQightError, QightError } from "../proto/errors.ts";
import { DeliveryService, type SendOutcome as WireOutcome } from "../proto/gen/qight/v1/delivery_pb.ts";
import { errorOfFailure } from "./call_frames.ts";
import { ReceiptOrder } from "./receipt_order.ts";
import { receiptOf, type SendOutcome } from "./receipts.ts";
import type { CallOptions, Rpc } from "./rpc.ts";

// The relay works on 256 sends of a call at once and holds 4 MiB of a connection's requests; more only fills buffers.
const WINDOW_MESSAGES = 512;
const WINDOW_BYTES = 2 * 1024 * 1024;

/** Settings of `sendPipelined`. */
export interface PipelineOptions extends CallOptions {
  /** Ask for receipts, which the relay with this root key signs; outcomes come when their receipts are there. */
  receiptsOf?: Uint8Array;
}

/** Sends envelopes as they come and yields their outcomes in the same order. */
export async function* sendPipelined(
  rpc: Rpc,
  envelopes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { receiptsOf, ...options }: PipelineOptions = {},
): AsyncGenerator<SendOutcome, void, undefined> {
  const call = await rpc.bidi(DeliveryService.method.sendMany, options);
  const receipts = receiptsOf ? new ReceiptOrder(receiptsOf) : null;
  const underWay: Uint8Array[] = [];
  let bytesUnderWay = 0;
  const room: { again: () => void } = { again: () => {} };
  let over = false;
  const feed = async () => {
    for await (const envelope of envelopes) {
      while (!over && underWay.length > 0 && (underWay.length >= WINDOW_MESSAGES || bytesUnderWay >= WINDOW_BYTES)) {
        await new Promise<void>((resolve) => room.again = resolve);
      }
      if (over) return;
      underWay.push(envelope);
      bytesUnderWay += envelope.length;
      await call.send({ envelope, receipt: receipts !== null });
    }
    await call.end();
  };
  let fedWrong: QightError | null = null;
  const feeding = feed().catch((thrown) => {
    fedWrong = asQightError(thrown);
    call.cancel();
  });
  try {
    for await (const outcome of call.responses) {
      if (outcome.kind.case === "receipt" && receipts) {
        yield* await receipts.receipt(outcome.kind.value);
        continue;
      }
      const envelope = underWay.shift();
      if (envelope === undefined) throw new QightError("bad_frame", "The relay answered more sends than were made");
      bytesUnderWay -= envelope.length;
      room.again();
      const told = outcomeOf(outcome);
      if (receipts) yield* receipts.outcome(told, envelope);
      else yield told;
    }
    if (receipts) yield* receipts.rest();
    const { length } = underWay;
    if (length > 0) throw new QightError("bad_frame", `The relay left ${length} sends without an answer`);
  } catch (thrown) {
    // What was accepted before the connection broke is accepted, with or without its receipt.
    if (receipts) yield* receipts.rest();
    throw fedWrong ?? thrown;
  } finally {
    over = true;
    room.again();
    call.cancel();
  }
  await feeding;
}

function outcomeOf({ kind }: WireOutcome): SendOutcome {
  switch (kind.case) {
    case "accepted":
      return { kind: "accepted", receipt: receiptOf(kind.value) };
    case "failure":
      return { kind: "failed", error: errorOfFailure(kind.value) };
    default:
      throw new QightError("bad_frame", "An outcome of the relay says nothing");
  }
}

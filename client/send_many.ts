/**
 * Many envelopes over one call, one outcome each in input order, with a bounded window of what is under way.
 * @module
 */
import { asQightError, QightError } from "../proto/errors.ts";
import {
  DeliveryService,
  type SendOutcome as WireOutcome,
  type SendResponse,
} from "../proto/gen/qight/v1/delivery_pb.ts";
import { errorOfFailure } from "./call_frames.ts";
import type { CallOptions, Rpc } from "./rpc.ts";

/** The relay's word that an envelope is on its disk. */
export interface SendReceipt {
  /** Its number in the recipient's mailbox. */
  readonly seq: number;
  /** When the relay forgets it, milliseconds since 1970. */
  readonly expiresAtMs: number;
  /** The same body was there before, with this number. */
  readonly duplicate: boolean;
}

/** What became of one envelope. */
export type SendOutcome =
  | { readonly kind: "accepted"; readonly receipt: SendReceipt }
  | { readonly kind: "failed"; readonly error: QightError };

// The relay works on 256 sends of a call at once and holds 4 MiB of a connection's requests; more only fills buffers.
const WINDOW_MESSAGES = 512;
const WINDOW_BYTES = 2 * 1024 * 1024;

/** Sends envelopes as they come and yields their outcomes in the same order. */
export async function* sendPipelined(
  rpc: Rpc,
  envelopes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: CallOptions = {},
): AsyncGenerator<SendOutcome, void, undefined> {
  const call = await rpc.bidi(DeliveryService.method.sendMany, options);
  const sizes: number[] = [];
  let bytesUnderWay = 0;
  const room: { again: () => void } = { again: () => {} };
  let over = false;
  const feed = async () => {
    for await (const envelope of envelopes) {
      while (!over && sizes.length > 0 && (sizes.length >= WINDOW_MESSAGES || bytesUnderWay >= WINDOW_BYTES)) {
        await new Promise<void>((resolve) => room.again = resolve);
      }
      if (over) return;
      sizes.push(envelope.length);
      bytesUnderWay += envelope.length;
      await call.send({ envelope });
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
      const size = sizes.shift();
      if (size === undefined) throw new QightError("bad_frame", "The relay answered more sends than were made");
      bytesUnderWay -= size;
      room.again();
      yield outcomeOf(outcome);
    }
    if (sizes.length > 0) throw new QightError("bad_frame", `The relay left ${sizes.length} sends without an answer`);
  } catch (thrown) {
    throw fedWrong ?? thrown;
  } finally {
    over = true;
    room.again();
    call.cancel();
  }
  await feeding;
}

/** A SendResponse as the library shows it. */
export function receiptOf({ seq, expiresAtMs, duplicate }: SendResponse): SendReceipt {
  return { seq: Number(seq), expiresAtMs: Number(expiresAtMs), duplicate };
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

/**
 * What became of one send, as the wire says it.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { asQightError, errorTable, type QightError } from "../../proto/errors.ts";
import {
  type SendOutcome,
  SendOutcomeSchema,
  type SendResponse,
  SendResponseSchema,
} from "../../proto/gen/qight/v1/delivery_pb.ts";
import { FailureSchema } from "../../proto/gen/qight/v1/frame_pb.ts";
import type { Accepted } from "./acceptance.ts";

/** One of many, after it has ended well or not. */
export interface Settled<T> {
  readonly value?: T;
  readonly error?: QightError;
}

/** Waits for one of many without letting its failure end the others. */
export function settle<T>(promise: Promise<T>): Promise<Settled<T>> {
  return promise.then((value) => ({ value }), (thrown) => ({ error: asQightError(thrown) }));
}

/** The answer to a send that is on disk. */
export function responseOf({ seq, expiresAtMs, duplicate }: Accepted): SendResponse {
  return create(SendResponseSchema, { seq: BigInt(seq), expiresAtMs: BigInt(expiresAtMs), duplicate });
}

/** The same among the answers to many. */
export function acceptedOutcome(accepted: Accepted): SendOutcome {
  return create(SendOutcomeSchema, { kind: { case: "accepted", value: responseOf(accepted) } });
}

/** The answer to a send that was not taken. */
export function failedOutcome(error: QightError): SendOutcome {
  const failure = create(FailureSchema, {
    number: errorTable[error.code].number,
    message: error.code === "internal" ? errorTable.internal.sentence : error.message,
    retryAfterMs: error.retryAfterMs ?? 0,
  });
  return create(SendOutcomeSchema, { kind: { case: "failure", value: failure } });
}

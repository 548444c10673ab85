/**
 * What became of one send, as the wire says it.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { asQightError, type QightError } from "../../proto/errors.ts";
import {
  type SendOutcome,
  SendOutcomeSchema,
  type SendResponse,
  SendResponseSchema,
} from "../../proto/gen/qight/v1/delivery_pb.ts";
import { wireFailure } from "../reply_writer.ts";
import type { Accepted } from "./acceptance_room.ts";

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
export function responseOf({ seq, expiresAtMs, duplicate, members }: Accepted): SendResponse {
  return create(SendResponseSchema, {
    seq: BigInt(seq),
    expiresAtMs: BigInt(expiresAtMs),
    duplicate,
    members: members.map(({ device, seq, error }) => (
      { device, seq: BigInt(seq), ...(error ? { failure: wireFailure(error) } : {}) }
    )),
  });
}

/** The same among the answers to many. */
export function acceptedOutcome(accepted: Accepted): SendOutcome {
  return create(SendOutcomeSchema, { kind: { case: "accepted", value: responseOf(accepted) } });
}

/** The answer to a send that was not taken. */
export function failedOutcome(error: QightError): SendOutcome {
  return create(SendOutcomeSchema, { kind: { case: "failure", value: wireFailure(error) } });
}

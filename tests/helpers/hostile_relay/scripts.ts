/**
 * Answers that a hostile relay may give: a HELLO that admits everybody, failures, and bytes that mean nothing.
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { encodeFrames } from "../../../proto/frame.ts";
import { type ErrorCode, QightError } from "../../../proto/errors.ts";
import { HelloRequestSchema, HelloResponseSchema } from "../../../proto/gen/qight/v1/session_pb.ts";
import type { ScriptedCall } from "../../client/scripted_relay.ts";
import type { Treatment } from "./hostile_relay.ts";

type Step = NonNullable<MessageInitShape<typeof HelloResponseSchema>["step"]>;
type Values<Case extends string> = Extract<Step, { case?: Case }> extends { value?: infer Value } ? Partial<Value>
  : never;

/** A HELLO that admits whoever comes; `challenge` and `accepted` change what it says. */
export function admitting(
  root: () => Uint8Array,
  changes: { challenge?: Values<"challenge">; accepted?: Values<"accepted"> } = {},
): Treatment {
  return {
    async answer(call: ScriptedCall) {
      const say = (step: Step) => call.reply(HelloResponseSchema, { step });
      await call.next(HelloRequestSchema);
      const relayNonce = crypto.getRandomValues(new Uint8Array(32));
      await say({ case: "challenge", value: { relayNonce, root: root(), ...changes.challenge } as never });
      await call.next(HelloRequestSchema);
      const accepted = {
        nowMs: BigInt(Date.now()),
        maxTtlS: 30 * 86_400,
        defaultTtlS: 7 * 86_400,
        maxMessage: 256 * 1024,
        maxEnvelope: 300 * 1024,
        sessionId: new Uint8Array(16),
        relayVersion: "hostile",
        durable: true,
      };
      await say({ case: "accepted", value: { ...accepted, ...changes.accepted } as never });
      await call.end();
    },
  };
}

/** Fails with this code, and these words where some are given. */
export function failing(code: ErrorCode, message?: string, options?: { retryAfterMs?: number }): Treatment {
  return { answer: (call) => call.fail(new QightError(code, message, options)) };
}

/** Answers with one frame of these bytes, whatever they are. */
export function answeringFrame(...frames: Uint8Array[]): Treatment {
  return {
    async answer({ stream }) {
      await stream.write(encodeFrames(...frames));
      await stream.end();
    },
  };
}

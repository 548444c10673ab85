/**
 * What stands between a frame and a service: who may call, and what is counted and logged of each call.
 * @module
 */
import { QightError } from "../proto/errors.ts";
import { Caller } from "../proto/gen/qight/v1/options_pb.ts";
import type { Method } from "../proto/methods.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Peer } from "./peer.ts";

/** Throws unless the peer may make this call; the table of methods decides, no service asks again. */
export function authorize(method: Method, peer: Peer): void {
  if (method.caller === Caller.ANYONE) return;
  if (!peer.session) throw new QightError("no_session", `${method.name} needs a session: say hello first`);
  // Who is not admitted may prove who it is, and sign in.
  if (peer.session.refusal && method.caller !== Caller.PROVEN) throw peer.session.refusal;
  if (method.caller !== Caller.SESSION && !peer.session.device) {
    throw new QightError("no_session", `${method.name} needs a proven device`);
  }
}

/** Counts and logs finished calls. Ids, keys and addresses of people are never among the fields. */
export interface Observer {
  finished(method: Method, requestId: Uint8Array, startedMs: number, error: QightError | null): void;
}

/** An observer that feeds metrics, and logs failures that are the relay's own. */
export function createObserver(metrics: Metrics, log: Log, now: () => number): Observer {
  return {
    finished(method, requestId, startedMs, error) {
      metrics.request(method.name, error?.code ?? "ok", (now() - startedMs) / 1000);
      if (!error) return;
      const request = requestId.subarray(0, 16).toHex();
      if (error.code === "internal" || error.code === "invariant") {
        log.error("call failed", { method: method.name, request, code: error.code, error: error.message });
      } else {
        log.debug("call refused", { method: method.name, request, code: error.code });
      }
    },
  };
}

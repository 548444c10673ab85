/**
 * The one function that says why a connection could not be made: wrong relay, bad certificate, other protocol, or nobody there.
 * @module
 */

import { type ErrorCode, QightError } from "../proto/errors.ts";

/** What the classification needs to know besides the failure itself. */
export interface DialedPeer {
  /** `host:port` or the whole address, for the sentence. */
  readonly name: string;
  /** Whether the peer's root key was part of the address. */
  readonly hasRoot: boolean;
}

/**
 * Turns whatever a transport threw while connecting into a QightError.
 * Exit 76 (`wrong_relay`, `bad_certificate`, `protocol`) is final: neither a retry nor the other transport can help.
 * Everything else is `unreachable` (69) and may be tried again.
 */
export function classifyConnectFailure(thrown: unknown, peer: DialedPeer): QightError {
  if (thrown instanceof QightError) return thrown;
  const failure = rows.find((row) => row.matches(thrown));
  if (!failure) {
    return new QightError("unreachable", `${peer.name} cannot be reached: ${sentenceOf(thrown)}`, { cause: thrown });
  }
  // Without a root key in the address an unknown issuer is a certificate problem, not another relay.
  if (failure.code === "wrong_relay" && !peer.hasRoot) {
    return new QightError("bad_certificate", `${peer.name}: its certificate has an unknown issuer`, {
      cause: thrown,
      hint: WHOLE_ADDRESS,
    });
  }
  return new QightError(failure.code, `${peer.name}: ${failure.text}`, {
    cause: thrown,
    ...(failure.hint ? { hint: failure.hint } : {}),
  });
}

/** Whether a failed connection is decided for good, so that no other transport is asked. */
export function isFinal(error: QightError): boolean {
  return error.exit === 76;
}

interface Row {
  readonly code: ErrorCode;
  readonly text: string;
  readonly hint?: string;
  matches(thrown: unknown): boolean;
}

const NOTHING = /(?!)/;
const WHOLE_ADDRESS =
  "A relay with a root key of its own needs the whole address, qight://ROOT@host:port: qight relay and qight relay status print it.";
const CLOCK = "Check this machine's clock and the relay's certificate.";

// TLS alerts are RFC 8446 §6.2; quinn prints them as "error NN"; the names are those of Node's TLS.
const rows: readonly Row[] = [
  row("wrong_relay", "the relay there has another root key", [48, 51], [], /UnknownIssuer|BadSignature/),
  // Deno's TLS over TCP gives the first of these for an expired leaf as well; over QUIC the two differ.
  row("wrong_relay", "the relay there has another root key, or its certificate has expired", [], [
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "UNABLE_TO_GET_ISSUER_CERT",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "SELF_SIGNED_CERT_IN_CHAIN",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "CERT_SIGNATURE_FAILURE",
  ]),
  row(
    "bad_certificate",
    "its certificate has expired or this machine's clock is wrong",
    [45],
    ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"],
    undefined,
    CLOCK,
  ),
  row("bad_certificate", "its certificate is not for this relay", [42, 43], ["ERR_TLS_CERT_ALTNAME_INVALID"]),
  // The sentences of ws for a refused upgrade; 5xx is a proxy whose relay is away.
  row(
    "protocol",
    "it does not speak qight/1",
    [120],
    [],
    /Unexpected server response: [1-4]|Server sent (no|an invalid) subprotocol/i,
  ),
];

function row(
  code: ErrorCode,
  text: string,
  alerts: number[],
  names: string[],
  words: RegExp = NOTHING,
  hint?: string,
): Row {
  const alert = alerts.length > 0 ? new RegExp(`\\berror (${alerts.join("|")})\\b`) : NOTHING;
  return {
    code,
    text,
    hint,
    matches(thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      const name = (thrown as { code?: unknown } | null)?.code;
      return alert.test(message) || (typeof name === "string" && names.includes(name)) || words.test(message);
    },
  };
}

function sentenceOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  return message.split("\n")[0];
}

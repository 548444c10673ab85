/** Why a connection failed, row by row; the contract suites provoke the same rows over real sockets. @module */

import assert from "node:assert/strict";
import { classifyConnectFailure, isFinal } from "../../net/failure.ts";
import { type ErrorCode, QightError } from "../../proto/errors.ts";

const quic = (alert: number, text: string) => new Error(`the cryptographic handshake failed: error ${alert}: ${text}`);
const node = (code: string) => Object.assign(new Error("as Node words it"), { code });

const rows: [thrown: unknown, withRoot: ErrorCode, withoutRoot: ErrorCode][] = [
  [quic(42, "certificate not valid for name"), "bad_certificate", "bad_certificate"],
  [quic(43, "unsupported certificate"), "bad_certificate", "bad_certificate"],
  [quic(45, "certificate expired"), "bad_certificate", "bad_certificate"],
  [quic(48, "invalid peer certificate: UnknownIssuer"), "wrong_relay", "bad_certificate"],
  [quic(51, "invalid peer certificate: BadSignature"), "wrong_relay", "bad_certificate"],
  [quic(120, "peer doesn't support any known protocol"), "protocol", "protocol"],
  [quic(40, "handshake failure"), "unreachable", "unreachable"],
  [quic(4512, "no such alert"), "unreachable", "unreachable"],
  [node("UNABLE_TO_VERIFY_LEAF_SIGNATURE"), "wrong_relay", "bad_certificate"],
  [node("ERR_TLS_CERT_ALTNAME_INVALID"), "bad_certificate", "bad_certificate"],
  [node("CERT_HAS_EXPIRED"), "bad_certificate", "bad_certificate"],
  [node("ECONNREFUSED"), "unreachable", "unreachable"],
  [node("ENOTFOUND"), "unreachable", "unreachable"],
  [new Error("Unexpected server response: 404"), "protocol", "protocol"],
  [new Error("Unexpected server response: 503"), "unreachable", "unreachable"],
  [new Error("Server sent no subprotocol"), "protocol", "protocol"],
  [new Error("timed out"), "unreachable", "unreachable"],
  [new QightError("busy"), "busy", "busy"],
  ["a string", "unreachable", "unreachable"],
  [undefined, "unreachable", "unreachable"],
];

for (const [thrown, withRoot, withoutRoot] of rows) {
  const what = thrown instanceof Error ? (thrown as { code?: string }).code ?? thrown.message : String(thrown);
  Deno.test(`failure: ${what} is ${withRoot}, without a root ${withoutRoot}`, () => {
    const known = classifyConnectFailure(thrown, { name: "r:1", hasRoot: true });
    assert.equal(known.code, withRoot);
    assert.equal(classifyConnectFailure(thrown, { name: "r:1", hasRoot: false }).code, withoutRoot);
    assert.equal(isFinal(known), ["wrong_relay", "bad_certificate", "protocol"].includes(withRoot));
    if (!(thrown instanceof QightError)) assert.match(known.message, /^r:1/);
  });
}

Deno.test("failure: an expired certificate adds to check the clock", () => {
  assert.match(classifyConnectFailure(quic(45, "expired"), { name: "r:1", hasRoot: true }).hint, /clock/);
});

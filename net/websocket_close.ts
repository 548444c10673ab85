/**
 * How the end of a connection is said in a WebSocket close: our code and reason inside WebSocket's own narrow codes.
 * @module
 */

import type { WebSocket } from "ws";
import { QightError } from "../proto/errors.ts";
import type { CloseReason } from "./connection.ts";

// 1000 = our code 0; 4000 = any other code of ours, written in front of the reason (RFC 6455 §7.4.2: 4000-4999 private).
const NORMAL = 1000, GOING_AWAY = 1001, NO_STATUS = 1005, ABNORMAL = 1006, OURS = 4000;

/** How long the peer may take to answer a close before the socket is dropped, in milliseconds. */
const CLOSE_GRACE_MS = 1_000;

/** Sends a close and drops the socket soon, whatever the peer does. `raw` sends the code as it stands (1002, 1003). */
export function sendClose(socket: WebSocket, code: number, reason: string, raw = false): void {
  const text = raw || code === 0 ? reason : `${code} ${reason}`;
  socket.close(raw ? code : code === 0 ? NORMAL : OURS, fit(text));
  dropSoon(socket);
}

/** Drops the socket after a grace in which a close frame gets out; ws alone would wait 30 s for a peer that says nothing. */
export function dropSoon(socket: WebSocket): void {
  const timer = setTimeout(() => socket.terminate(), CLOSE_GRACE_MS);
  socket.once("close", () => clearTimeout(timer));
}

/** Why the connection ended, from WebSocket's code and reason. */
export function closeReasonOf(code: number, reason: string): CloseReason {
  if (code === NORMAL || code === GOING_AWAY || code === NO_STATUS) return { code: 0, reason };
  const ours = code === OURS ? /^(\d{1,10}) ([^]*)$/.exec(reason) : null;
  if (ours) return { code: Number(ours[1]), reason: ours[2] };
  const error = code === ABNORMAL
    ? new QightError("unreachable", "The connection broke")
    : new QightError("protocol", `The peer closed the connection with ${code} ${reason}`.trimEnd());
  return { code, reason, error };
}

// RFC 6455 §5.5: a close frame carries at most 125 bytes, two of them the code.
function fit(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  return bytes.length <= 123 ? reason : new TextDecoder().decode(bytes.subarray(0, 120)).replace(/\uFFFD+$/, "");
}

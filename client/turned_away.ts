/**
 * Why a relay closed a fresh connection: one that admits no more, or is about to stop, says so in the close alone.
 * @module
 */
import type { Connection } from "../net/connection.ts";
import { asQightError, codeOfNumber, errorTable, QightError } from "../proto/errors.ts";
import { pause, systemClock } from "./clock.ts";

/** The error to throw for a HELLO that failed: what the relay said when it closed the connection, else what was thrown. */
export async function turnedAway(connection: Connection, thrown: unknown): Promise<unknown> {
  if (asQightError(thrown).code !== "unreachable") return thrown;
  // A stream breaks a moment before its connection is known to be over; a stream that was only reset ends the wait.
  const closed = await Promise.race([connection.closed, pause(systemClock, CLOSED_WITHIN_MS)]);
  const code = closed && codeOfNumber(closed.code);
  // Only "come again later" is believed: nothing else can be said of a connection on which nothing was asked.
  if (!code || errorTable[code].exit !== 75) return thrown;
  return new QightError(code, closed.reason ? `${errorTable[code].sentence}: ${closed.reason}` : undefined, {
    cause: thrown,
  });
}

const CLOSED_WITHIN_MS = 250;

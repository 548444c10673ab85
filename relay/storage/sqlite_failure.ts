/**
 * Tells what an error of SQLite means for the store: no room, damaged for good, or one call that went wrong.
 * @module
 */
import { codeOfNumber, type ErrorCode, errorTable, QightError } from "../../proto/errors.ts";

/** `full`: roll back and go on from the reserve. `damaged`: never acknowledge again. `call`: only this call failed. */
export type Failure = "full" | "damaged" | "call";

/** Classifies by SQLite's extended result code. */
export function classify(thrown: unknown): Failure {
  if (thrown instanceof QightError) return thrown.code === "store_damaged" ? "damaged" : "call";
  const code = sqliteCode(thrown);
  if (code === null) return "call";
  // Growing the shared WAL index on a full disk answers IOERR_SHMSIZE (sqlite os_unix.c, unixShmMap): nothing is lost.
  if (code === "SQLITE_FULL" || code === "SQLITE_IOERR_SHMSIZE") return "full";
  // Our statements are fixed, so a table or column that is not there has lost its name on the disk.
  if (code === "SQLITE_ERROR" && OTHER_TABLES.test((thrown as Error).message)) return "damaged";
  return /^SQLITE_(IOERR|CORRUPT|NOTADB|CANTOPEN|READONLY|PROTOCOL|AUTH)/.test(code) ? "damaged" : "call";
}

/** The QightError that callers see; SQLite's own words stay in it, they hold no user data. */
export function failureOf(thrown: unknown): QightError {
  if (thrown instanceof QightError) return thrown;
  const code = sqliteCode(thrown);
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  switch (classify(thrown)) {
    case "full":
      return new QightError("storage_full", undefined, { cause: thrown });
    case "damaged":
      return new QightError("store_damaged", `The database failed: ${text} (${code})`, { cause: thrown });
    default:
      return new QightError("internal", code === null ? text : `The database refused: ${text} (${code})`, {
        cause: thrown,
      });
  }
}

/** An error on its way between threads. */
export interface WireError {
  readonly number: number;
  readonly message: string;
  readonly hint: string;
}

/** Packs an error for postMessage, which would drop the class. */
export function toWire(thrown: unknown): WireError {
  const error = failureOf(thrown);
  return { number: errorTable[error.code].number, message: error.message, hint: error.hint };
}

/** The error again, on the other side. */
export function fromWire(error: WireError): QightError {
  const code: ErrorCode = codeOfNumber(error.number);
  return new QightError(code, error.message, { hint: error.hint });
}

const OTHER_TABLES =
  /^no such (?:table|column)|has no column named|^table \w+ already exists|^table \w+ has \d+ columns|^near "|^malformed/;

function sqliteCode(thrown: unknown): string | null {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return null;
  const { code } = thrown;
  return typeof code === "string" && code.startsWith("SQLITE_") ? code : null;
}

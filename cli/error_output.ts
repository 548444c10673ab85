/** How a failed command says so: a sentence, the next step, and an exit code. @module */
import { asQightError, QightError } from "../proto/errors.ts";
import { escapeLine, safeJson } from "./escape.ts";
import { type Output, ReaderGone } from "./output.ts";
import { EndedAsAsked } from "./signals.ts";

/** Writes the error to stderr (one JSON object with `--json`) and returns the exit code. */
export function reportError(thrown: unknown, out: Output, debug: boolean): number {
  if (thrown instanceof ReaderGone) return 0;
  if (thrown instanceof EndedAsAsked && !out.json) return thrown.reason.exit;
  const error = asQightError(systemError(thrown instanceof EndedAsAsked ? thrown.reason : thrown));
  if (out.json) {
    out.raw(`${safeJson({ error: errorFields(error) })}\n`);
  } else {
    const hint = error.hint ? `\n  ${escapeLine(error.hint)}` : "";
    // A configuration may have several problems, one a line; what follows a line end stays recognisably inside.
    const sentence = error.message.split("\n").map(escapeLine).join("\n       ");
    out.raw(`qight: ${sentence}${hint}\n`);
  }
  if (debug) out.error(stackOf(error));
  return error.exit;
}

/** The JSON form of an error: `code`, `message`, `hint`, `exit`, and `retry_after` in seconds when it is known. */
function errorFields(error: QightError): Record<string, unknown> {
  return {
    code: error.code,
    message: error.message,
    hint: error.hint,
    exit: error.exit,
    ...(error.retryAfterMs === undefined ? {} : { retry_after: Math.ceil(error.retryAfterMs / 1000) }),
    ...(error.requestId === undefined ? {} : { request_id: error.requestId }),
  };
}

/** Errors of the operating system that no command gave a better name are I/O errors, not bugs. */
function systemError(thrown: unknown): unknown {
  if (thrown instanceof QightError || !(thrown instanceof Error)) return thrown;
  const { errors } = Deno;
  const known = [errors.NotFound, errors.PermissionDenied, errors.NotADirectory, errors.IsADirectory];
  if (!known.some((kind) => thrown instanceof kind)) return thrown;
  return new QightError("io", thrown.message, { cause: thrown });
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : "";
  return `${error.stack ?? error.message}${cause}`;
}

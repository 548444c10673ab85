/** What SIGINT and SIGTERM do to a client command: it ends in order, a second one ends it now. @module */
import { errorTable, QightError } from "../proto/errors.ts";

/** A signal for the command to watch, and the way to stop listening. */
export interface Interruption extends Disposable {
  readonly signal: AbortSignal;
  /** Rejects with the reason when the command does not end by itself within the grace time. */
  readonly overdue: Promise<never>;
}

/** A command that goes on until somebody ends it was ended: the exit code says why, and whatever there is to say was said. */
export class EndedAsAsked extends Error {
  override readonly name = "EndedAsAsked";
  readonly reason: QightError;

  constructor(reason: QightError) {
    super(reason.message);
    this.reason = reason;
  }
}

/** How long an interrupted command may take to end in order, in milliseconds. */
const GRACE_MS = 3_000;

/** Listens for SIGINT (130) and SIGTERM (143); `hint` says what to do next, where the table's would mislead. */
export function watchSignals(hint?: string): Interruption {
  const controller = new AbortController();
  const overdue = Promise.withResolvers<never>();
  // Nobody may be waiting when it rejects: the command may have ended in the meantime.
  overdue.promise.catch(() => undefined);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const on = (code: "interrupted" | "terminated") => () => {
    if (controller.signal.aborted) Deno.exit(errorTable[code].exit);
    const reason = new QightError(code, undefined, { hint });
    controller.abort(reason);
    timer = setTimeout(() => overdue.reject(reason), GRACE_MS);
  };
  const onInterrupt = on("interrupted");
  const onTerminate = on("terminated");
  Deno.addSignalListener("SIGINT", onInterrupt);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", onTerminate);
  return {
    signal: controller.signal,
    overdue: overdue.promise,
    [Symbol.dispose]() {
      clearTimeout(timer);
      Deno.removeSignalListener("SIGINT", onInterrupt);
      if (Deno.build.os !== "windows") Deno.removeSignalListener("SIGTERM", onTerminate);
    },
  };
}

/** Everything that is wrong with a group message is one error to the outside: `bad_group_message`. @module */
import { QightError } from "../../proto/errors.ts";

/** The error for a group message that is not valid. */
export function refused(why: string, cause?: unknown): QightError {
  return new QightError("bad_group_message", `Cannot take the group message: ${why}`, { cause });
}

/**
 * Runs what reads bytes from others. ts-mls throws errors of many classes for bad input, RangeError and TypeError among
 * them; all become `bad_group_message`, with the first as the cause.
 */
export async function guarded<T>(why: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof QightError && error.code === "bad_group_message") throw error;
    throw refused(why, error);
  }
}

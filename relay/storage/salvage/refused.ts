/**
 * What a check says of bytes that may be damaged.
 * @module
 */
import { QightError } from "../../../proto/errors.ts";

/** Null for what a check refuses; anything else is not about the data. */
export function unlessRefused(thrown: unknown): null {
  if (thrown instanceof QightError) return null;
  throw thrown;
}

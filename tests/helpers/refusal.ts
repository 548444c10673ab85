/** What an action was refused with. @module */
import assert from "node:assert/strict";
import { QightError } from "../../proto/errors.ts";

/** Fails the test when nothing, or something without a code, was thrown. */
export async function refusal(action: () => Promise<unknown>): Promise<QightError> {
  try {
    await action();
  } catch (thrown) {
    assert.ok(thrown instanceof QightError, String(thrown));
    return thrown;
  }
  assert.fail("nothing was refused");
}

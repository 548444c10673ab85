/** Work that a signal ends: who waits for it hears the signal's reason, and nobody hears of the work any more. @module */
import assert from "node:assert/strict";
import { orAborted } from "../../cli/send_one.ts";
import { QightError } from "../../proto/errors.ts";

const reason = new QightError("interrupted");

Deno.test("regression: work that is begun after ^C and fails ends the command as interrupted, not as a bug", async () => {
  const work = Promise.withResolvers<never>();
  await assert.rejects(orAborted(work.promise, AbortSignal.abort(reason)), { code: "interrupted" });
  // Nobody waits for it: were it not looked after, this would end the process.
  work.reject(new QightError("invariant", "The store is closed"));
  await new Promise((resolve) => setTimeout(resolve, 0));
});

Deno.test("^C while work is under way rejects with the signal's reason; work that is done first is answered", async () => {
  const controller = new AbortController();
  const waiting = orAborted(new Promise<never>(() => {}), controller.signal);
  controller.abort(reason);
  await assert.rejects(waiting, { code: "interrupted" });
  assert.equal(await orAborted(Promise.resolve(7), new AbortController().signal), 7);
});

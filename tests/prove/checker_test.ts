/** The checker must fail on a doctored ledger, or its silence proves nothing. @module */
import assert from "node:assert/strict";
import { doctorings, honestLedger } from "./doctored.ts";
import { checkLedgers, complaints } from "./checker.ts";

Deno.test("an honest ledger passes the checker", () => {
  assert.deepEqual(complaints(checkLedgers(honestLedger(50))), []);
});

for (const { name, doctor, caught } of doctorings) {
  Deno.test(`the checker catches a ledger in which ${name}`, () => {
    const verdict = checkLedgers(doctor(honestLedger(50)));
    assert.equal(verdict[caught].length > 0, true, JSON.stringify(verdict));
  });
}

Deno.test("a redelivered message that the reader marks is counted, not blamed", () => {
  const ledger = honestLedger(3);
  const last = ledger.filter((entry) => entry.kind === "shown").at(-1)!;
  const verdict = checkLedgers([...ledger, { ...last, redelivered: true }]);
  assert.deepEqual(complaints(verdict), []);
  assert.equal(verdict.redelivered, 1);
});

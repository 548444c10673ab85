/** The checker must fail on a doctored ledger, or its silence proves nothing. @module */
import assert from "node:assert/strict";
import { doctorings, honestLedger } from "./doctored.ts";
import { checkLedgers, complaintKinds, complaints } from "./checker.ts";

Deno.test("an honest ledger passes the checker", () => {
  assert.deepEqual(complaints(checkLedgers(honestLedger(50))), []);
});

for (const { name, doctor, caught } of doctorings) {
  Deno.test(`the checker catches a ledger in which ${name}`, () => {
    const verdict = checkLedgers(doctor(honestLedger(50)));
    assert.equal(verdict[caught].length > 0, true, JSON.stringify(verdict));
  });
}

Deno.test("every kind of complaint has a doctored ledger", () => {
  assert.deepEqual(new Set(doctorings.map(({ caught }) => caught)), new Set(complaintKinds));
});

Deno.test("a number that somebody made up costs no memory", () => {
  const ledger = honestLedger(3);
  const verdict = checkLedgers([...ledger, { ...ledger.at(-2)!, text: "s2-1", seq: 2 ** 50 }]);
  assert.equal(verdict.missing.length, 1);
});

Deno.test("a message whose outcome its sender does not know may be shown or not, with a number of its own", () => {
  const ledger = honestLedger(3).filter(({ kind, text }) => kind !== "ack" || text !== "s1-1");
  assert.deepEqual(complaints(checkLedgers(ledger)), []);
  const unshown = honestLedger(3).filter(({ kind, text }) => kind === "intent" || text !== "s2-2");
  assert.deepEqual(complaints(checkLedgers(unshown)), []);
});

Deno.test("a redelivered message that the reader marks is counted, not blamed", () => {
  const ledger = honestLedger(3).filter(({ kind }) => kind !== "taken");
  const last = ledger.filter((entry) => entry.kind === "shown").at(-1)!;
  const verdict = checkLedgers([...ledger, { ...last, redelivered: true }]);
  assert.deepEqual(complaints(verdict), []);
  assert.equal(verdict.redelivered, 1);
});

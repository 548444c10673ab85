/** What happens to groups, as sentences. @module */
import assert from "node:assert/strict";
import { sentenceOf } from "../../client/groups/events.ts";

const [own, other] = [1, 2].map((byte) => new Uint8Array(32).fill(byte));

for (const [seconds, words] of [[604_800, "7d"], [86_400, "1d"], [5_400, "90m"], [7_200, "2h"], [5, "5s"]] as const) {
  Deno.test(`a timer of ${seconds} seconds is told as ${words}, as it was typed`, () => {
    const by = (account: Uint8Array) => sentenceOf({ kind: "timer", by: account, seconds }, () => "bob", own);
    assert.equal(by(own), `you made messages disappear ${words} after reading`);
    assert.equal(by(other), `bob made messages disappear ${words} after reading`);
  });
}

for (
  const [happened, sentence] of [
    [{ kind: "joined", by: own }, "another device of yours brought this one in"],
    [{ kind: "joined", by: other }, "bob added you"],
    [{ kind: "joined", by: null }, "you joined"],
    [{ kind: "account_ended", account: other }, "bob deleted the account"],
    [{ kind: "owner", by: other, account: own }, "bob made you the owner"],
    [{ kind: "owner", by: own, account: other }, "you made bob the owner"],
    [{ kind: "owner", by: null, account: other }, "bob is the owner now"],
    [{ kind: "owner", by: null, account: own }, "you are the owner now"],
    [{ kind: "owner", by: null, account: null }, "nobody owns the group any more: every member may name admins"],
  ] as const
) {
  Deno.test(`people read "${sentence}"`, () => {
    assert.equal(sentenceOf(happened, () => "bob", own), sentence);
  });
}

/** How often a conversation says that an account was deleted. @module */
import assert from "node:assert/strict";
import type { Member } from "../../crypto/mls/credential.ts";
import { happeningsOf } from "../../client/groups/rows.ts";

const [bo, ana] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
const leaf = (at: number, account: Uint8Array): Member => ({ leaf: at, account, device: new Uint8Array(32).fill(at) });
const members = [leaf(0, bo), leaf(1, ana), leaf(2, ana)];
const data = { name: "", creator: bo, admins: [], direct: [bo, ana] as const, disappearAfterS: 0 };

/** What bo tells of a change that takes these leaves out, when ana's account has ended. */
function told(there: readonly Member[], removed: readonly Member[]): string[] {
  const change = { committer: members[0], external: false, added: [], removed, before: data, after: data };
  return happeningsOf(change as unknown as Parameters<typeof happeningsOf>[0], there, (account) => account === ana)
    .map(({ kind }) => kind);
}

Deno.test("regression: an account with two devices that was deleted is told once, also when its devices go one by one", () => {
  assert.deepEqual(told(members, [members[1], members[2]]), ["account_ended"]);
  assert.deepEqual(told(members, [members[1]]), [], "its other device is there");
  assert.deepEqual(told([members[0], members[2]], [members[2]]), ["account_ended"]);
});

/**
 * Commits and messages that cannot be: each is refused with its reason, and the group goes on.
 * @module
 */
import assert from "node:assert/strict";
import type { NewCommit } from "../../client/group_calls.ts";
import { externalCommit, groupInfo, privateMessage, welcome } from "../helpers/mls_bytes.ts";
import { alice, bob, carol, commitOf, eve, GROUP, key, mail, refused, saying, scene } from "./group_people.ts";

const bad: readonly (readonly [string, Partial<NewCommit>, string])[] = [
  [
    "a commit of another group",
    { commit: privateMessage(new Uint8Array(32), 1, { contentType: 3 }) },
    "bad_group_message",
  ],
  ["a commit of another epoch", { commit: privateMessage(GROUP, 2, { contentType: 3 }) }, "bad_group_message"],
  ["a message instead of a commit", { commit: privateMessage(GROUP, 1) }, "bad_group_message"],
  ["a member's commit in the open", { commit: externalCommit(GROUP, 1, { senderType: 1 }) }, "bad_group_message"],
  ["a proposal in the open", { commit: externalCommit(GROUP, 1, { contentType: 2 }) }, "bad_group_message"],
  ["a commit cut short", { commit: privateMessage(GROUP, 1, { contentType: 3 }).subarray(0, -1) }, "bad_group_message"],
  [
    "a commit with bytes behind it",
    { commit: Uint8Array.of(...privateMessage(GROUP, 1, { contentType: 3 }), 0) },
    "bad_group_message",
  ],
  ["no commit", { commit: new Uint8Array(0) }, "bad_group_message"],
  ["a GroupInfo of this epoch", { groupInfo: groupInfo(GROUP, 1) }, "bad_group_message"],
  ["a GroupInfo of another group", { groupInfo: groupInfo(new Uint8Array(32), 2) }, "bad_group_message"],
  ["a Welcome for nobody", { welcome: welcome() }, "bad_group_message"],
  ["somebody welcomed without a Welcome", { welcomed: [key(bob)] }, "bad_group_message"],
  ["a Welcome that is none", { welcome: groupInfo(GROUP, 2), welcomed: [key(bob)] }, "bad_group_message"],
  ["a Welcome for the committer", { welcome: welcome(), welcomed: [key(alice)] }, "bad_group_message"],
  ["a Welcome for somebody off the roster", { welcome: welcome(), welcomed: [key(eve)] }, "bad_group_message"],
  ["a roster without the committer", { roster: [key(bob)] }, "bad_group_message"],
  ["a roster with a device twice", { roster: [alice, bob, bob].map(key) }, "bad_group_message"],
  ["a device key of 31 bytes", { roster: [key(alice), new Uint8Array(31)] }, "bad_frame"],
  [
    "a roster of 1,001",
    { roster: Array.from({ length: 1001 }, (_, n) => new Uint8Array(32).fill(n)) },
    "message_too_large",
  ],
  ["somebody added without a Welcome", { roster: [alice, bob, carol, eve].map(key) }, "bad_group_message"],
  [
    "a device that the relay does not know",
    { roster: [key(alice), new Uint8Array(32).fill(5)], welcome: welcome(), welcomed: [new Uint8Array(32).fill(5)] },
    "no_such_recipient",
  ],
  ["a join key of 31 bytes", { joinKey: new Uint8Array(31) }, "bad_frame"],
  ["a group id of 31 bytes", { group: new Uint8Array(31) }, "bad_frame"],
  ["an epoch that has passed", {
    epoch: 0,
    commit: privateMessage(GROUP, 0, { contentType: 3, fill: 1 }),
    groupInfo: groupInfo(GROUP, 1),
  }, "stale_epoch"],
];

Deno.test("commits that cannot be are refused one by one, and the group goes on", async (t) => {
  await using it = await scene({ limits: { sendPerMinute: 0 } });
  for (const [what, change, code] of bad) {
    await t.step(
      what,
      async () => void await refused(it.ga.commit({ ...commitOf(1, [alice, bob, carol]), ...change }), code),
    );
  }
  assert.equal((await it.ga.getGroup(GROUP)).epoch, 1);
  assert.equal(await it.ga.commit(commitOf(1, [alice, bob, carol])), 2);
});

Deno.test("messages that cannot be are refused, and nobody gets them", async () => {
  await using it = await scene();
  const rows: readonly (readonly [Uint8Array, string])[] = [
    [privateMessage(new Uint8Array(32), 1), "bad_group_message"],
    [privateMessage(GROUP, 1, { contentType: 3 }), "bad_group_message"],
    [privateMessage(GROUP, 1, { contentType: 9 }), "bad_group_message"],
    [privateMessage(GROUP, 1).subarray(0, 50), "bad_group_message"],
    [Uint8Array.of(...privateMessage(GROUP, 1), 1), "bad_group_message"],
    [externalCommit(GROUP, 1), "bad_group_message"],
    [new Uint8Array(40), "bad_group_message"],
    [longerLength(privateMessage(GROUP, 1)), "bad_group_message"],
    [privateMessage(GROUP, 2 ** 40), "stale_epoch"],
  ];
  for (const [payload, code] of rows) await refused(saying(alice, 1, { payload }).then((it_) => it.a.send(it_)), code);
  assert.deepEqual(await mail(it.b), ["1 welcome 1"]);
});

/** The same message with the length of its group id in two bytes where one is enough. */
function longerLength(message: Uint8Array): Uint8Array {
  return Uint8Array.of(...message.subarray(0, 4), 0x40, ...message.subarray(4));
}

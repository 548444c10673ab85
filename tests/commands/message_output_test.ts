/** How received messages are written for people. @module */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { type Notice, noticeFields, noticeText } from "../../cli/event_output.ts";
import { messageRecord } from "../../cli/message_output.ts";
import type { ActionEvent, InboxMessage, Where } from "../../client/inbox_events.ts";
import { formatAccountId } from "../../crypto/account.ts";
import { ContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";

const [own, bob, eve] = [1, 2, 3].map((byte) => new Uint8Array(32).fill(byte));
const eveId = formatAccountId(eve).slice(0, 12);

const written = (from: Uint8Array, where: Where) => {
  const message: InboxMessage = {
    ...{ type: "message", id: new Uint8Array(16), from, fromDevice: eve, seq: 1, sentAtMs: 0, receivedAtMs: 0 },
    ...{ in: where, via: "mls", bodyHash: new Uint8Array(32), franked: null, verified: true, redelivered: false },
    content: create(ContentSchema, { body: { case: "text", value: "hi" } }),
  };
  const style = { json: false, nul: false, terminal: false, utc: true, to: formatAccountId(own) };
  const nameOf = (account: Uint8Array) => account === bob ? "bob" : undefined;
  return new TextDecoder().decode(messageRecord(message, [], style, nameOf));
};

for (
  const [what, from, where, line] of [
    ["a contact", bob, { kind: "direct", peer: bob }, "bob"],
    ["a stranger", eve, { kind: "direct", peer: eve }, eveId],
    ["another own device to a contact", own, { kind: "direct", peer: bob }, "you to bob"],
    ["another own device to a stranger", own, { kind: "direct", peer: eve }, `you to ${eveId}`],
    ["oneself, on any device, in the notes", own, { kind: "direct", peer: own }, formatAccountId(own).slice(0, 12)],
    ["another own device in a group", own, { kind: "group", group: eve, name: "ops" }, "#ops you"],
  ] as const
) {
  Deno.test(`what ${what} said is written as ${line}`, () => {
    assert.equal(written(from, where), `00:00  ${line}  hi\n`);
  });
}

const reaction: ActionEvent = {
  ...{ type: "action", id: new Uint8Array(16), from: own, fromDevice: eve, seq: 1, sentAtMs: 0, receivedAtMs: 0 },
  ...{ in: { kind: "direct", peer: bob }, via: "mls", bodyHash: new Uint8Array(32), franked: null, verified: true },
  content: create(ContentSchema, { action: { case: "reaction", value: { target: new Uint8Array(16), emoji: "👍" } } }),
};
const joined = { kind: "member_added", by: own, account: own } as const;
for (
  const [what, event, text] of [
    ["a reaction", reaction, `another device of yours reacted 👍 to ${"00".repeat(16)}`],
    [
      "a gap",
      { type: "gap", from: own, fromDevice: eve, first: 3, last: 3 },
      "missing: message 3 of another device of yours never came",
    ],
    [
      "a gap of a contact",
      { type: "gap", from: bob, fromDevice: eve, first: 3, last: 3 },
      "missing: message 3 of bob never came",
    ],
    ["what happens among one's own", {
      type: "group",
      place: 1,
      name: "",
      peer: own,
      group: eve,
      atMs: 0,
      happened: joined,
    }, "notes: you joined"],
  ] as [string, Notice, string][]
) {
  Deno.test(`an own other device is called so, and not by an id: ${what}; scripts get ids`, async () => {
    const nameOf = (account: Uint8Array) => account === bob ? "bob" : formatAccountId(account);
    assert.equal(await noticeText(event, { nameOf, own }), text);
    assert.match(JSON.stringify(await noticeFields(event)), /"qid1[a-z0-9]{58}"/);
  });
}

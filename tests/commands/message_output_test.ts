/** How received messages are written for people. @module */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { messageRecord } from "../../cli/message_output.ts";
import type { InboxMessage, Where } from "../../client/inbox_events.ts";
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
    ["another own device in the notes", own, { kind: "direct", peer: own }, "you"],
    ["another own device in a group", own, { kind: "group", group: eve, name: "ops" }, "#ops you"],
  ] as const
) {
  Deno.test(`what ${what} said is written as ${line}`, () => {
    assert.equal(written(from, where), `00:00  ${line}  hi\n`);
  });
}

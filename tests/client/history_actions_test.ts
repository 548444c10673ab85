/** Lines after they were written: edits, deletions, reactions, receipts, disappearing, and finding them again. @module */
import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { arrivalOf } from "../../client/arrival.ts";
import { conversationOfGroup, conversationWith, groupOf } from "../../client/conversations.ts";
import { History } from "../../client/history.ts";
import { isEmoji } from "../../client/history_actions.ts";
import type { InboxMessage } from "../../client/inbox.ts";
import type { ClientStore } from "../../client/storage/store.ts";
import { ContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { openStore, textContent } from "./person.ts";
import { TestClock } from "./test_clock.ts";

const own = { account: new Uint8Array(32).fill(1), device: new Uint8Array(32).fill(2) };
const ada = new Uint8Array(32).fill(3);
const eve = new Uint8Array(32).fill(4);
const withAda = conversationWith(ada);
type Shape = MessageInitShape<typeof ContentSchema>;

/** A history with some lines of ada, ids 1, 2, 3 …, and one of one's own, id 9. */
async function history(texts: readonly string[], shape: Shape = {}) {
  const clock = new TestClock();
  const store = await openStore(":memory:");
  const kept = new History({ store, clock, own });
  await store.write((tables) => {
    kept.arrived(tables, texts.map((text, at) => message(at + 1, { ...textContent(text), ...shape } as Shape)));
    const content = create(ContentSchema, { ...textContent("mine"), ...shape } as Shape);
    kept.own(tables, withAda, { id: idOf(9), createdAtMs: clock.now(), ttlS: 0, plaintext: false, content }, "sent");
  });
  return { kept, clock, store };
}

function idOf(number: number): Uint8Array {
  return new Uint8Array(16).fill(number);
}

function message(number: number, shape: Shape): InboxMessage {
  const times = { sentAtMs: number, receivedAtMs: number, seq: number };
  const marks = { verified: true, redelivered: false, bodyHash: new Uint8Array(32) };
  const content = create(ContentSchema, shape);
  const from = { from: ada, fromDevice: new Uint8Array(32).fill(5), in: { kind: "direct", peer: ada } } as const;
  return { type: "message", id: idOf(number), via: "mls", ...from, ...times, ...marks, franked: null, content };
}

function act(store: ClientStore, kept: History, author: Uint8Array, action: Shape["action"]) {
  const where = { kind: "direct", peer: ada } as const;
  return store.write((tables) =>
    kept.acted(tables, { in: where, from: author, content: create(ContentSchema, { action }) })
  );
}

Deno.test("an edit by its author changes the words of a line; one by anybody else, or of a line that is gone, nothing", async () => {
  const { kept, store } = await history(["the old words"]);
  await using _store = store;
  const edit = (target: Uint8Array, text: string): Shape["action"] => ({ case: "edit", value: { target, text } });
  assert.equal(await act(store, kept, eve, edit(idOf(1), "forged")), null);
  assert.equal(await act(store, kept, ada, edit(idOf(9), "forged")), null, "ada did not write 9");
  assert.equal(await act(store, kept, ada, edit(idOf(77), "of nothing")), null);
  assert.equal((await act(store, kept, ada, edit(idOf(1), "the new words")))?.kind, "edit");
  const [line] = await kept.last(withAda, 2);
  assert.deepEqual([line.text, line.edited], ["the new words", true]);
  assert.deepEqual(await kept.search("old", 9), [], "the words before are not found any more");
  assert.equal((await kept.search("NEW wor", 9)).length, 1);
});

Deno.test("who takes a line back leaves a mark that there was one: no words, no files, no reactions, nothing to edit", async () => {
  const { kept, store } = await history(["regretted"], { files: [{ name: "a.txt", data: new Uint8Array(3) }] });
  await using _store = store;
  await act(store, kept, eve, { case: "reaction", value: { target: idOf(1), emoji: "👍" } });
  assert.equal(await act(store, kept, eve, { case: "deletion", value: { target: idOf(1) } }), null);
  assert.equal((await act(store, kept, ada, { case: "deletion", value: { target: idOf(1) } }))?.kind, "deletion");
  const [line] = await kept.last(withAda, 2);
  assert.deepEqual([line.text, line.deleted, line.files, line.reactions], ["", true, [], []]);
  assert.equal(await act(store, kept, ada, { case: "edit", value: { target: idOf(1), text: "again" } }), null);
  assert.equal(await act(store, kept, eve, { case: "reaction", value: { target: idOf(1), emoji: "👍" } }), null);
  assert.deepEqual(await kept.search("regretted", 9), []);
  assert.deepEqual((await kept.files()).length, 0);
});

Deno.test("each person has one reaction on a line: another replaces it, an empty one takes it off", async () => {
  const { kept, store } = await history(["nice"]);
  await using _store = store;
  const react = (author: Uint8Array, emoji: string) =>
    act(store, kept, author, { case: "reaction", value: { target: idOf(1), emoji } });
  const now = async () => (await kept.last(withAda, 2))[0].reactions.map(({ author, emoji }) => [author[0], emoji]);
  await react(ada, "👍");
  await react(eve, "❤️");
  await react(ada, "👨‍👩‍👧");
  assert.deepEqual(await now(), [[3, "👨‍👩‍👧"], [4, "❤️"]]);
  assert.equal(await react(eve, "a line\nof another"), null);
  await react(eve, "");
  assert.deepEqual(await now(), [[3, "👨‍👩‍👧"]]);
});

for (
  const [text, fits] of [
    ["👍🏽", true],
    ["+1", true],
    ["", true],
    ["two words", false],
    ["\u001b[31m", false],
    ["\u202egnp.exe", false],
    ["x".repeat(65), false],
  ] as const
) {
  Deno.test(`${JSON.stringify(text.slice(0, 12))} ${fits ? "can" : "cannot"} be a reaction`, () => {
    assert.equal(isEmoji(text), fits);
  });
}

Deno.test("whether an own line arrived has one word, which never goes back; others cannot mark lines of others", async () => {
  const { kept, store } = await history(["theirs"]);
  await using _store = store;
  const word = async () => {
    const line = (await kept.last(withAda, 1))[0];
    return arrivalOf(line, line.marks);
  };
  const receipts = (author: Uint8Array, delivered: Uint8Array[], read: Uint8Array[] = []) =>
    act(store, kept, author, { case: "receipts", value: { delivered, read } });
  assert.equal(await word(), "accepted");
  assert.equal(await receipts(own.account, [idOf(9)]), null, "nobody gets receipts from themselves");
  assert.equal(await receipts(ada, [idOf(1)]), null, "line 1 was not written here");
  await receipts(ada, [idOf(9)]);
  assert.equal(await word(), "delivered");
  await receipts(ada, [], [idOf(9)]);
  await receipts(ada, [idOf(9)]);
  assert.equal(await word(), "read");
  for (const [state, says] of [["waiting", "waiting"], ["unknown", "sent"], ["failed", "refused"], ["note", "kept"]]) {
    assert.equal(arrivalOf({ state } as Parameters<typeof arrivalOf>[0], []), says);
  }
});

Deno.test("a disappearing line goes so long after it was read, an own one after it was written; words and all", async () => {
  const { kept, clock, store } = await history(["secret plan"], { disappearAfterS: 60 });
  await using _store = store;
  clock.advance(50_000);
  assert.equal((await kept.last(withAda, 9)).length, 2);
  await kept.markRead(await kept.unread(withAda));
  clock.advance(10_000);
  assert.deepEqual((await kept.last(withAda, 9)).map(({ text }) => text), ["secret plan"], "the own one is gone");
  clock.advance(49_999);
  assert.equal((await kept.last(withAda, 9)).length, 1);
  clock.advance(1);
  assert.deepEqual(await kept.last(withAda, 9), []);
  assert.deepEqual(await kept.search("secret", 9), []);
});

Deno.test("search finds words by their beginnings, in any case and script, marks and quotes included, in one conversation or all", async () => {
  const { kept, store } = await history([
    "Disk full on WEB-3",
    'she said "no"',
    "café 😀",
    "明日会いましょう",
    "100% sure",
  ]);
  await using _store = store;
  const found = async (text: string, conversation?: string) =>
    (await kept.search(text, 9, conversation)).map(({ id }) => id[0]);
  assert.deepEqual(await found("disk FUL"), [1]);
  assert.deepEqual(await found("web"), [1]);
  assert.deepEqual(await found('"no" OR'), []);
  assert.deepEqual(await found('"no"'), [2]);
  assert.deepEqual(await found("cafe"), [3]);
  assert.deepEqual(await found("😀"), [3]);
  assert.deepEqual(await found("会い"), [4]);
  assert.deepEqual(await found("%"), [5]);
  assert.deepEqual(await found("disk", withAda), [1]);
  assert.deepEqual(await found("disk", conversationWith(eve)), []);
  assert.equal((await kept.last(undefined, 3)).length, 3, "the newest of all conversations");
});

Deno.test("a notice is a line of its conversation that is kept once, read from the start, and no message to act on", async () => {
  const { kept, store } = await history([]);
  await using _store = store;
  const group = conversationOfGroup(new Uint8Array(32).fill(8));
  assert.deepEqual(groupOf(group), new Uint8Array(32).fill(8));
  const notice = { conversation: group, id: idOf(50), text: "ada joined", atMs: 5 };
  await store.write((tables) => kept.noticed(tables, [notice]));
  await store.write((tables) => kept.noticed(tables, [notice]));
  const lines = await kept.last(group, 9);
  assert.deepEqual(lines.map(({ kind, text, state }) => [kind, text, state]), [["notice", "ada joined", "note"]]);
  assert.deepEqual(await kept.unread(group), []);
  assert.deepEqual(await kept.at(group, [idOf(50)]), []);
});

/** A history moves to a new device: whole, in its order, once, from where it stopped, and nothing that is no history. @module */
import assert from "node:assert/strict";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { conversationOfGroup, conversationWith } from "../../client/conversations.ts";
import { type ImportedLine, importLines } from "../../client/history_import.ts";
import { importHistory, sendHistory } from "../../client/history_move.ts";
import { packLines, unpackLines } from "../../client/history_move/pack.ts";
import { MAX_PART_BYTES, MAX_PART_LINES } from "../../client/history_move/part.ts";
import { planParts } from "../../client/history_move/plan.ts";
import type { ArrivedPart, ClientStore, HistoryState } from "../../client/storage/store.ts";
import { QightError } from "../../proto/errors.ts";
import { HistoryLinesSchema, MovedLineSchema } from "../../proto/gen/qight/v1/history_pb.ts";
import { BlobRefSchema, FileSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import type { TestRelay } from "../helpers/test_relay.ts";
import { groupRelay } from "./group_people.ts";
import { OwnDevice } from "./own_device.ts";

const PEER = new Uint8Array(32).fill(7);
const GROUP = new Uint8Array(32).fill(8);

function line(number: number, more: Partial<ImportedLine> = {}): ImportedLine {
  const id = new Uint8Array(16);
  new DataView(id.buffer).setUint32(0, number);
  const fixed = { conversation: conversationWith(PEER), author: PEER, device: PEER, id, atMs: 1_000 + number };
  const rest = { files: [], reactions: [], marks: [], edited: false, deleted: false, kind: "message" } as const;
  return { ...fixed, state: "read", verified: true, text: `line ${number}`, replyTo: null, ...rest, ...more };
}

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const PLAIN = { noNullPrototype: true };
const anyLine = fc.record({
  conversation: fc.oneof(bytes(32).map(conversationWith), bytes(32).map(conversationOfGroup)),
  author: bytes(32),
  device: bytes(32),
  id: bytes(16),
  atMs: fc.integer({ min: 0, max: 8.64e15 }),
  state: fc.constantFrom<HistoryState>("unread", "read", "sent", "failed", "unknown", "note"),
  verified: fc.boolean(),
  text: fc.string({ unit: "grapheme" }),
  kind: fc.constantFrom<"message" | "notice">("message", "notice"),
  replyTo: fc.oneof(fc.constant(null), bytes(16)),
  files: fc.array(
    fc.record({
      name: fc.string(),
      size: fc.nat(),
      blob: fc.oneof(fc.constant(null), fc.uint8Array({ minLength: 1 })),
    }, PLAIN),
    { maxLength: 3 },
  ),
  reactions: fc.array(fc.record({ author: bytes(32), emoji: fc.constantFrom("👍", "❤️") }, PLAIN), { maxLength: 3 }),
  marks: fc.array(
    fc.record({ account: bytes(32), state: fc.constantFrom<"delivered" | "read">("delivered", "read") }, PLAIN),
    { maxLength: 3 },
  ),
  edited: fc.boolean(),
  deleted: fc.boolean(),
}, PLAIN);

const refused = (thrown: unknown) => thrown instanceof QightError && thrown.code === "bad_transcript";

Deno.test("lines come out of their part as they went in", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyLine, { maxLength: 8 }), async (lines) => {
      const numbered = lines.map((line, at) => ({ number: at * 3, line }));
      const { bytes, packed } = await packLines(numbered);
      assert.equal(packed, lines.length);
      assert.deepEqual(await unpackLines(bytes), numbered);
    }),
    { numRuns: 60 },
  );
});

Deno.test("attack: a part that unpacks to gigabytes is refused before it has", async () => {
  const chunk = new Uint8Array(1024 * 1024);
  const stream = new ReadableStream({
    start(controller) {
      for (let count = 0; count < 256; count++) controller.enqueue(chunk);
      controller.close();
    },
  }).pipeThrough(new CompressionStream("gzip"));
  const bomb = new Uint8Array(await new Response(stream).arrayBuffer());
  assert.ok(bomb.length < 300_000);
  await assert.rejects(() => unpackLines(bomb), /unpacks to more than a part can have/);
  await assert.rejects(() => unpackLines(new Uint8Array(2 * MAX_PART_BYTES)), /more bytes than a part can have/);
});

Deno.test("attack: damaged, cut, empty and foreign parts are refused, and so is one line that is none", async () => {
  const { bytes } = await packLines([{ number: 0, line: line(0) }]);
  const flipped = Uint8Array.from(bytes);
  flipped[flipped.length - 10] ^= 1;
  const tooMany = new Uint8Array(2 * (MAX_PART_LINES + 2)).map((_, at) => at % 2 === 0 ? 0x12 : 0);
  const rows = [
    bytes.subarray(0, bytes.length - 1),
    new Uint8Array([...bytes, 0]),
    flipped,
    new Uint8Array(0),
    new TextEncoder().encode("hello"),
    await gzip(new TextEncoder().encode("hello")),
    await gzip(toBinary(HistoryLinesSchema, create(HistoryLinesSchema, { version: 2 }))),
  ];
  await assert.rejects(async () => await unpackLines(await gzip(tooMany)), /more lines than a part can have/);
  const good = (await partLines(bytes))[0];
  const broken: MessageInitShape<typeof MovedLineSchema>[] = [
    { author: new Uint8Array(31) },
    { device: new Uint8Array(31) },
    { id: new Uint8Array(17) },
    { peer: new Uint8Array(31) },
    { group: new Uint8Array(32) },
    { peer: new Uint8Array(16), group: new Uint8Array(16) },
    { state: "waiting" },
    { atMs: 2n ** 63n },
    { number: 2n ** 40n },
    { replyTo: new Uint8Array(3) },
    { reactions: [{ account: PEER, emoji: "two words" }] },
    { files: [{ name: "x", size: 2n ** 60n }] },
  ];
  for (const change of broken) {
    // Fields that come later count (protobuf, last one wins); so each row spoils one.
    const lines = [new Uint8Array([...good, ...toBinary(MovedLineSchema, create(MovedLineSchema, change))])];
    rows.push(await gzip(toBinary(HistoryLinesSchema, create(HistoryLinesSchema, { version: 1, lines }))));
  }
  for (const [at, row] of rows.entries()) await assert.rejects(() => unpackLines(row), refused, `row ${at}`);
});

Deno.test("parts are consecutive, have every line once, and none is larger than it may be", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 200, max: 600_000 })), (sizes) => {
    const lines = sizes.map((bytes, at) => ({ place: at * 2 - 5, bytes }));
    const parts = planParts(lines);
    let before = 0;
    for (const { part, firstPlace, lastPlace, linesBefore } of parts) {
      const inside = lines.filter(({ place }) => place >= firstPlace && place <= lastPlace);
      assert.equal(linesBefore, before);
      assert.ok(
        inside.length === 1 || inside.reduce((sum, { bytes }) => sum + bytes, 0) <= 1024 * 1024,
        `part ${part}`,
      );
      before += inside.length;
    }
    assert.equal(before, lines.length);
  }));
});

/** A device with a history of `count` lines, and a new device beside it that is on the list. */
async function two(at: TestRelay, lines: readonly ImportedLine[], paths: { old?: string; fresh?: string } = {}) {
  const old = await OwnDevice.join(at, 1, 1, paths.old ? { path: paths.old } : {});
  await importLines(old.participant.store, lines);
  const fresh = await OwnDevice.join(at, 1, 2, paths.fresh ? { path: paths.fresh } : {});
  await old.renew();
  return { old, fresh };
}

function textsOf(device: OwnDevice, key = conversationWith(PEER)): Promise<string[]> {
  return device.participant.store.read(({ history }) => history.last(key, 100_000).map(({ text }) => text));
}

const many = (count: number, text = "x".repeat(2_000)) =>
  Array.from({ length: count }, (_, number) => line(number, { text: `${number} ${text}` }));

Deno.test("a history is on the new device with edits, reactions, marks, files by name and deletions, in its order, once", async () => {
  await using at = await groupRelay();
  const blob = toBinary(BlobRefSchema, create(BlobRefSchema, { size: 5n, version: 1 }));
  const lines = [
    line(0, { text: "first" }),
    line(1, { text: "edited", edited: true, reactions: [{ author: PEER, emoji: "👍" }] }),
    line(2, { text: "mine", state: "sent", marks: [{ account: PEER, state: "read" }] }),
    line(7, { text: "gone soon", disappearS: 60 }),
    line(3, { text: "", deleted: true }),
    line(4, { text: "answer", replyTo: line(0).id, files: [{ name: "a.txt", size: 5, blob }] }),
    line(5, { text: "not looked at", state: "unread" }),
    line(6, { text: "in a group", conversation: conversationOfGroup(GROUP) }),
  ];
  const { old, fresh } = await two(at, lines);
  await using _old = old, _fresh = fresh;
  const moved = await sendHistory({ own: old.own, toDevice: fresh.device });
  assert.deepEqual(moved, { lines: 7, parts: 1, leftOut: 0 });
  const heard = await fresh.hear();
  assert.deepEqual(heard.map(({ type }) => type), ["history_part"]);
  assert.equal(await fresh.step(), 1);
  const texts = ["first", "edited", "mine", "", "answer", "not looked at"];
  assert.deepEqual(await textsOf(fresh), texts);
  assert.deepEqual(await textsOf(fresh, conversationOfGroup(GROUP)), ["in a group"]);
  const kept = await fresh.participant.history.last(conversationWith(PEER), 9);
  assert.deepEqual(kept.map(({ state }) => state), ["read", "read", "sent", "read", "read", "unread"]);
  assert.deepEqual(kept.map(({ edited, deleted }) => [edited, deleted]).slice(1, 4), [
    [true, false],
    [false, false],
    [false, true],
  ]);
  assert.equal(kept[1].reactions[0].emoji, "👍");
  assert.equal(kept[2].marks[0].state, "read");
  assert.equal(kept[4].answers?.text, "first");
  assert.deepEqual(kept[4].files.map(({ name, size, kept, blob }) => [name, size, kept, blob]), [[
    "a.txt",
    5,
    false,
    blob,
  ]]);
  // Nothing of it is said to be read here, and nothing is told on.
  const again = await sendHistory({ own: old.own, toDevice: fresh.device });
  assert.deepEqual(again, moved);
  assert.deepEqual((await fresh.hear()).map(({ type }) => type), []);
  assert.deepEqual(await textsOf(fresh), texts);
});

Deno.test("a sender that is killed goes on with the next part, and the reader gets each once", async () => {
  await using at = await groupRelay();
  const lines = many(2_000);
  const { old, fresh } = await two(at, lines);
  await using _old = old, _fresh = fresh;
  const stop = new AbortController();
  const seen: number[] = [];
  const onProgress = (done: number) => {
    seen.push(done);
    if (seen.length === 2) stop.abort(new QightError("interrupted"));
  };
  const cut = () => sendHistory({ own: old.own, toDevice: fresh.device, onProgress, signal: stop.signal });
  await assert.rejects(cut, { code: "interrupted" });
  await fresh.hear();
  assert.equal(await fresh.step(), 0);
  assert.equal((await textsOf(fresh)).length, seen[1]);
  const rest: number[] = [];
  const { parts } = await sendHistory({ own: old.own, toDevice: fresh.device, onProgress: (done) => rest.push(done) });
  assert.ok(parts > 3);
  assert.equal(rest.at(-1), lines.length);
  await fresh.hear();
  assert.equal(await fresh.step(), 1);
  assert.deepEqual(await textsOf(fresh), lines.map(({ text }) => text));
});

Deno.test("what a killed sender left goes on with its next fetch; for a device that is off the list it does not", async () => {
  await using at = await groupRelay();
  const lines = many(1_200);
  const { old, fresh } = await two(at, lines);
  await using _old = old, _fresh = fresh;
  const stop = new AbortController();
  const onProgress = () => stop.abort(new QightError("interrupted"));
  const cut = () => sendHistory({ own: old.own, toDevice: fresh.device, onProgress, signal: stop.signal });
  await assert.rejects(cut, { code: "interrupted" });
  const { store } = old.participant;
  const other = new Uint8Array(32).fill(77);
  await store.write(({ historyMoves }) => {
    const part = { part: 1, firstPlace: 0, lastPlace: 0, linesBefore: 0, sent: false };
    const move = { transfer: other.slice(16), relay: old.participant.relayName, device: other, lines: 1, parts: 1 };
    historyMoves.begin(move, [part]);
  });
  await old.step();
  assert.deepEqual(await store.read(({ historyMoves }) => historyMoves.unfinished(old.participant.relayName)), []);
  await fresh.hear();
  assert.equal(await fresh.step(), 1);
  assert.deepEqual(await textsOf(fresh), lines.map(({ text }) => text));
});

Deno.test("parts may come in any order and after a kill: what is there stays in its order", async () => {
  await using at = await groupRelay();
  const lines = many(2_000);
  const { old, fresh } = await two(at, lines);
  await using _old = old, _fresh = fresh;
  await sendHistory({ own: old.own, toDevice: fresh.device });
  await fresh.hear();
  const { store, relayName } = fresh.participant;
  const stop = new AbortController();
  const room = { store, relay: fresh.room.relay, relayName };
  await assert.rejects(() =>
    importHistory({ ...room, signal: stop.signal, onProgress: () => stop.abort(new QightError("interrupted")) })
  );
  const some = await textsOf(fresh);
  assert.ok(some.length > 0 && some.length < lines.length);
  const [ended] = await importHistory(room);
  assert.deepEqual([ended.lines, ended.added, ended.lost], [2_000, 2_000, 0]);
  assert.deepEqual(await textsOf(fresh), lines.map(({ text }) => text));
});

Deno.test("the last part first: its lines still stand behind those that come later, and before what is newer here", async () => {
  await using at = await groupRelay();
  await using fresh = await OwnDevice.join(at, 1, 2);
  const { store, relayName } = fresh.participant;
  await store.write(({ history }) => void history.add(line(900, { text: "newer" }), [], 1));
  const all = Array.from({ length: 6 }, (_, number) => ({ number, line: line(number, { text: `${number}` }) }));
  for (const [part, lines] of [[3, all.slice(4)], [1, all.slice(0, 2)], [2, all.slice(2, 4)]] as const) {
    await arrive(store, relayName, { part, parts: 3, lines: 6 }, (await packLines(lines)).bytes);
    await importHistory({ store, relay: fresh.room.relay, relayName });
    // A transcript that is imported in between takes no place that is kept.
    if (part === 3) await importLines(store, [line(500, { text: "transcript" })]);
  }
  assert.deepEqual(await textsOf(fresh), ["transcript", "0", "1", "2", "3", "4", "5", "newer"]);
});

Deno.test("attack: a part whose lines claim places of others is lost as a whole, and what is here stays", async () => {
  await using at = await groupRelay();
  await using fresh = await OwnDevice.join(at, 1, 2);
  const { store, relayName } = fresh.participant;
  await store.write(({ history }) => void history.add(line(900, { text: "here" }), [], 1));
  const outside = [{ number: 100, line: line(1, { text: "outside" }) }];
  const twice = [{ number: 1, line: line(1, { text: "a" }) }, { number: 1, line: line(2, { text: "b" }) }];
  const taken = [{ number: 0, line: line(4, { text: "c" }) }];
  const room = { store, relay: fresh.room.relay, relayName };
  const rows: [number, typeof outside][] = [[1, outside], [2, twice], [3, taken], [4, [{ number: 0, line: line(5) }]]];
  for (const [part, lines] of rows) {
    await arrive(store, relayName, { part, parts: 4, lines: 6 }, (await packLines(lines)).bytes);
    await importHistory(room);
  }
  assert.deepEqual(await textsOf(fresh), ["c", "here"]);
  const move = await store.read(({ historyMoves }) => historyMoves.arrivedMove(TRANSFER));
  assert.deepEqual([move.done, move.lost, move.added], [4, 3, 1]);
});

Deno.test("a part whose file the relay has no more is lost, the others come, and one line says how many", async () => {
  await using at = await groupRelay();
  await using fresh = await OwnDevice.join(at, 1, 2);
  const { store, relayName } = fresh.participant;
  const blob = {
    sha256: new Uint8Array(32),
    fileSha256: new Uint8Array(32),
    key: new Uint8Array(32),
    size: 9n,
    version: 1,
  };
  const file = toBinary(FileSchema, create(FileSchema, { name: "x", blob }));
  const part = { transfer: TRANSFER, part: 1, parts: 2, lines: 2, relay: relayName, file };
  await store.write(({ historyMoves }) => historyMoves.arrived(part));
  const { bytes } = await packLines([{ number: 1, line: line(1, { text: "b" }) }]);
  await arrive(store, relayName, { part: 2, parts: 2, lines: 2 }, bytes);
  const details: string[] = [];
  const detail = (text: string) => details.push(text);
  const [ended] = await importHistory({ store, relay: fresh.room.relay, relayName, detail });
  assert.deepEqual([ended.added, ended.lost], [1, 1]);
  assert.match(details.join(), /part 1 of a moved history is lost/);
});

Deno.test("a part for another device, or with numbers that cannot be, is not taken in", async () => {
  await using at = await groupRelay();
  const { old, fresh } = await two(at, many(3, ""));
  await using _old = old, _fresh = fresh;
  await using third = await OwnDevice.join(at, 1, 3);
  await old.renew();
  await sendHistory({ own: old.own, toDevice: fresh.device });
  assert.deepEqual(await third.hear(), []);
  assert.deepEqual((await fresh.hear()).map(({ type }) => type), ["new_device", "history_part"]);
});

const TRANSFER = new Uint8Array(16).fill(3);

async function arrive(
  store: ClientStore,
  relay: string,
  numbers: Pick<ArrivedPart, "part" | "parts" | "lines">,
  data: Uint8Array,
): Promise<void> {
  const file = toBinary(FileSchema, create(FileSchema, { name: "part", data }));
  await store.write(({ historyMoves }) => void historyMoves.arrived({ transfer: TRANSFER, relay, file, ...numbers }));
}

async function gzip(plain: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([Uint8Array.from(plain)]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function partLines(packed: Uint8Array): Promise<Uint8Array[]> {
  const stream = new Blob([Uint8Array.from(packed)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return fromBinary(HistoryLinesSchema, new Uint8Array(await new Response(stream).arrayBuffer())).lines;
}

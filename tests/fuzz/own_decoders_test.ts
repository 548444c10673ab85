/**
 * 20,000 damaged inputs for what the devices of an account tell each other: parts of a history, contacts, read marks.
 * @module
 */
import assert from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { conversationWith } from "../../client/conversations.ts";
import { packLines, unpackLines } from "../../client/history_move/pack.ts";
import { isPartOf } from "../../client/history_move/part.ts";
import { isBounded } from "../../client/own_sync.ts";
import { contactOf } from "../../client/own_sync/contact.ts";
import { SyncSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { decode } from "../../relay/request_reader.ts";
import { type Decoder, faults, fuzz } from "./fuzz.ts";
import { damage } from "./seeded.ts";

const SEED = 20_261_122;
const INPUTS = 20_000;

const who = new Uint8Array(32).fill(1);
const line = {
  conversation: conversationWith(who),
  author: who,
  device: who,
  id: new Uint8Array(16),
  atMs: 5,
  state: "read",
  verified: true,
  text: "hello",
  replyTo: null,
  files: [{ name: "a.txt", size: 3, blob: who }],
  reactions: [{ author: who, emoji: "👍" }],
  marks: [{ account: who, state: "read" }],
  edited: false,
  deleted: false,
} as const;
const { bytes: packed } = await packLines([0, 1, 2].map((number) => ({ number, line })));
const plain = new Uint8Array(gunzipSync(packed));
const sync = toBinary(
  SyncSchema,
  create(SyncSchema, {
    contacts: [{ account: who, name: "bob", changedAtMs: 5n }, { account: who, removed: true }],
    reads: [{ conversation: who, readUntilMs: 5n }],
    settings: [{ conversation: who, name: "mute", value: "1", changedAtMs: 2n }],
    history: { transfer: new Uint8Array(16), part: 1, parts: 2, lines: 3n, forDevice: who },
  }),
);

const decoders: readonly Decoder[] = [
  {
    what: "parts of a history",
    codes: ["bad_transcript"],
    decode: (chance) =>
      unpackLines(chance(2) ? damage(packed, chance) : new Uint8Array(gzipSync(damage(plain, chance)))),
  },
  {
    what: "words of own devices",
    codes: ["bad_frame"],
    decode(chance) {
      const bytes = damage(sync, chance);
      const said = decode(() => fromBinary(SyncSchema, bytes, { readUnknownFields: false }));
      if (said.history) isPartOf(said.history, who);
      return [isBounded(said), said.contacts.map(contactOf)];
    },
  },
];

for (const decoder of decoders) {
  Deno.test(`${INPUTS} damaged ${decoder.what} end in a value or a typed error, none slowly (seed ${SEED})`, async () => {
    const fuzzed = await fuzz(decoder, SEED, INPUTS);
    assert.deepEqual(faults(decoder, fuzzed), []);
    for (const end of ["value", ...decoder.codes] as const) assert.ok(fuzzed.ended.get(end)! > 100, end);
  });
}

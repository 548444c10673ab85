/** Franking: a commitment opens to what was sent and to nothing else. @module */
import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { concat } from "../../crypto/concat.ts";
import { committedContent, commitTo, opensCommitment } from "../../crypto/franking.ts";
import { fromHex, hex } from "../../crypto/hex.ts";
import { ConversationMessageSchema } from "../../proto/gen/qight/v1/conversation_pb.ts";
import { ContentSchema, SealedContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { contentOf, seedOf } from "./samples.ts";

const SEED = 20_261_122;
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

Deno.test(`property: a commitment opens with its own key and content (seed ${SEED})`, async () => {
  await fc.assert(
    fc.asyncProperty(bytes(32), fc.uint8Array({ maxLength: 3000 }), async (key, content) => {
      assert.ok(await opensCommitment(await commitTo(key, content), key, content));
    }),
    { seed: SEED, numRuns: 200 },
  );
});

Deno.test("who changes one bit of content, key or commitment proves nothing", async () => {
  const [key, content] = [seedOf(3), new TextEncoder().encode("meet me at eight")];
  const parts = [await commitTo(key, content), key, content] as const;
  for (const [which, part] of parts.entries()) {
    for (let bit = 0; bit < part.length * 8; bit++) {
      const changed = parts.map((one) => one.slice());
      changed[which][bit >> 3] ^= 1 << (bit & 7);
      assert.ok(!await opensCommitment(changed[0], changed[1], changed[2]), `part ${which}, bit ${bit}`);
    }
  }
});

Deno.test("a byte that moves from the content into the key, or a key of another length, proves nothing", async () => {
  const all = new Uint8Array(64).map((_, at) => at);
  const [key, content] = [all.subarray(0, 32), all.subarray(32)];
  const commitment = await commitTo(key, content);
  const rows: [string, Uint8Array, Uint8Array, Uint8Array][] = [
    ["a key of 31 bytes", commitment, all.subarray(0, 31), all.subarray(31)],
    ["a key of 33 bytes", commitment, all.subarray(0, 33), all.subarray(33)],
    ["no key", commitment, new Uint8Array(0), all],
    ["no commitment", new Uint8Array(0), key, content],
    ["half of the commitment", commitment.subarray(0, 16), key, content],
  ];
  for (const [what, ...row] of rows) assert.ok(!await opensCommitment(...row), what);
});

Deno.test("the content of a message is found as its sender wrote it, with what a later version added", () => {
  const content = toBinary(ContentSchema, contentOf("hi").content!);
  const later = concat(content, fromHex("ba0601ff")); // a field 103 that nobody knows yet
  const sealed = toBinary(SealedContentSchema, contentOf("hi"));
  assert.equal(hex(committedContent(sealed, 8)!), hex(content));
  const field8 = concat(Uint8Array.of(0x42, later.length), later);
  assert.equal(hex(committedContent(concat(fromHex("0801"), field8, fromHex("ba0601ff")), 8)!), hex(later));
  const said = create(ConversationMessageSchema, {
    version: 1,
    id: seedOf(1).subarray(16),
    content: contentOf("x").content!,
  });
  assert.equal(
    hex(committedContent(toBinary(ConversationMessageSchema, said), 6)!),
    hex(toBinary(ContentSchema, contentOf("x").content!)),
  );
});

Deno.test("a content that is missing, stands there twice, is a number or is cut off is nobody's word", () => {
  const field8 = fromHex("4202" + "0a00");
  const rows: [string, Uint8Array][] = [
    ["nothing", new Uint8Array(0)],
    ["another field", fromHex("3a00")],
    ["twice", concat(field8, field8)],
    ["a number", fromHex("4001")],
    ["cut off", field8.subarray(0, 3)],
    ["a length beyond the end", fromHex("42ff01" + "00")],
    ["garbage behind it", concat(field8, fromHex("ffffffff"))],
    ["a group that does not end", concat(field8, fromHex("4b"))],
  ];
  for (const [what, message] of rows) assert.equal(committedContent(message, 8), null, what);
});

/** Envelopes: one canonical form, every changed byte refused, and the quick scan equal to protobuf-es. @module */
import assert from "node:assert/strict";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { concat } from "../../crypto/concat.ts";
import { domains } from "../../crypto/domains.ts";
import {
  CONTENT_PLAIN,
  encodeHeader,
  type EnvelopeFields,
  hashBody,
  MAX_ENVELOPE_BYTES,
  parseEnvelope,
  signEnvelope,
  verifyEnvelope,
} from "../../crypto/envelope.ts";
import { hex } from "../../crypto/hex.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { QightError } from "../../proto/errors.ts";
import { EnvelopeBodySchema, SignedEnvelopeSchema } from "../../proto/gen/qight/v1/envelope_pb.ts";
import { ada, bob, eve, head } from "./samples.ts";

const SEED = 20_261_121;
/** Field 9, 32 zeros. */
const COMMITMENT = concat(Uint8Array.of(0x4a, 32), new Uint8Array(32));
const fields: EnvelopeFields = { ...head, contentType: CONTENT_PLAIN, payload: new TextEncoder().encode("hello") };
const bytes = await signEnvelope(ada, fields);
const committed = await signEnvelope(ada, { ...fields, commitment: new Uint8Array(32).fill(7) });

Deno.test("an envelope opens to what was signed", async () => {
  const opened = parseEnvelope(bytes);
  await verifyEnvelope(opened);
  for (const name of ["id", "sender", "recipient", "payload"] as const) {
    assert.equal(hex(opened[name]), hex(fields[name]));
  }
  for (const name of ["createdAtMs", "ttlS", "contentType"] as const) assert.equal(opened[name], fields[name]);
  assert.equal(hex(opened.bodyHash), hex(await sha256(opened.bodyBytes)));
  assert.equal(hex(await hashBody(opened)), hex(opened.bodyHash));
  const body = concat(encodeHeader(fields), Uint8Array.of(0x42, 5), fields.payload);
  assert.equal(hex(opened.bodyBytes), hex(body));
  assert.equal(opened.commitment.length, 0);

  const withCommitment = parseEnvelope(committed);
  await verifyEnvelope(withCommitment);
  assert.equal(hex(withCommitment.commitment), "07".repeat(32));
  assert.equal(hex(withCommitment.bodyBytes), hex(body) + "4a20" + "07".repeat(32));
});

Deno.test("every bit flipped in an envelope is refused: malformed, or the signature does not fit", async () => {
  for (let bit = 0; bit < committed.length * 8; bit++) {
    const changed = committed.slice();
    changed[bit >> 3] ^= 1 << (bit & 7);
    await assert.rejects(open(changed), isRefusal, `bit ${bit}`);
  }
});

Deno.test("every cut of an envelope, and every byte put behind it, is refused", async () => {
  for (let length = 0; length < bytes.length; length++) {
    await assert.rejects(open(bytes.subarray(0, length)), { code: "bad_envelope" }, `${length} bytes`);
  }
  for (let tail = 0; tail < 256; tail++) {
    await assert.rejects(open(concat(bytes, Uint8Array.of(tail))), { code: "bad_envelope" }, `tail ${tail}`);
  }
});

Deno.test("a body that does not re-encode to itself is refused although its signature fits", async () => {
  const { body } = fromBinary(SignedEnvelopeSchema, bytes);
  const [version, rest] = [body.subarray(0, 2), body.subarray(2)];
  const withoutTtl = encodeHeader({ ...fields, ttlS: 0 });
  const rows: [string, Uint8Array][] = [
    ["an unknown field", concat(body, Uint8Array.of(0x48, 1))],
    ["an unknown group", concat(body, Uint8Array.of(0x4b, 0x4c))],
    ["a repeated field", concat(version, version, rest)],
    ["another order", concat(rest, version)],
    ["a padded number", concat(Uint8Array.of(0x08, 0x81, 0x00), rest)],
    ["a padded tag", concat(Uint8Array.of(0x88, 0x00, 0x01), rest)],
    ["a padded length", concat(version, Uint8Array.of(0x12, 0x90, 0x00), rest.subarray(2))],
    ["a number beyond 32 bits", concat(Uint8Array.of(0x08, 0x81, 0x80, 0x80, 0x80, 0x10), rest)],
    ["a written zero", concat(withoutTtl.subarray(0, -2), Uint8Array.of(0x30, 0, 0x38, 2, 0x42, 1, 7))],
    ["a commitment of 31 bytes", concat(body, Uint8Array.of(0x4a, 31), new Uint8Array(31))],
    ["a commitment of 33 bytes", concat(body, Uint8Array.of(0x4a, 33), new Uint8Array(33))],
    ["an empty commitment", concat(body, Uint8Array.of(0x4a, 0))],
    ["a commitment before the payload", concat(encodeHeader(fields), COMMITMENT, Uint8Array.of(0x42, 1, 7))],
    ["two commitments", concat(body, COMMITMENT, COMMITMENT)],
    ["an empty payload", concat(encodeHeader(fields), Uint8Array.of(0x42, 0))],
    ["no payload", encodeHeader(fields)],
    ["version 2", concat(Uint8Array.of(0x08, 2), rest)],
    ["no version", rest],
    ["nothing", new Uint8Array(0)],
  ];
  for (const [what, changed] of rows) {
    const signature = await ada.sign(concat(domains.envelope, changed));
    const envelope = toBinary(SignedEnvelopeSchema, create(SignedEnvelopeSchema, { body: changed, signature }));
    await assert.rejects(open(envelope), { code: "bad_envelope" }, what);
  }
});

Deno.test("a signature of another device, or under another domain, is refused", async () => {
  const { body } = fromBinary(SignedEnvelopeSchema, bytes);
  for (
    const signature of [
      await eve.sign(concat(domains.envelope, body)),
      await ada.sign(body),
      await ada.sign(concat(domains.message, body)),
    ]
  ) {
    const envelope = toBinary(SignedEnvelopeSchema, create(SignedEnvelopeSchema, { body, signature }));
    await assert.rejects(open(envelope), { code: "bad_signature" });
  }
});

Deno.test("fields that break a rule are not signed", async () => {
  const rows: [string, Partial<EnvelopeFields>][] = [
    ["a short id", { id: new Uint8Array(15) }],
    ["a foreign sender", { sender: bob.publicKey }],
    ["a short recipient", { recipient: bob.publicKey.subarray(1) }],
    ["no date", { createdAtMs: 0 }],
    ["half a millisecond", { createdAtMs: 1.5 }],
    ["a date beyond 2^53", { createdAtMs: 2 ** 53 }],
    ["a negative ttl", { ttlS: -1 }],
    ["a ttl beyond 32 bits", { ttlS: 2 ** 32 }],
    ["no content type", { contentType: 0 }],
    ["no payload", { payload: new Uint8Array(0) }],
  ];
  for (const [what, change] of rows) {
    await assert.rejects(signEnvelope(ada, { ...fields, ...change }), { code: "bad_envelope" }, what);
  }
});

Deno.test("an envelope beyond the limit is refused before anything looks inside", async () => {
  assert.throws(() => parseEnvelope(new Uint8Array(MAX_ENVELOPE_BYTES + 1)), { code: "message_too_large" });
  const payload = new Uint8Array(MAX_ENVELOPE_BYTES).fill(1);
  await assert.rejects(signEnvelope(ada, { ...fields, payload }), { code: "message_too_large" });
  await open(await signEnvelope(ada, { ...fields, payload: payload.subarray(400) }));
});

Deno.test(`property: any fields survive signing, parsing and verifying (seed ${SEED})`, async () => {
  const field = fc.record({
    id: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    createdAtMs: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    ttlS: fc.integer({ min: 0, max: 0xffffffff }),
    contentType: fc.integer({ min: 1, max: 0xffffffff }),
    payload: fc.uint8Array({ minLength: 1, maxLength: 40_000 }),
    commitment: fc.constantFrom(0, 32).chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
  });
  await fc.assert(
    fc.asyncProperty(field, async (some) => {
      const given = { ...fields, ...some };
      const envelope = await signEnvelope(ada, given);
      const opened = parseEnvelope(envelope);
      await verifyEnvelope(opened);
      assert.deepEqual(summary(opened), summary(given));
      assert.deepEqual(slowParse(envelope), summary(given));
    }),
    { seed: SEED, numRuns: 300 },
  );
});

Deno.test(`property: the quick scan accepts exactly what decoding and re-encoding accepts (seed ${SEED})`, () => {
  // Whole envelopes built from pieces that are right, nearly right, or wrong, so that both verdicts are common.
  const rarely = <T>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: bad });
  const varint = (max: bigint) =>
    rarely(fc.bigInt({ min: 1n, max }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })).chain((value) =>
      rarely(fc.constant(0), fc.integer({ min: 1, max: 3 })).map((padding) => encodeVarint(value, padding))
    );
  const number = (tag: number, max: bigint) => varint(max).map((value) => concat(Uint8Array.of(tag), value));
  const data = (tag: number, length: number) =>
    rarely(fc.uint8Array({ minLength: length, maxLength: length }), fc.uint8Array({ maxLength: 300 })).chain((value) =>
      rarely(fc.constant(0), fc.integer({ min: 1, max: 3 })).map((padding) =>
        concat(Uint8Array.of(tag), encodeVarint(BigInt(value.length), padding), value)
      )
    );
  const one = rarely(fc.constant(Uint8Array.of(8, 1)), number(8, 3n));
  const optional = (piece: fc.Arbitrary<Uint8Array>) => rarely(piece, fc.constant(new Uint8Array(0)));
  const pieces = fc.tuple(
    one,
    optional(data(0x12, 16)),
    optional(data(0x1a, 32)),
    optional(data(0x22, 32)),
    optional(number(0x28, 2n ** 53n - 1n)),
    fc.oneof(number(0x30, 0xffffffffn), fc.constant(new Uint8Array(0))),
    optional(number(0x38, 0xffffffffn)),
    optional(
      fc.uint8Array({ minLength: 1, maxLength: 300 }).map((v) =>
        concat(Uint8Array.of(0x42), encodeVarint(BigInt(v.length), 0), v)
      ),
    ),
    fc.oneof(data(0x4a, 32), fc.constant(new Uint8Array(0))),
    rarely(fc.constant(new Uint8Array(0)), fc.uint8Array({ maxLength: 4 })),
  );
  const swap = rarely(fc.constant(-1), fc.nat(8));
  const envelope = fc.tuple(
    pieces,
    swap,
    data(0x12, 64),
    rarely(fc.constant(0), fc.integer({ min: 1, max: 3 })),
    rarely(fc.constant(new Uint8Array(0)), fc.uint8Array({ maxLength: 4 })),
  )
    .map(([parts, at, signature, padding, tail]) => {
      const order: Uint8Array[] = [...parts];
      if (at >= 0) [order[at], order[at + 1]] = [order[at + 1], order[at]];
      const body = concat(...order);
      return concat(Uint8Array.of(0x0a), encodeVarint(BigInt(body.length), padding), body, signature, tail);
    });
  let accepted = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.oneof(envelope, fc.uint8Array({ maxLength: 40 })), (some) => {
      const slow = slowParse(some);
      assert.deepEqual(quickParse(some), slow);
      if (slow === null) refused++;
      else accepted++;
    }),
    { seed: SEED, numRuns: 20_000 },
  );
  assert.ok(accepted > 1000 && refused > 1000, `${accepted} accepted, ${refused} refused`);
});

async function open(envelope: Uint8Array): Promise<void> {
  await verifyEnvelope(parseEnvelope(envelope));
}

function isRefusal(thrown: unknown): boolean {
  return thrown instanceof QightError && (thrown.code === "bad_envelope" || thrown.code === "bad_signature");
}

function summary(fields: EnvelopeFields): string {
  const { id, sender, recipient, createdAtMs, ttlS, contentType, payload, commitment = new Uint8Array(0) } = fields;
  return [id, sender, recipient, payload, commitment].map(hex).concat(
    String(createdAtMs),
    String(ttlS),
    String(contentType),
  )
    .join();
}

function quickParse(envelope: Uint8Array): string | null {
  try {
    return summary(parseEnvelope(envelope));
  } catch (fault) {
    if (fault instanceof QightError && fault.code === "bad_envelope") return null;
    throw fault;
  }
}

/** The reference: protobuf-es decodes, unknown fields dropped, and both layers must re-encode to themselves. */
function slowParse(envelope: Uint8Array): string | null {
  const outer = decoded(SignedEnvelopeSchema, envelope);
  const body = outer && decoded(EnvelopeBodySchema, outer.body);
  if (!outer || !body) return null;
  if (hex(toBinary(SignedEnvelopeSchema, outer)) !== hex(envelope)) return null;
  if (hex(toBinary(EnvelopeBodySchema, body)) !== hex(outer.body)) return null;
  const ok = body.version === 1 && body.id.length === 16 && body.sender.length === 32 && body.recipient.length === 32 &&
    body.createdAtMs >= 1n && body.createdAtMs < 2n ** 53n && body.contentType !== 0 && body.payload.length > 0 &&
    (body.commitment.length === 0 || body.commitment.length === 32) && outer.signature.length === 64;
  return ok ? summary({ ...body, createdAtMs: Number(body.createdAtMs) }) : null;
}

function decoded<S extends typeof SignedEnvelopeSchema | typeof EnvelopeBodySchema>(schema: S, from: Uint8Array) {
  try {
    return fromBinary(schema, from, { readUnknownFields: false });
  } catch (malformed) {
    assert.ok(malformed instanceof Error);
    return null;
  }
}

function encodeVarint(value: bigint, padding: number): Uint8Array {
  const out: number[] = [];
  for (; value >= 0x80n; value >>= 7n) out.push(Number(value & 0x7fn) | 0x80);
  out.push(Number(value));
  for (let i = 0; i < padding; i++) {
    out[out.length - 1] |= 0x80;
    out.push(0);
  }
  return Uint8Array.from(out);
}

/**
 * 20,000 damaged inputs for each decoder of crypto/: out comes a value or a typed error of its own, quickly, and
 * without holding memory.
 * @module
 */
import assert from "node:assert/strict";
import { openBundle, signBundle } from "../../crypto/bundle.ts";
import { parseEnvelope, verifyEnvelope } from "../../crypto/envelope.ts";
import { pad } from "../../crypto/padding.ts";
import { openReceipt, signReceipts } from "../../crypto/receipt.ts";
import { openContent, sealContent, sealedKeyId } from "../../crypto/seal.ts";
import { openSealingKey } from "../../crypto/sealing_key.ts";
import { ARGON2_FLOOR, openVault, sealVault } from "../../crypto/vault.ts";
import { KEM_XWING, sealWithSecret } from "../../crypto/hpke.ts";
import { nativeXWing } from "../../crypto/xwing.ts";
import { encodeHeader } from "../../crypto/envelope.ts";
import { concat, domains } from "../../crypto/domains.ts";
import { unpad } from "../../crypto/padding.ts";
import { parseAccountId } from "../../crypto/account.ts";
import { create, toBinary } from "@bufbuild/protobuf";
import { SealedContentSchema, SealedPayloadSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { type ErrorCode, QightError } from "../../proto/errors.ts";
import {
  ada,
  adaAccount,
  bobSealingKey,
  bobSecret,
  contentOf,
  DAY,
  head,
  NOW,
  sealedEnvelope,
} from "../crypto/samples.ts";
import { type Chance, createChance, damage } from "./seeded.ts";

const SEED = 20_261_121;
const INPUTS = 20_000;
/** A single input may take this long, in milliseconds (the machine may be busy; the usual time is microseconds). */
const SLOWEST_MS = 100;
const MOST_HEAP = 50 << 20;

const bundle = await signBundle(adaAccount, {
  version: 3,
  createdAtMs: NOW,
  expiresAtMs: NOW + DAY,
  devices: [{ key: ada.publicKey, name: "laptop", addedAtMs: NOW }],
});
const envelope = await sealedEnvelope("hello");
const payload = await sealContent({ to: bobSealingKey, fields: head, content: contentOf("hi") });
const content = toBinary(SealedContentSchema, { ...contentOf("hi"), voidCounters: [1n, 300n] });
const keyFile = await sealVault(new Uint8Array(40), "pass", { params: ARGON2_FLOOR });
const receipts = await signReceipts(
  ada,
  [1, 2, 3].map((seq) => ({
    mailbox: ada.publicKey,
    seq,
    id: new Uint8Array(16),
    bodyHash: new Uint8Array(32),
    receivedAtMs: NOW,
  })),
);
const openKeyFile = await sealVault(new Uint8Array(40), null);

interface Row {
  readonly what: string;
  readonly codes: readonly ErrorCode[];
  decode(chance: Chance): Promise<unknown>;
}

const rows: Row[] = [
  {
    what: "envelopes",
    codes: ["bad_envelope", "bad_signature", "message_too_large"],
    decode: async (chance) => await verifyEnvelope(parseEnvelope(damage(envelope, chance))),
  },
  { what: "bundles", codes: ["bad_bundle"], decode: (chance) => openBundle(damage(bundle.bytes, chance), NOW) },
  {
    what: "sealing keys",
    codes: ["bad_bundle"],
    decode: (chance) => openSealingKey(damage(bobSealingKey.bytes, chance)),
  },
  {
    what: "sealed payloads",
    codes: ["cannot_open"],
    async decode(chance) {
      const damaged = damage(payload, chance);
      await openContent({ secretSeed: bobSecret, fields: { ...head, payload: damaged } });
      return sealedKeyId(damaged);
    },
  },
  {
    what: "receipts",
    codes: ["bad_receipt"],
    decode: (chance) => openReceipt(damage(receipts[1], chance), ada.publicKey),
  },
  { what: "sealed contents", codes: ["cannot_open"], decode: (chance) => openForeignContent(damage(content, chance)) },
  {
    what: "paddings",
    codes: ["cannot_open"],
    decode: async (chance) =>
      await Promise.resolve(unpad(damage(pad(content.subarray(0, chance(content.length))), chance))),
  },
  // No passphrase is given where one is wanted, else each input that is still whole would cost an Argon2id.
  {
    what: "key files",
    codes: ["bad_key_file", "passphrase_needed"],
    decode: (chance) => openVault(damageText(chance(2) ? keyFile : openKeyFile, chance), null),
  },
  {
    what: "account ids",
    codes: ["bad_id"],
    decode: async (chance) => await Promise.resolve(parseAccountId(damageText(adaAccount.id, chance))),
  },
];

for (const { what, codes, decode } of rows) {
  Deno.test(`${INPUTS} damaged ${what} end in a value or a typed error, none slowly (seed ${SEED})`, async () => {
    const ended = new Map<string, number>();
    // Per quarter, the lowest reading: what a collection leaves behind, not the garbage above it.
    const heap = [Infinity, Infinity, Infinity, Infinity];
    let slowest = 0;
    for (let i = 0; i < INPUTS; i++) {
      const first = await timed(() => decode(createChance(SEED + i)));
      const end = first.end;
      let took = first.took;
      // A busy machine stretches single runs; an input is slow only when it is slow each time.
      for (let again = 0; took >= SLOWEST_MS && again < 5; again++) {
        took = Math.min(took, (await timed(() => decode(createChance(SEED + i)))).took);
      }
      slowest = Math.max(slowest, took);
      assert.ok(end === "value" || codes.includes(end), `input ${i} ended in ${end}`);
      ended.set(end, (ended.get(end) ?? 0) + 1);
      const quarter = Math.floor(i * 4 / INPUTS);
      if (i % 16 === 0) heap[quarter] = Math.min(heap[quarter], Deno.memoryUsage().heapUsed);
    }
    const summary = JSON.stringify(Object.fromEntries(ended));
    assert.ok(slowest < SLOWEST_MS, `the slowest took ${slowest} ms: ${summary}`);
    // The first quarter warms up (compiled code, the test runner's own records); after it nothing may pile up.
    assert.ok(heap[3] - heap[1] < MOST_HEAP, `the heap grew by ${heap[3] - heap[1]} bytes`);
    assert.ok([...ended.keys()].some((end) => end !== "value"), summary);
  });
}

async function timed(work: () => Promise<unknown>): Promise<{ end: ErrorCode | "value"; took: number }> {
  const start = performance.now();
  const end = await ending(work);
  return { end, took: performance.now() - start };
}

/** "value", or the code of the typed error; anything else that is thrown fails the test with its own stack. */
async function ending(work: () => Promise<unknown>): Promise<ErrorCode | "value"> {
  try {
    await work();
    return "value";
  } catch (thrown) {
    if (thrown instanceof QightError && thrown.code !== "internal") return thrown.code;
    throw thrown;
  }
}

const { enc, sharedSecret } = await (await nativeXWing.recipient(bobSealingKey.key)).encapsulate();
const sealInfo = concat(domains.seal, Uint8Array.of(0, 1), bobSealingKey.keyId);

/** Opens content that a hostile sender sealed properly: the damage is inside the seal. */
async function openForeignContent(plain: Uint8Array): Promise<unknown> {
  const ct = await sealWithSecret({ kem: KEM_XWING, aead: 2 }, sharedSecret, sealInfo, encodeHeader(head), pad(plain));
  const outer = create(SealedPayloadSchema, { suite: 1, keyId: bobSealingKey.keyId, enc, ct });
  const fields = { ...head, payload: toBinary(SealedPayloadSchema, outer) };
  return await openContent({ secretSeed: bobSecret, fields });
}

function damageText(text: string, chance: Chance): string {
  return new TextDecoder().decode(damage(new TextEncoder().encode(text), chance));
}

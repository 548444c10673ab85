/**
 * Where two devices with a code meet: who may leave and take what, what strangers can do there, and what it may cost.
 * @module
 */
import assert from "node:assert/strict";
import { createRpc, type Rpc } from "../../client/rpc.ts";
import { parseRelayAddress } from "../../net/address.ts";
import { dial } from "../../net/race.ts";
import { QightError } from "../../proto/errors.ts";
import { RendezvousService } from "../../proto/gen/qight/v1/rendezvous_pb.ts";
import { MAX_RENDEZVOUS_BYTES, Rendezvous, RENDEZVOUS_MS } from "../../relay/rendezvous.ts";
import { refusal } from "../helpers/refusal.ts";
import { type TestRelay, testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
const { putRendezvous, takeRendezvous } = RendezvousService.method;
const locator = (n: number) => new Uint8Array(32).fill(n);
const record = (n: number) => new Uint8Array(2000).fill(n);
const OFFER = 0, ANSWER = 1, DONE = 2;

const put = (rpc: Rpc, n: number, place: number, bytes: Uint8Array) =>
  rpc.unary(putRendezvous, { locator: locator(n), place, record: bytes });
const take = async (rpc: Rpc, n: number, place: number, waitMs = 0) =>
  (await rpc.unary(takeRendezvous, { locator: locator(n), place, waitMs })).record;

async function refused(action: () => Promise<unknown>, code: string): Promise<QightError> {
  const error = await refusal(action);
  assert.equal(error.code, code, error.message);
  return error;
}

/** A connection that never says hello. */
async function stranger({ address }: TestRelay) {
  const connection = await dial({ address: parseRelayAddress(address), timeoutMs: 5000 });
  return { rpc: createRpc(connection), [Symbol.dispose]: () => connection.close() };
}

Deno.test("two devices that nobody knows, before HELLO and at a relay that wants tokens, exchange all three records", async () => {
  await using relay = await testRelay({ now: () => NOW, auth: { mode: "token" } });
  using newer = await stranger(relay);
  using older = await stranger(relay);
  const { expiresAtMs } = await put(newer.rpc, 1, OFFER, record(1));
  assert.equal(expiresAtMs, BigInt(NOW + RENDEZVOUS_MS));
  const answered = take(newer.rpc, 1, ANSWER, 60_000);
  assert.deepEqual(await take(older.rpc, 1, OFFER), record(1));
  await put(older.rpc, 1, ANSWER, record(2));
  assert.deepEqual(await answered, record(2), "who waits is woken");
  assert.deepEqual(await take(older.rpc, 1, DONE), new Uint8Array(0), "nothing there yet");
  const done = take(older.rpc, 1, DONE, 60_000);
  await put(newer.rpc, 1, DONE, record(3));
  assert.deepEqual(await done, record(3));
});

Deno.test("a place is written once: the same bytes again are the same, a second offer or answer finds the code used", async () => {
  await using relay = await testRelay({ now: () => NOW });
  using any = await stranger(relay);
  await put(any.rpc, 1, OFFER, record(1));
  assert.equal((await put(any.rpc, 1, OFFER, record(1))).expiresAtMs, BigInt(NOW + RENDEZVOUS_MS));
  await refused(() => put(any.rpc, 1, OFFER, record(9)), "code_unknown");
  await put(any.rpc, 1, ANSWER, record(2));
  await refused(() => put(any.rpc, 1, ANSWER, record(9)), "code_unknown");
  await put(any.rpc, 1, ANSWER, record(2));
  assert.deepEqual(await take(any.rpc, 1, ANSWER), record(2));
  await refused(() => take(any.rpc, 1, OFFER), "code_unknown");
});

Deno.test("a code that never was, that is too late, or was begun by nobody's offer is one answer", async () => {
  let now = NOW;
  await using relay = await testRelay({ now: () => now });
  using any = await stranger(relay);
  await put(any.rpc, 1, OFFER, record(1));
  now += RENDEZVOUS_MS;
  const answers = [];
  for (const [n, place] of [[1, OFFER], [1, ANSWER], [2, OFFER], [2, DONE]]) {
    const { message } = await refused(() => take(any.rpc, n, place, 60_000), "code_unknown");
    answers.push(message);
  }
  answers.push((await refused(() => put(any.rpc, 3, ANSWER, record(1)), "code_unknown")).message);
  assert.equal(new Set(answers).size, 1);
  await put(any.rpc, 1, OFFER, record(7));
  assert.deepEqual(await take(any.rpc, 1, OFFER), record(7), "after its end the locator is free");
});

Deno.test("what cannot be a record, a place or a locator is refused before anything is kept", async () => {
  await using relay = await testRelay({ now: () => NOW });
  using any = await stranger(relay);
  const rows: [string, { locator?: Uint8Array; place?: number; record?: Uint8Array }, string][] = [
    ["no record", { record: new Uint8Array(0) }, "message_too_large"],
    ["a record one byte too long", { record: new Uint8Array(MAX_RENDEZVOUS_BYTES + 1) }, "message_too_large"],
    ["a frame far too long", { record: new Uint8Array(60_000) }, "message_too_large"],
    ["a fourth place", { place: 3 }, "bad_frame"],
    ["a short locator", { locator: new Uint8Array(31) }, "bad_frame"],
  ];
  for (const [what, change, code] of rows) {
    const request = { locator: locator(1), place: OFFER, record: record(1), ...change };
    const error = await refusal(() => any.rpc.unary(putRendezvous, request));
    assert.equal(error.code, code, what);
  }
  await refused(() => take(any.rpc, 1, OFFER), "code_unknown");
  await put(any.rpc, 1, OFFER, new Uint8Array(MAX_RENDEZVOUS_BYTES));
});

Deno.test("one address begins at most 16 links at once and has a bounded number of tries", async () => {
  let now = NOW;
  await using relay = await testRelay({ now: () => now });
  using any = await stranger(relay);
  for (let n = 0; n < 16; n++) await put(any.rpc, n, OFFER, record(1));
  const full = await refused(() => put(any.rpc, 99, OFFER, record(1)), "busy");
  assert.equal(full.retryAfterMs, RENDEZVOUS_MS);
  await put(any.rpc, 3, ANSWER, record(2));
  let tries = 18;
  const limited = await (async () => {
    for (;; tries++) {
      const error = await refusal(() => take(any.rpc, 200, OFFER));
      if (error.code === "rate_limited") return error;
      assert.equal(error.code, "code_unknown");
    }
  })();
  assert.equal(tries, 120);
  assert.ok(limited.retryAfterMs! > 0 && limited.retryAfterMs! <= 15_000);
  now += RENDEZVOUS_MS;
  await put(any.rpc, 99, OFFER, record(1));
});

Deno.test("all records together are bounded, and what has expired gives its room back", () => {
  let now = 0;
  const rendezvous = new Rendezvous(() => now);
  const large = new Uint8Array(MAX_RENDEZVOUS_BYTES);
  const names = (n: number) => new Uint8Array(new Uint32Array([n, 0, 0, 0, 0, 0, 0, 0]).buffer);
  let begun = 0;
  const fill = () => {
    for (;; begun++) rendezvous.put(names(begun), OFFER, large, `address ${begun}`);
  };
  assert.throws(fill, { code: "busy" });
  assert.deepEqual(rendezvous.held, { meetings: 512, bytes: 16 * 1024 * 1024 });
  now += RENDEZVOUS_MS;
  rendezvous.put(names(0), OFFER, large, "somebody");
  assert.deepEqual(rendezvous.held, { meetings: 1, bytes: large.length });
});

Deno.test("who waits hears when the ten minutes are over, when the caller left, and that too many wait", async () => {
  let now = 0;
  const rendezvous = new Rendezvous(() => now);
  const { signal } = new AbortController();
  rendezvous.put(locator(1), OFFER, record(1), "here");
  now = RENDEZVOUS_MS - 5;
  const late = rendezvous.take(locator(1), ANSWER, 60_000, signal);
  now = RENDEZVOUS_MS;
  await refused(() => late, "code_unknown");

  rendezvous.put(locator(1), OFFER, record(1), "here");
  const leaving = new AbortController();
  const waiting = Array.from({ length: 8 }, () => rendezvous.take(locator(1), ANSWER, 60_000, leaving.signal));
  await refused(() => rendezvous.take(locator(1), ANSWER, 60_000, signal), "busy");
  leaving.abort(new QightError("unreachable", "The caller left"));
  for (const one of waiting) await refused(() => one, "unreachable");
  const next = rendezvous.take(locator(1), ANSWER, 60_000, signal);
  rendezvous.put(locator(1), ANSWER, record(2), "there");
  assert.deepEqual(await next, record(2));

  rendezvous.put(locator(2), OFFER, record(1), "here");
  const short = rendezvous.take(locator(2), ANSWER, 5, signal);
  now += 5;
  assert.equal(await short, null, "the time of the call ran out, the code is still good");
});

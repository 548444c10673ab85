/**
 * Recovery codes at the relay: what one brings back and uses up, what guessing gets, and what a lost device may still do.
 * @module
 */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import type { RelayClient } from "../../client/relay_client.ts";
import type { VerifiedBundle } from "../../crypto/bundle.ts";
import type { Signer } from "../../crypto/ed25519.ts";
import { beginRegistration, finishRegistration } from "../../crypto/opaque.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { DirectoryService } from "../../proto/gen/qight/v1/directory_pb.ts";
import { type RecoveryKeeping, RecoveryKeepingSchema, RecoveryService } from "../../proto/gen/qight/v1/recovery_pb.ts";
import { MAX_RECOVERY_BYTES } from "../../relay/services/recovery.ts";
import { deviceNumber, listOf } from "../helpers/device_lists.ts";
import { person } from "../helpers/people.ts";
import { refusal } from "../helpers/refusal.ts";
import { calls, login, parties, register } from "../helpers/signing_in.ts";
import { type TestRelay, testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
const [ada, eve] = await Promise.all([1, 2].map((number) => person(number, NOW)));
const [fresh, other] = await Promise.all([31, 32].map(deviceNumber));
const { putRecovery, recoverStart, recoverFinish } = RecoveryService.method;
const { getBundle } = DirectoryService.method;

const locator = (set: number, n: number) => new Uint8Array(32).fill(set * 16 + n);
const sealed = (set: number) => new Uint8Array(1064).fill(set);
const wrapped = (set: number, n: number) => new Uint8Array(72).fill(set * 16 + n);

/** Eight codes, numbered from 0, and what they open. */
async function keepingOf(set: number): Promise<RecoveryKeeping> {
  const codes = await Promise.all(
    [0, 1, 2, 3, 4, 5, 6, 7].map(async (n) => ({
      locatorHash: await sha256(locator(set, n)),
      wrapped: wrapped(set, n),
    })),
  );
  return create(RecoveryKeepingSchema, { sealed: sealed(set), codes });
}

const list = (version: number, devices: Signer[], devicesOnly = false) =>
  listOf(ada.account, NOW, NOW + version, devices, { devicesOnly });
const as = (relay: TestRelay, device: Signer) => relay.connect({ ...ada, device });
const start = (who: RelayClient, set: number, n: number) => who.rpc.unary(recoverStart, { locator: locator(set, n) });

async function finish(
  who: RelayClient,
  [set, n]: readonly [number, number],
  bundle: VerifiedBundle,
  expected: number,
  change: { keeping?: RecoveryKeeping; record?: string } = {},
) {
  return await who.rpc.unary(recoverFinish, {
    locator: locator(set, n),
    bundle: bundle.bytes,
    expectedVersion: BigInt(expected),
    keeping: await keepingOf(set + 1),
    ...change,
  });
}

async function refused(action: () => Promise<unknown>, code: string, what = code) {
  const error = await refusal(action);
  assert.equal(error.code, code, `${what}: ${error.message}`);
  return error;
}

for (const backend of ["memory", "sqlite"] as const) {
  Deno.test(`${backend}: one code brings the account back to a machine that nobody knows, and all eight are used up`, async () => {
    await using relay = await testRelay({ now: () => NOW, storage: { backend } });
    await using lost = await relay.join(ada);
    await lost.rpc.unary(putRecovery, { keeping: await keepingOf(1) });
    await using clean = await as(relay, fresh);
    const found = await start(clean, 1, 3);
    assert.deepEqual(
      [found.account, found.sealed, found.wrapped, found.name, found.bundle],
      [ada.account.hash, sealed(1), wrapped(1, 3), "", ada.bundle.bytes],
    );
    const both = await list(1, [ada.device, fresh]);
    assert.equal((await finish(clean, [1, 3], both, NOW)).sessionToken, "", "a key is enough here");
    const who = { case: "account" as const, value: ada.account.hash };
    assert.deepEqual((await lost.rpc.unary(getBundle, { who })).bundle, both.bytes);
    assert.equal((await finish(clean, [1, 3], both, NOW)).sessionToken, "", "an answer that was lost, asked for again");
    for (let n = 0; n < 8; n++) await refused(() => start(clean, 1, n), "code_unknown");
    await refused(async () => finish(clean, [1, 3], await list(2, [fresh]), NOW + 1), "code_unknown");
    assert.deepEqual((await start(clean, 2, 0)).sealed, sealed(2), "the new codes are good");
    // Other devices stay until they are revoked; with the next list they go.
    await lost.ping();
    const gone = lost.closed;
    await finish(clean, [2, 7], await list(2, [fresh], true), NOW + 1);
    await gone;
  });
}

Deno.test("a recovery is the only way back that a revocation leaves to a new device, and it never forgets the revocation", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using old = await relay.join(ada);
  await old.rpc.unary(putRecovery, { keeping: await keepingOf(1) });
  await old.publishBundle((await list(1, [ada.device], true)).bytes, NOW);
  await using clean = await as(relay, fresh);
  const back = await list(2, [ada.device, fresh], true);
  await refused(() => clean.publishBundle(back.bytes, NOW + 1), "not_listed");
  await refused(async () => finish(clean, [1, 0], await list(2, [fresh]), NOW + 1), "key_changed");
  await finish(clean, [1, 0], back, NOW + 1);
});

Deno.test("two who use codes at the same moment: one is in, and the other's code is gone", async () => {
  await using relay = await testRelay({ now: () => NOW, storage: { backend: "sqlite" } });
  await using old = await relay.join(ada);
  await old.rpc.unary(putRecovery, { keeping: await keepingOf(1) });
  await using one = await as(relay, fresh);
  await using two = await as(relay, other);
  const [first, second] = await Promise.all([list(1, [fresh]), list(1, [other])]);
  const race = await Promise.allSettled([finish(one, [1, 0], first, NOW), finish(two, [1, 1], second, NOW)]);
  assert.deepEqual(race.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  const loser = race.find((outcome) => outcome.status === "rejected")!;
  // Looked at before the other one is in, its code is unknown; after, its list contradicts the new one.
  assert.ok(["code_unknown", "key_changed"].includes(loser.reason.code), loser.reason.code);
});

Deno.test("guessing codes: unknown, used and malformed ones tell nothing, and twenty tries an hour is all an address has", async () => {
  let now = NOW;
  await using relay = await testRelay({ now: () => now });
  await using old = await relay.join(ada);
  await old.rpc.unary(putRecovery, { keeping: await keepingOf(1) });
  await using thief = await relay.connect(eve);
  await refused(() => thief.rpc.unary(recoverStart, { locator: new Uint8Array(31) }), "bad_frame");
  const said = new Set<string>();
  for (let tries = 0; tries < 20; tries++) {
    said.add((await refused(() => start(thief, 9, tries % 8), "code_unknown")).message);
  }
  assert.equal(said.size, 1);
  const limited = await refused(() => start(thief, 1, 0), "rate_limited", "a right code too, once the tries are gone");
  assert.ok(limited.retryAfterMs! > 0 && limited.retryAfterMs! <= 180_000);
  await refused(async () => finish(thief, [1, 0], await list(1, [eve.device]), NOW), "rate_limited");
  now += 180_000;
  await start(thief, 1, 0);
});

Deno.test("a code of one account is no way into another, nor for a device that the new list leaves out", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using old = await relay.join(ada);
  await using others = await relay.join(eve);
  await old.rpc.unary(putRecovery, { keeping: await keepingOf(1) });
  const eves = await listOf(eve.account, NOW, NOW + 1, [eve.device]);
  await refused(() => finish(others, [1, 0], eves, NOW), "bad_bundle");
  await refused(async () => finish(others, [1, 0], await list(1, [fresh]), NOW), "not_allowed");
  await using clean = await as(relay, fresh);
  await refused(async () => finish(clean, [1, 0], await list(1, [fresh]), NOW - 5), "version_conflict");
  await refused(async () => finish(clean, [1, 0], await list(1, [fresh, eve.device]), NOW), "not_allowed");
  await finish(clean, [1, 0], await list(1, [fresh]), NOW);
});

Deno.test("what cannot be kept for a recovery is refused whole", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using old = await relay.join(ada);
  const good = await keepingOf(1);
  const [first, ...rest] = good.codes;
  const rows: [string, RecoveryKeeping | undefined, string][] = [
    ["nothing", undefined, "bad_frame"],
    ["seven codes", { ...good, codes: rest }, "bad_frame"],
    ["nine codes", { ...good, codes: [...good.codes, first] }, "bad_frame"],
    ["a code twice", { ...good, codes: [rest[0], ...rest] }, "bad_frame"],
    ["a short hash", { ...good, codes: [{ ...first, locatorHash: new Uint8Array(31) }, ...rest] }, "bad_frame"],
    ["a long key", { ...good, codes: [{ ...first, wrapped: new Uint8Array(73) }, ...rest] }, "bad_frame"],
    ["nothing sealed", { ...good, sealed: new Uint8Array(0) }, "message_too_large"],
    ["too much", { ...good, sealed: new Uint8Array(MAX_RECOVERY_BYTES + 1) }, "message_too_large"],
  ];
  for (const [what, keeping, code] of rows) {
    await refused(() => old.rpc.unary(putRecovery, keeping ? { keeping } : {}), code, what);
  }
  await using clean = await as(relay, fresh);
  await refused(() => clean.rpc.unary(putRecovery, { keeping: good }), "not_allowed", "a device of no account");
  await refused(() => start(clean, 1, 0), "code_unknown");
  await old.rpc.unary(putRecovery, { keeping: { ...good, sealed: new Uint8Array(MAX_RECOVERY_BYTES) } });
  await start(clean, 1, 0);
});

Deno.test("what codes open is renewed without new codes, by a listed device alone, and only where there are codes", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using old = await relay.join(ada);
  await using stranger = await relay.join(eve);
  await using clean = await as(relay, fresh);
  const renew = (who: RelayClient, bytes: Uint8Array) => {
    return who.rpc.unary(putRecovery, { keeping: create(RecoveryKeepingSchema, { sealed: bytes }) });
  };
  await refused(() => renew(old, sealed(2)), "code_unknown", "no codes yet");
  await old.rpc.unary(putRecovery, { keeping: await keepingOf(1) });
  await refused(() => renew(clean, sealed(2)), "not_allowed", "a device of no account");
  await refused(() => renew(stranger, sealed(2)), "code_unknown", "another account");
  await refused(() => renew(old, new Uint8Array(0)), "message_too_large");
  await refused(() => renew(old, new Uint8Array(MAX_RECOVERY_BYTES + 1)), "message_too_large");
  assert.deepEqual((await start(clean, 1, 5)).sealed, sealed(1));
  await renew(old, sealed(3));
  const found = await start(clean, 1, 5);
  assert.deepEqual([found.sealed, found.wrapped], [sealed(3), wrapped(1, 5)]);
  await finish(clean, [1, 5], await list(1, [fresh], true), NOW);
  const code = (await refusal(() => renew(old, sealed(4)))).code;
  assert.ok(["not_allowed", "not_listed", "unreachable"].includes(code), `the lost device: ${code}`);
});

Deno.test("at a relay with passwords a recovery brings a new one and a session, and ends all others", async () => {
  await using relay = await testRelay({ now: () => NOW, auth: { mode: "account" } });
  await using old = await relay.connect(ada);
  const token = await register(old, ada, "ada", "forgotten long ago");
  await old.rpc.unary(putRecovery, { keeping: await keepingOf(1) });
  await using clean = await as(relay, fresh);
  assert.equal((await start(clean, 1, 2)).name, "ada");
  const { state, request } = await beginRegistration("a new one");
  const { response } = await clean.rpc.unary(calls.registerStart, {
    name: "ada",
    request,
    recoverLocator: locator(1, 2),
  });
  const record = await finishRegistration("a new one", state, parties(clean, "ada"), response);
  const both = await list(1, [ada.device, fresh]);
  await refused(() => finish(clean, [1, 2], both, NOW), "bad_frame", "without a password");
  await refused(() => finish(clean, [1, 2], both, NOW, { record: "AAAA" }), "bad_frame", "no record");
  const { sessionToken } = await finish(clean, [1, 2], both, NOW, { record });
  await refused(() => old.rpc.unary(calls.showAccount, {}), "login_needed", "the lost device, at once");
  await using lostAnswer = await as(relay, fresh);
  await refused(() => finish(lostAnswer, [1, 2], both, NOW, { record }), "login_needed", "the new password is needed");
  await using again = await relay.connect({ ...ada, device: fresh }, { token: sessionToken });
  await again.rpc.unary(calls.showAccount, {});
  await using former = await relay.connect(ada, { token });
  await refused(() => former.rpc.unary(calls.showAccount, {}), "login_needed");
  await login(former, "ada", "a new one");
});

Deno.test("a code opens no relay that wants a token", async () => {
  await using relay = await testRelay({ now: () => NOW, auth: { mode: "token" } });
  await using owner = await relay.connect(ada, { token: relay.relay.firstToken! });
  await owner.publishBundle(ada.bundle.bytes, 0);
  await owner.rpc.unary(putRecovery, { keeping: await keepingOf(1) });
  await using clean = await as(relay, fresh);
  await refused(() => start(clean, 1, 0), "bad_token");
  await refused(async () => finish(clean, [1, 0], await list(1, [fresh]), NOW), "bad_token");
});

/** Recovery at the client: what it signs, when it writes down, and that a relay that lies gets nowhere. @module */
import assert from "node:assert/strict";
import type { AccountRelay } from "../../client/accounts/room.ts";
import { finishRecovery, openWithCode } from "../../client/accounts/recover.ts";
import { bringContacts, gather } from "../../client/accounts/kept.ts";
import { newCodes } from "../../client/accounts/codes.ts";
import { systemRandom } from "../../client/clock.ts";
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import { accountFromSeed } from "../../crypto/account.ts";
import { MAX_DEVICES, openBundle, signBundle } from "../../crypto/bundle.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { sha256Sync } from "../../crypto/sha256.ts";
import { recoveryKeys } from "../../crypto/recovery.ts";
import { parseRecoveryCode } from "../../crypto/recovery_code.ts";

const NOW = 1_770_000_000_000;
const YEAR = 365 * 24 * 3600_000;
const seed = new Uint8Array(32).fill(7);
const account = await accountFromSeed(seed);
const eve = await accountFromSeed(new Uint8Array(32).fill(8));
const signer = await signerFromSeed(new Uint8Array(32).fill(9));
const clock = { now: () => NOW };

async function listOf(owner: typeof account, count: number, devicesOnly = false) {
  const devices = await Promise.all(Array.from({ length: count }, async (_, i) => {
    const { publicKey: key } = await signerFromSeed(new Uint8Array(32).fill(100 + i));
    return { key, name: `device ${i}`, addedAtMs: NOW };
  }));
  return await signBundle(owner, { version: 5, createdAtMs: NOW, expiresAtMs: NOW + YEAR, devices, devicesOnly });
}

const fields = { accountSeed: seed, name: "", madeAtMs: BigInt(NOW), contacts: [], groups: [] };
const { codes, keeping } = newCodes(fields, account.hash, systemRandom);
const secret = parseRecoveryCode(codes[2]);

/** A relay that answers RecoverStart so, and notes what it is asked. */
function relayWith(bundle: Uint8Array, more: Record<string, unknown> = {}) {
  const asked: { method: string; request: Record<string, unknown> }[] = [];
  const { locator } = recoveryKeys(secret);
  const row = keeping.codes.find(({ locatorHash }) => `${locatorHash}` === `${sha256Sync(locator)}`)!;
  const found = { account: account.hash, sealed: keeping.sealed, wrapped: row.wrapped, name: "", bundle, ...more };
  const unary = ({ name: method }: { name: string }, request: Record<string, unknown>) => {
    asked.push({ method, request });
    return Promise.resolve(method === "RecoverStart" ? found : { sessionToken: "", expiresAtMs: 0n });
  };
  return { asked, relay: { rpc: { unary }, relayNowMs: clock.now } as unknown as AccountRelay };
}

async function finishedAs(deviceName: string, bundle: Uint8Array) {
  const { relay } = relayWith(bundle);
  const room = { relay, identity: { account, signer, deviceName }, clock, random: systemRandom, opaque: null };
  const opened = await openWithCode(relay, secret);
  return (await finishRecovery(room, opened, { password: null, revokeOthers: false })).bundle;
}

async function recovered(bundle: Uint8Array, revokeOthers: boolean, beforeUse?: () => Promise<void>) {
  const { asked, relay } = relayWith(bundle);
  const opened = await openWithCode(relay, secret);
  const identity = { account, signer, deviceName: "new" };
  const room = { relay, identity, clock, random: systemRandom, opaque: null };
  const done = await finishRecovery(room, opened, {
    password: null,
    revokeOthers,
    ...(beforeUse ? { beforeUse } : {}),
  });
  return { asked, done };
}

Deno.test("the new list has this device beside the others, follows the one at the relay, and keeps what is said for ever", async () => {
  const before = await listOf(account, 2, true);
  const { asked, done } = await recovered(before.bytes, false);
  assert.deepEqual(done.bundle.devices.map(({ name }) => name), ["device 0", "device 1", "new"]);
  const alike = await finishedAs("device 1", before.bytes);
  assert.deepEqual(alike.devices.at(-1)!.name, "device 1 2");
  assert.ok(done.bundle.devicesOnly && done.bundle.version > before.version);
  const { request } = asked.at(-1)!;
  assert.equal(request.expectedVersion, 5n);
  assert.deepEqual((await openBundle(request.bundle as Uint8Array)).hash, done.bundle.hash);
});

Deno.test("devices that are to be revoked stay while this one comes in by their seats; from a full list one goes for good", async () => {
  const { done } = await recovered((await listOf(account, 3)).bytes, true);
  const names = done.bundle.devices.map(({ name }) => name);
  assert.deepEqual([names, done.bundle.devicesOnly], [["device 0", "device 1", "device 2", "new"], false]);
  const full = (await recovered((await listOf(account, MAX_DEVICES)).bytes, true)).done.bundle;
  assert.deepEqual([full.devices.length, full.devices.at(-1)!.name, full.devicesOnly], [MAX_DEVICES, "new", true]);
  const alone = await recovered(new Uint8Array(0), true);
  assert.deepEqual([alone.done.bundle.devices.length, alone.done.bundle.devicesOnly], [1, false]);
});

Deno.test("new codes open what the old ones did; the old ones are not among them", async () => {
  const { asked, done } = await recovered((await listOf(account, 1)).bytes, false);
  assert.equal(done.codes.length, 8);
  assert.equal(new Set([...codes, ...done.codes]).size, 16);
  const { codes: kept } = asked.at(-1)!.request.keeping as typeof keeping;
  const hashes = kept.map(({ locatorHash }) => locatorHash.toHex());
  assert.deepEqual(done.codes.map((code) => sha256Sync(recoveryKeys(parseRecoveryCode(code)).locator).toHex()), hashes);
});

Deno.test("what must not be lost is written down before the code is used up; when that fails it is still good", async () => {
  const order: string[] = [];
  const { asked } = await recovered((await listOf(account, 1)).bytes, false, () => {
    order.push("written");
    return Promise.resolve();
  });
  assert.deepEqual([order, asked.map(({ method }) => method)], [["written"], ["RecoverStart", "RecoverFinish"]]);
  const { asked: none, relay } = relayWith((await listOf(account, 1)).bytes);
  const room = { relay, identity: { account, signer, deviceName: "new" }, clock, random: systemRandom, opaque: null };
  const failing = finishRecovery(room, await openWithCode(relay, secret), {
    password: null,
    revokeOthers: false,
    beforeUse: () => Promise.reject(new Error("disk full")),
  });
  await assert.rejects(failing, /disk full/);
  assert.deepEqual(none.map(({ method }) => method), ["RecoverStart"]);
});

Deno.test("a full list is too_many_devices before the code is used up", async () => {
  await assert.rejects(recovered((await listOf(account, MAX_DEVICES)).bytes, false), { code: "too_many_devices" });
});

const lists = { own: await listOf(account, 1), eve: await listOf(eve, 1) };
for (
  const [what, answer, code] of [
    ["another account's name", { account: eve.hash }, "cannot_open"],
    ["another account's list", { bundle: lists.eve.bytes }, "bad_bundle"],
    ["a damaged list", { bundle: lists.own.bytes.with(70, 0xff) }, "bad_bundle"],
    ["a seal with one bit changed", { sealed: keeping.sealed.with(50, keeping.sealed[50] ^ 1) }, "cannot_open"],
    ["the wrapped key of another code", { wrapped: keeping.codes[5].wrapped }, "cannot_open"],
    ["nothing", { sealed: new Uint8Array(0), wrapped: new Uint8Array(0) }, "cannot_open"],
  ] as const
) {
  Deno.test(`a relay that answers with ${what} is ${code}, and is asked nothing more`, async () => {
    const { asked, relay } = relayWith(lists.own.bytes, answer);
    await assert.rejects(openWithCode(relay, secret), { code });
    assert.equal(asked.length, 1);
  });
}

Deno.test("contacts go in and come back: names that are taken here get a number, what is known here is not forgotten", async () => {
  const row = (name: string, byte: number, verified = false) => {
    return { name, account: new Uint8Array(32).fill(byte), verified, blocked: false, addedAtMs: NOW, offered: null };
  };
  await using old = await openSqliteStore({ path: ":memory:", key: new Uint8Array(32) });
  await old.write(({ contacts }) =>
    [row("bob", 1, true), row("carol", 2), row("dave", 3), row("erin", 4)].forEach(contacts.put)
  );
  const about = { relay: "r", accountSeed: seed, name: "ada", nowMs: NOW };
  const { bundle, left } = await old.read((tables) => gather(tables, about));
  assert.deepEqual([bundle.contacts.map(({ name }) => name), left], [["bob", "carol", "dave", "erin"], 0]);
  await using fresh = await openSqliteStore({ path: ":memory:", key: new Uint8Array(32) });
  const names = await fresh.write((tables) => {
    tables.contacts.put(row("carol", 9));
    tables.contacts.put(row("erin", 4, true));
    tables.contacts.put({ ...row("robert", 1), blocked: true });
    const kept = newCodesOf(bundle);
    assert.equal(bringContacts(tables, kept, account.hash), 2);
    return tables.contacts.all().map(({ name, verified, blocked }) => [name, verified, blocked]);
  });
  assert.deepEqual(names, [
    ["carol", false, false],
    ["carol-2", false, false],
    ["dave", false, false],
    ["erin", true, false],
    ["robert", true, true],
  ]);
});

Deno.test("of more contacts than fit, verified ones go along first, and the rest is counted", async () => {
  await using store = await openSqliteStore({ path: ":memory:", key: new Uint8Array(32) });
  await store.write(({ contacts }) => {
    for (let i = 0; i < 6000; i++) {
      const hash = sha256Sync(new TextEncoder().encode(`${i}`));
      const verified = i % 10 === 9;
      contacts.put({ name: `c${i}`, account: hash, verified, blocked: false, addedAtMs: NOW, offered: null });
    }
  });
  const about = { relay: "r", accountSeed: seed, name: "", nowMs: NOW };
  const { bundle, left } = await store.read((tables) => gather(tables, about));
  assert.equal(bundle.contacts.length + left, 6000);
  assert.ok(left > 0 && bundle.contacts.filter(({ verified }) => verified).length === 600);
  assert.equal(newCodes(bundle, account.hash, systemRandom).codes.length, 8);
});

function newCodesOf(bundle: ReturnType<typeof gather>["bundle"]) {
  return bundle.contacts as unknown as Parameters<typeof bringContacts>[1];
}

/** What counts as a change of what recovery codes bring back, and one call for it; never without codes. @module */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { gather } from "../../client/accounts/kept.ts";
import { renewKept } from "../../client/accounts/renew.ts";
import type { AccountRelay } from "../../client/accounts/room.ts";
import { leaveFormer } from "../../client/groups/former.ts";
import { wait } from "../../client/groups/waiting.ts";
import { takeSync } from "../../client/own_sync.ts";
import { codesSetting } from "../../client/own_sync/codes.ts";
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import type { ClientStore, ContactRow, GroupRow, Tables } from "../../client/storage/store.ts";
import { accountFromSeed } from "../../crypto/account.ts";
import { openRecovery, recoveryKeys, sealRecovery } from "../../crypto/recovery.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { QightError } from "../../proto/errors.ts";
import { ContentSchema, type SyncedSetting } from "../../proto/gen/qight/v1/seal_pb.ts";

const NOW = 1_770_000_000_000;
const RELAY = "relay.test";
const seed = new Uint8Array(32).fill(7);
const identity = {
  account: await accountFromSeed(seed),
  signer: await signerFromSeed(new Uint8Array(32).fill(9)),
  deviceName: "device",
};
const secret = new Uint8Array(16).fill(3);
const BOB = new Uint8Array(32).fill(1), EVE = new Uint8Array(32).fill(2), OPS = new Uint8Array(32).fill(4);

const openStore = () => openSqliteStore({ path: ":memory:", key: new Uint8Array(32).fill(5) });
const contact = (change: Partial<ContactRow> = {}): ContactRow => (
  { name: "bob", account: BOB, verified: false, blocked: false, addedAtMs: 1, offered: null, ...change }
);
const group = (change: Partial<GroupRow> = {}): GroupRow => ({
  ...{ relay: RELAY, group: OPS, kind: "group", peer: null, name: "ops", creator: BOB, suite: 83, epoch: 1 },
  ...{ status: "active", joinedAtMs: 1, stuckAtMs: 0, healedAtMs: 0, stamp: new Uint8Array(8) },
  ...change,
});

/** Codes were made here, for all there is. */
async function codesMade(store: ClientStore): Promise<void> {
  await store.write(({ recoveryMarks }) => {
    recoveryMarks.made(RELAY, { name: "ada", madeAtMs: NOW, changes: recoveryMarks.begin(RELAY) });
  });
}

const changesOf = (store: ClientStore) => store.read(({ recoveryMarks }) => recoveryMarks.get(RELAY)?.changes ?? null);

/** A relay that answers so, and what it was given. */
function relayThat(answer: () => Promise<unknown> = () => Promise.resolve({})) {
  const given: { readonly sealed: Uint8Array; readonly codes: readonly unknown[] }[] = [];
  const unary = (_: unknown, { keeping }: { keeping: typeof given[number] }) => {
    given.push(keeping);
    return answer();
  };
  return { given, relay: { rpc: { unary } } as unknown as AccountRelay };
}

const renew = (store: ClientStore, relay: AccountRelay) =>
  renewKept({ relay, relayName: RELAY, store, identity, clock: { now: () => NOW + 5 } }, seed);

const rows: [what: string, counts: boolean, change: (tables: Tables) => void][] = [
  ["a contact is added", true, ({ contacts }) => contacts.put(contact({ name: "eve", account: EVE }))],
  ["a contact is verified", true, ({ contacts }) => contacts.put(contact({ verified: true }))],
  ["a contact is blocked", true, ({ contacts }) => contacts.put(contact({ blocked: true }))],
  ["a name means somebody else", true, ({ contacts }) => contacts.put(contact({ account: EVE }))],
  ["a contact is removed", true, ({ contacts }) => contacts.remove("bob")],
  ["a contact is offered another key", false, ({ contacts }) => contacts.put(contact({ offered: EVE }))],
  ["a group is joined", true, ({ groups }) => groups.put(group({ group: EVE, name: "more" }))],
  ["a group is left", true, ({ groups }) => groups.put(group({ status: "left" }))],
  ["a group has another name", true, ({ groups }) => groups.put(group({ name: "ops 2" }))],
  ["a group is forgotten", true, ({ groups }) => groups.remove(RELAY, OPS)],
  ["a group changes its members", false, ({ groups }) => groups.put(group({ epoch: 2 }))],
  ["a device was revoked, which may have spoilt it", true, ({ recoveryMarks }) => recoveryMarks.doubt()],
  ["a group is stuck", false, ({ groups }) => groups.put(group({ status: "stuck" }))],
  ["a group of another relay", false, ({ groups }) => groups.put(group({ relay: "other.test", name: "theirs" }))],
];
for (const [what, counts, change] of rows) {
  Deno.test(`${counts ? "is written down anew" : "is no reason to write anything down"}: ${what}`, async () => {
    await using store = await openStore();
    const before = ({ contacts, groups }: Tables) => (contacts.put(contact()), groups.put(group()));
    await store.write(before);
    await codesMade(store);
    await store.write(change);
    assert.equal((await changesOf(store))! > 0, counts);
  });
}

Deno.test("one call without codes, under which the codes that there are open what is here now", async () => {
  await using store = await openStore();
  await codesMade(store);
  await store.write(({ contacts, groups }) => (contacts.put(contact({ verified: true })), groups.put(group())));
  const { given, relay } = relayThat();
  assert.equal(await renew(store, relay), true);
  assert.deepEqual([given.length, given[0].codes, await changesOf(store)], [1, [], 0]);
  const { codes: [{ wrapped }] } = sealRecovery({ accountSeed: seed }, identity.account.hash, [secret]);
  const found = { account: identity.account.hash, sealed: given[0].sealed, wrapped };
  const { contacts, groups, name, madeAtMs } = await openRecovery(recoveryKeys(secret), found);
  assert.deepEqual(contacts.map(({ name, verified }) => [name, verified]), [["bob", true]]);
  assert.deepEqual([groups.map(({ name }) => name), name, Number(madeAtMs)], [["ops"], "ada", NOW + 5]);
});

Deno.test("what changes during the call is written down the next time; a call that fails is made again", async () => {
  await using store = await openStore();
  await codesMade(store);
  await store.write(({ contacts }) => contacts.put(contact()));
  const meanwhile = relayThat(() => store.write(({ contacts }) => contacts.put(contact({ blocked: true }))));
  assert.equal(await renew(store, meanwhile.relay), true);
  assert.equal(await changesOf(store), 1);
  const full = relayThat(() => Promise.reject(new QightError("storage_full")));
  await assert.rejects(renew(store, full.relay), { code: "storage_full" });
  assert.equal(await changesOf(store), 1);
});

Deno.test("a relay that knows of no codes is believed once: nothing goes there until codes are made, or told of", async () => {
  await using store = await openStore();
  await codesMade(store);
  const { given, relay } = relayThat(() => Promise.reject(new QightError("code_unknown")));
  assert.equal(await renew(store, relay), false);
  await store.write(({ contacts }) => contacts.put(contact()));
  assert.deepEqual([await renew(store, relay), given.length, await changesOf(store)], [false, 1, null]);
  const heard = (madeAtMs: number) =>
    store.write(({ recoveryMarks }) => recoveryMarks.heard(RELAY, { name: "", madeAtMs }));
  await heard(NOW);
  assert.equal(await changesOf(store), null, "another device told of the codes that are gone");
  await heard(NOW + 6);
  assert.equal(await changesOf(store), 1, "and of newer ones, which do not know of bob yet");
});

Deno.test("codes are heard of from own devices alone, for the relay over which it was said, and never for an odd time", async () => {
  await using store = await openStore();
  const own = { account: identity.account.hash, device: identity.signer.publicKey };
  const mark = { name: "ada", madeAtMs: NOW, changes: 0 };
  const setting = codesSetting(own.account, mark);
  const say = (settings: SyncedSetting[]) =>
    store.write((tables) => {
      const content = create(ContentSchema, { sync: { settings } });
      const from = { own, fromDevice: BOB, relay: RELAY, keepHistory: true, receivedAtMs: NOW, nowMs: NOW };
      return takeSync(tables, { content, ...from });
    });
  await say([{ ...setting, conversation: EVE }, { ...setting, name: "colour" }]);
  await say([{ ...setting, changedAtMs: 2n ** 63n }, { ...setting, value: "x".repeat(65) }]);
  assert.equal(await changesOf(store), null);
  await say([setting]);
  assert.deepEqual(
    await store.read(({ recoveryMarks }) => [recoveryMarks.get(RELAY), recoveryMarks.get("other.test")]),
    [
      mark,
      null,
    ],
  );
  assert.equal(await store.read(({ recoveryMarks }) => recoveryMarks.untold(RELAY)), null, "it is no echo");
  await store.write((tables) => leaveFormer(tables, (size) => new Uint8Array(size)));
  assert.equal(await changesOf(store), null, "a device of another account has nothing to do with it");
});

Deno.test("regression: a conversation that a recovered device still comes back into is not left out", async () => {
  await using store = await openStore();
  const groups = await store.write((tables) => {
    tables.groups.put(group());
    tables.groups.put(group({ group: EVE, name: "over", status: "left" }));
    for (const nowMs of [NOW, NOW + 1]) wait(tables, RELAY, { groups: [OPS, BOB], nowMs });
    wait(tables, "other.test", { groups: [EVE], nowMs: NOW });
    return gather(tables, { relay: RELAY, accountSeed: seed, name: "", nowMs: NOW }).bundle.groups;
  });
  assert.deepEqual(groups, [{ group: OPS, name: "ops" }, { group: BOB, name: "" }]);
});

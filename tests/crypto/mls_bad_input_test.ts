/** Bad messages, KeyPackages, Welcomes, GroupInfos: one typed error, and the state stays good. @module */
import assert from "node:assert/strict";
import { concat } from "../../crypto/concat.ts";
import { commit } from "../../crypto/mls/commit.ts";
import { joinFromWelcome } from "../../crypto/mls/join.ts";
import { joinExternally } from "../../crypto/mls/join_externally.ts";
import { openKeyPackage } from "../../crypto/mls/key_package.ts";
import { openMessage } from "../../crypto/mls/message.ts";
import { decodeState, encodeState } from "../../crypto/mls/state.ts";
import { NOW } from "./samples.ts";
import { aged, cut, flipped, forged, infoOf, longer, sealed, stranger, together, trailing } from "./mls_attack.ts";
import { unchanged, welcomeOf, type World } from "./mls_attack.ts";
import { allow, assertRefused, DAY_MS, findIn, groupOf, packageOf, type Person, person, says } from "./mls_members.ts";

const messages: readonly (readonly [string, RegExp, (world: World) => Promise<Uint8Array>])[] = [
  ["of another group", /another group/, () => sealed(stranger.state)],
  ["cut off", /no MLS PrivateMessage/, async ({ ada }) => cut(await sealed(ada.state))],
  ["with a byte behind it", /no MLS PrivateMessage/, async ({ ada }) => trailing(await sealed(ada.state))],
  ["encoded in another way", /no MLS PrivateMessage/, async ({ ada }) => longer(await sealed(ada.state))],
  ["changed in its last byte", /cannot be opened/, async ({ ada }) => flipped(await sealed(ada.state))],
  ["changed in its sender data", /cannot be opened/, async ({ ada }) => flipped(await sealed(ada.state), 65)],
  ["with another tag", /cannot be opened/, async ({ ada }) => flipped(await sealed(ada.state), 50)],
  ["of our own", /used already/, ({ bob }) => bobsOwn(bob)],
  ["of one who was removed", /not the group's/, ({ out }) => sealed(out.state)],
  ["of one who was removed, dressed as new", /cannot be opened/, ({ out, ada }) => {
    return sealed(out.state, { groupContext: ada.state.epoch.groupContext });
  }],
  ["signed by another member's key", /signature is not valid/, ({ ada, cyn }) => {
    return sealed(ada.state, { signaturePrivateKey: cyn.state.epoch.signaturePrivateKey });
  }],
  ["of an epoch to come", /not the group's/, ({ ada }) => {
    const { groupContext } = ada.state.epoch;
    return sealed(ada.state, { groupContext: { ...groupContext, epoch: groupContext.epoch + 1n } });
  }],
  ["far ahead of the others", /are missing/, ({ ada }) => {
    const secretTree = ada.state.secretTree.slice();
    const { application } = secretTree[0];
    secretTree[0] = { ...secretTree[0], application: { ...application, generation: application.generation + 10_001 } };
    return sealed({ ...ada.state, secretTree });
  }],
  ["of a leaf that is free", /no member/, ({ ada }) => {
    const secretTree = ada.state.secretTree.slice();
    secretTree[6] = secretTree[0];
    return sealed({ ...ada.state, secretTree }, { privatePath: { ...ada.state.epoch.privatePath, leafIndex: 3 } });
  }],
  ["of a leaf outside the tree", /no member/, ({ ada }) => {
    const secretTree = ada.state.secretTree.slice();
    secretTree[2000] = secretTree[0];
    return sealed({ ...ada.state, secretTree }, { privatePath: { ...ada.state.epoch.privatePath, leafIndex: 1000 } });
  }],
  ["that is a commit", /no content/, async ({ ada }) => (await commit(ada.state, { nowMs: NOW })).commit],
  ["that is a Welcome", /no MLS PrivateMessage/, async ({ ada }) => (await welcomeOf(ada.state)).welcome],
  ["longer than the largest", /bytes, at most/, () => Promise.resolve(new Uint8Array(300_000))],
  ["of no bytes", /no MLS PrivateMessage/, () => Promise.resolve(new Uint8Array(0))],
];

async function bobsOwn(bob: Person): Promise<Uint8Array> {
  return await says(bob, [], "to the others");
}

for (const [what, why, make] of messages) {
  Deno.test(`MLS: a message ${what} is refused and changes nothing`, async () => {
    const bytes = await make(together);
    await unchanged(together.bob, (state) => openMessage(state, bytes), why);
  });
}

Deno.test("MLS: a message that was opened once does not open again", async () => {
  const [ada, bob] = await groupOf(1, ["ada", "bob"]);
  const message = await says(ada, [bob], "once");
  await unchanged(bob, (state) => openMessage(state, message), /used already/);
});

const keyPackages: readonly (readonly [string, RegExp, () => Promise<Uint8Array>])[] = [
  ["cut off", /well-formed|cut off/, async () => cut(await fresh())],
  ["with a byte behind it", /behind it/, async () => trailing(await fresh())],
  ["encoded in another way", /canonical/, async () => {
    const bytes = await fresh();
    return concat(bytes.subarray(0, 8), Uint8Array.of(0x40), bytes.subarray(8));
  }],
  ["changed in its signature", /signature/, async () => flipped(await fresh())],
  ["changed in its first key", /signature/, async () => flipped(await fresh(), 12)],
  ["that has expired", /has expired/, () => aged(-2 * DAY_MS, -1)],
  ["of the future", /not valid yet/, () => aged(DAY_MS, 2 * DAY_MS)],
  ["whose device did not sign", /not certified/, forged],
  ["that is a message", /no KeyPackage/, () => sealed(together.ada.state)],
  ["of no bytes", /./, () => Promise.resolve(new Uint8Array(0))],
  ["of 9,000 bytes", /at most/, () => Promise.resolve(new Uint8Array(9000))],
];

async function fresh(): Promise<Uint8Array> {
  return (await packageOf(await person("dan"), 1)).keyPackage;
}

for (const [what, why, make] of keyPackages) {
  Deno.test(`MLS: a KeyPackage ${what} is refused, by itself and when it is added`, async () => {
    const bytes = await make();
    await assertRefused(openKeyPackage(bytes, NOW), why);
    await assertRefused(commit(together.ada.state, { add: [bytes], nowMs: NOW }), why);
  });
}

Deno.test("MLS: a KeyPackage lives 90 days at most, and one second at least", async () => {
  for (const [fromMs, toMs] of [[0, 91 * DAY_MS], [0, 0], [1000, 0]]) await assertRefused(aged(fromMs, toMs), /lives/);
  const bytes = await aged(0, 90 * DAY_MS);
  assert.equal((await openKeyPackage(bytes, NOW)).expiresAtMs, NOW + 90 * DAY_MS);
  await openKeyPackage(bytes, NOW - 3_600_000); // a clock that is an hour slow
  await openKeyPackage(bytes, NOW + 90 * DAY_MS);
  await assertRefused(openKeyPackage(bytes, NOW + 90 * DAY_MS + 1), /has expired/);
});

const welcomes: readonly (readonly [string, RegExp, (welcome: Uint8Array) => Uint8Array])[] = [
  ["cut off", /well-formed|cut off/, cut],
  ["with a byte behind it", /behind it/, trailing],
  ["changed in its GroupInfo", /cannot be opened/, flipped],
  ["changed in its secrets", /other KeyPackages|cannot be opened/, (bytes) => flipped(bytes, 20)],
];

for (const [what, why, change] of welcomes) {
  Deno.test(`MLS: a Welcome ${what} is refused`, async () => {
    const { welcome, own } = await welcomeOf(together.ada.state);
    await assertRefused(joinFromWelcome(change(welcome), findIn([own]), allow), why);
    await joinFromWelcome(welcome, findIn([own]), allow);
  });
}

Deno.test("MLS: a Welcome for another key is refused, also when the store gives the wrong one", async () => {
  const { welcome, own } = await welcomeOf(together.ada.state);
  const other = await packageOf(await person("dan"), 1);
  await assertRefused(joinFromWelcome(welcome, () => null, allow), /other KeyPackages/);
  await assertRefused(joinFromWelcome(welcome, () => other, allow), /cannot be opened/);
  const mixed = { keyPackage: own.keyPackage, secret: other.secret };
  await assertRefused(joinFromWelcome(welcome, () => mixed, allow), /other keys/);
});

Deno.test("MLS: who may not be welcomed says so in check, and nothing is kept", async () => {
  const { welcome, own } = await welcomeOf(together.ada.state);
  const check = () => Promise.reject(new RangeError("not this group"));
  await assert.rejects(joinFromWelcome(welcome, findIn([own]), { nowMs: NOW, check }), /not this group/);
  await assert.rejects(
    joinExternally(await infoOf(together.ada), await person("dan"), { nowMs: NOW, check }),
    /not this/,
  );
});

const infos: readonly (readonly [string, RegExp, (info: Uint8Array) => Uint8Array])[] = [
  ["cut off", /well-formed|cut off/, cut],
  ["with a byte behind it", /behind it/, trailing],
  ["changed in its signature", /signature/, flipped],
  ["changed in its group id", /signature/, (bytes) => flipped(bytes, 20)],
  ["changed in its tree", /./, (bytes) => flipped(bytes, 700)],
];

for (const [what, why, change] of infos) {
  Deno.test(`MLS: a GroupInfo ${what} is refused`, async () => {
    await assertRefused(joinExternally(change(await infoOf(together.ada)), await person("dan"), allow), why);
  });
}

Deno.test("MLS: a GroupInfo of a member whose tree lists leaves that cannot be is refused at once", async () => {
  const [ada] = await groupOf(1, ["ada", "bob", "cyn", "dan"]);
  for (const unmergedLeaves of [[1000], [0xffffffff], [1, 1], [2, 1], [3]]) {
    const ratchetTree = ada.state.epoch.ratchetTree.slice();
    const at = unmergedLeaves[0] === 3 ? 1 : 3;
    const root = ratchetTree[at];
    assert.ok(root?.nodeType === "parent");
    ratchetTree[at] = { nodeType: "parent", parent: { ...root.parent, unmergedLeaves } };
    const rigged = { ...ada, state: { ...ada.state, epoch: { ...ada.state.epoch, ratchetTree } } };
    await assertRefused(
      joinExternally(await infoOf(rigged), await person("eve"), allow),
      /lists a wrong leaf|hides a new leaf/,
    );
  }
});

Deno.test("MLS: damaged saved states and own KeyPackages are refused", async () => {
  const parts = encodeState(together.ada.state);
  for (
    const change of [cut, trailing, (bytes: Uint8Array) => flipped(bytes, 0), (bytes: Uint8Array) => flipped(bytes, 1)]
  ) {
    await assertRefused(decodeState({ ...parts, epochPart: change(parts.epochPart) }));
    if (change !== cut && change !== trailing) continue;
    await assertRefused(decodeState({ ...parts, messagePart: change(parts.messagePart) }));
  }
  await assertRefused(decodeState({ epochPart: new Uint8Array(0), messagePart: new Uint8Array(0) }));
  const { welcome, own } = await welcomeOf(together.ada.state);
  for (const secret of [cut(own.secret), trailing(own.secret), new Uint8Array(0)]) {
    await assertRefused(joinFromWelcome(welcome, () => ({ ...own, secret }), allow));
  }
});

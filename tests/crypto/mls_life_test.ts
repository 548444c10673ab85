/** The life of a group in crypto/mls/: beginning, joining, talking, racing, leaving. @module */
import assert from "node:assert/strict";
import { initializeEpoch } from "ts-mls/keySchedule.js";
import { hex } from "../../crypto/hex.ts";
import { applyCommit } from "../../crypto/mls/apply.ts";
import { commit } from "../../crypto/mls/commit.ts";
import { createGroup } from "../../crypto/mls/create.ts";
import { joinFromWelcome } from "../../crypto/mls/join.ts";
import { joinExternally } from "../../crypto/mls/join_externally.ts";
import { openMessage, sealMessage } from "../../crypto/mls/message.ts";
import { functionsOf } from "../../crypto/mls/provider.ts";
import { canOpen, decodeState, describe, encodeState } from "../../crypto/mls/state.ts";
import type { MlsSuite } from "../../crypto/mls/suite.ts";
import { NOW } from "./samples.ts";
import { flipped, infoOf } from "./mls_attack.ts";
import { add, allow, assertRefused, assertTogether, commitBy, dataOf, DAY_MS } from "./mls_members.ts";
import { findIn, GROUP, groupOf, leafOf, packageOf, type Person, person, says, takeIn } from "./mls_members.ts";

const SUITES: readonly (readonly [MlsSuite, string])[] = [[83, "X-Wing"], [1, "suite 1"]];

for (const [suite, name] of SUITES) {
  Deno.test(`MLS, ${name}: three people talk, and who is removed opens nothing more, not even with what was saved`, async () => {
    const [ada, bob, cyn] = await groupOf(suite, ["ada", "bob", "cyn"]);
    assertTogether([ada, bob, cyn]);
    await says(ada, [bob, cyn], "hello");
    await says(bob, [ada, cyn], "hello back");
    const saved = encodeState(bob.state);
    const made = await commit(ada.state, { remove: [leafOf(bob)], nowMs: NOW });
    const out = await applyCommit(bob.state, made.commit, allow);
    assert.equal(out.next, null);
    assert.deepEqual(out.change.removed.map(({ device }) => hex(device)), [hex(bob.signer.publicKey)]);
    ada.state = made.next;
    await takeIn(cyn, made.commit);
    assertTogether([ada, cyn]);
    const secret = await says(ada, [cyn], "bob is gone");
    await assertRefused(openMessage(bob.state, secret));
    await assertRefused(openMessage(await decodeState(saved), secret));
    // Nor with what ts-mls itself makes of the commit: there is no key of the next epoch in it for him.
    await assertRefused(applyCommit(await decodeState(saved), secret, allow));
  });

  Deno.test(`MLS, ${name}: somebody joins by an external commit, and again from a lost state`, async () => {
    const [ada, bob] = await groupOf(suite, ["ada", "bob"]);
    const dan = await person("dan");
    const { groupInfo } = await commitBy(ada, [bob], {});
    let seen: string[] = [];
    const joined = await joinExternally(groupInfo, dan, {
      nowMs: NOW,
      check: (members, data) => void (seen = [data.name, ...members.map(({ device }) => hex(device))]),
    });
    assert.deepEqual(seen, ["ops", ...[ada, bob, dan].map(({ signer }) => hex(signer.publicKey))]);
    for (const who of [ada, bob]) {
      const change = await takeIn(who, joined.commit);
      assert.equal(change.external, true);
      assert.deepEqual(change.added.map(({ leaf }) => leaf), [2]);
      assert.deepEqual(change.removed, []);
    }
    dan.state = joined.next;
    assertTogether([ada, bob, dan]);
    await says(dan, [ada, bob], "in");
    // dan loses his state: his new leaf takes the place of the old.
    const again = await joinExternally(joined.groupInfo, dan, allow);
    for (const who of [ada, bob]) {
      const change = await takeIn(who, again.commit);
      assert.deepEqual(change.removed.map(({ device }) => hex(device)), [hex(dan.signer.publicKey)]);
    }
    dan.state = again.next;
    assertTogether([ada, bob, dan]);
    assert.equal(describe(dan.state).members.length, 3);
    await says(ada, [bob, dan], "welcome back");
  });

  Deno.test(`MLS, ${name}: of two commits at once one wins, and the loser goes on from its old state`, async () => {
    const [ada, bob, cyn] = await groupOf(suite, ["ada", "bob", "cyn"]);
    const [won, lost] = await Promise.all([
      commit(ada.state, { data: dataOf(ada, "dev"), nowMs: NOW }),
      commit(bob.state, { remove: [leafOf(cyn)], nowMs: NOW }),
    ]);
    ada.state = won.next;
    bob.state = lost.spent;
    await takeIn(bob, won.commit);
    await takeIn(cyn, won.commit);
    assertTogether([ada, bob, cyn]);
    assert.equal(describe(bob.state).data.name, "dev");
    await assertRefused(applyCommit(ada.state, lost.commit, allow), /ends epoch 1, not 2/);
    await commitBy(bob, [ada], { remove: [leafOf(cyn)] });
    assertTogether([ada, bob]);
  });
}

Deno.test("MLS: whose device comes in again from another copy hears that his place is taken", async () => {
  const [ada, bob, cyn] = await groupOf(1, ["ada", "bob", "cyn"]);
  const joined = await joinExternally(await infoOf(ada), bob, allow);
  const { next, change } = await applyCommit(bob.state, joined.commit, allow);
  assert.equal(next, null);
  assert.deepEqual([change.external, hex(change.committer.device)], [true, hex(bob.signer.publicKey)]);
  assert.deepEqual([change.added, change.removed].map(([who]) => who.leaf), [1, 1]);
  for (const at of [-40, -200]) { // the last 33 bytes are the confirmation tag, whose key he does not have
    await assertRefused(applyCommit(bob.state, flipped(joined.commit, at), allow));
  }
  bob.state = joined.next;
  for (const who of [ada, cyn]) await takeIn(who, joined.commit);
  assertTogether([ada, bob, cyn]);
});

Deno.test("MLS: a commit says who came, who went and what changed", async () => {
  const [ada, bob, cyn] = await groupOf(1, ["ada", "bob", "cyn"]);
  const dan = await person("dan");
  const own = await packageOf(dan, 1);
  const wish = { add: [own.keyPackage], remove: [leafOf(cyn)], data: dataOf(ada, "dev"), nowMs: NOW };
  const made = await commit(bob.state, wish);
  const change = await takeIn(ada, made.commit);
  assert.equal(hex(change.committer.device), hex(bob.signer.publicKey));
  assert.deepEqual(change.added.map(({ leaf, device }) => [leaf, hex(device)]), [[2, hex(dan.signer.publicKey)]]);
  assert.deepEqual(change.removed.map(({ leaf, account }) => [leaf, hex(account)]), [[2, hex(cyn.account)]]);
  assert.deepEqual([change.before.name, change.after.name, change.external], ["ops", "dev", false]);
  bob.state = made.next;
  dan.state = (await joinFromWelcome(made.welcome!, findIn([own]), allow)).state;
  assertTogether([ada, bob, dan]);
});

Deno.test("MLS: a check that says no is heard, and the state is as it was", async () => {
  const [ada, bob] = await groupOf(1, ["ada", "bob"]);
  const made = await commit(ada.state, { data: dataOf(ada, "dev"), nowMs: NOW });
  const before = encodeState(bob.state);
  const check = () => Promise.reject(new RangeError("not by ada"));
  await assert.rejects(applyCommit(bob.state, made.commit, { nowMs: NOW, check }), /not by ada/);
  assert.deepEqual(encodeState(bob.state), before);
  await takeIn(bob, made.commit);
  assert.equal(describe(bob.state).data.name, "dev");
});

Deno.test("MLS: messages of an ended epoch that wait unread open until one of a later epoch was read", async () => {
  const [ada, bob, cyn] = await groupOf(1, ["ada", "bob", "cyn"]);
  const waiting: Uint8Array[] = [];
  for (let epoch = 1; epoch <= 4; epoch++) {
    waiting.push(await says(ada, [], `first of ${epoch}`), await says(cyn, [], `second of ${epoch}`));
    await commitBy(ada, [bob, cyn], {}); // bob, who only sends, takes the commits in before he reads
  }
  await says(bob, [ada, cyn], "I have not read yet");
  bob.state = await decodeState(encodeState(bob.state));
  assert.deepEqual([0, 1, 4, 5, 6].map((epoch) => canOpen(bob.state, epoch)), [false, true, true, true, false]);
  for (const [at, message] of waiting.entries()) {
    const opened = await openMessage(bob.state, message);
    assert.equal(new TextDecoder().decode(opened.plaintext), `${["first", "second"][at % 2]} of ${1 + (at >> 1)}`);
    assert.equal(opened.sender.leaf, leafOf([ada, cyn][at % 2]));
    assert.deepEqual([opened.epoch, opened.forked], [1 + (at >> 1), false]);
    await assertRefused(openMessage(opened.next, message), /used already/);
    bob.state = opened.next;
  }
  assert.equal(canOpen(bob.state, 3), false);
  await says(ada, [bob, cyn], "now");
  assert.equal(canOpen(bob.state, 4), false);
  assertTogether([ada, bob, cyn]);
});

Deno.test("MLS: keys of an ended epoch go after 30 days, and nobody keeps more than 64 epochs", async () => {
  const [ada, bob] = await groupOf(1, ["ada", "bob"]);
  const late = { nowMs: NOW + 31 * DAY_MS, check() {} };
  await commitBy(ada, [bob], {});
  const made = await commit(ada.state, { nowMs: late.nowMs });
  ada.state = made.next;
  const { next } = await applyCommit(bob.state, made.commit, late);
  assert.deepEqual([1, 2, 3].map((epoch) => canOpen(next!, epoch)), [false, true, true]);
  bob.state = next!;
  for (let commits = 0; commits < 65; commits++) await commitBy(ada, [bob], {});
  assert.deepEqual([3, 4, 67, 68].map((epoch) => canOpen(bob.state, epoch)), [false, true, true, true]);
});

Deno.test("MLS: a saved state is two parts; messages change the small one alone", async () => {
  const [ada, bob] = await groupOf(83, ["ada", "bob"]);
  const before = encodeState(ada.state);
  await says(ada, [bob], "one");
  const after = encodeState(ada.state);
  assert.equal(after.epochPart, before.epochPart);
  assert.notDeepEqual(after.messagePart, before.messagePart);
  ada.state = await decodeState(after);
  assert.equal(encodeState(ada.state).epochPart, after.epochPart);
  assert.deepEqual(encodeState(ada.state).messagePart, after.messagePart);
  await says(ada, [bob], "two");
  await says(bob, [ada], "three");
  await commitBy(ada, [bob], {});
  assert.notEqual(encodeState(ada.state).epochPart, after.epochPart);
  await assertRefused(decodeState({ ...encodeState(ada.state), messagePart: after.messagePart }), /different epochs/);
});

Deno.test("MLS: messages that overtake each other open, each once", async () => {
  const [ada, bob] = await groupOf(1, ["ada", "bob"]);
  const sent: Uint8Array[] = [];
  for (let at = 0; at < 30; at++) sent.push(await says(ada, [], `${at}`));
  const order = [7, 29, 0, 28, 1, 15];
  for (const at of order) {
    const opened = await openMessage(bob.state, sent[at]);
    assert.equal(new TextDecoder().decode(opened.plaintext), `${at}`);
    bob.state = await decodeState(encodeState(opened.next));
  }
  for (const at of order) await assertRefused(openMessage(bob.state, sent[at]), /used already/);
});

Deno.test("MLS: 3,000 lost messages of one sender do not keep the next from opening", async () => {
  const [ada, bob] = await groupOf(1, ["ada", "bob"]);
  for (let at = 0; at < 3000; at++) ada.state = (await sealMessage(ada.state, new Uint8Array(1))).next;
  await says(ada, [bob], "after the gap");
  await says(ada, [bob], "and on");
  assert.ok(encodeState(bob.state).messagePart.length < 50_000, "at most 1,000 skipped keys are kept");
});

Deno.test("MLS: whoever stays alone in a group has an epoch that the one who went cannot know", async () => {
  const [ada, bob] = await groupOf(1, ["ada", "bob"]);
  const { commit: message } = await commitBy(ada, [], { remove: [leafOf(bob)] });
  const first = await applyCommit(bob.state, message, allow);
  assert.equal(first.next, null);
  // What bob has, and the context, which he can work out: with a commit secret of zeros this is ada's epoch.
  const { kdf } = await functionsOf(1);
  const zeros = new Uint8Array(kdf.size);
  const { initSecret } = bob.state.epoch.keySchedule;
  const guess = await initializeEpoch(initSecret, zeros, ada.state.epoch.groupContext, zeros, kdf);
  assert.notDeepEqual(guess.keySchedule.epochAuthenticator, ada.state.epoch.keySchedule.epochAuthenticator);
  const cyn = await person("cyn");
  await add([ada], [cyn], 1);
  assertTogether([ada, cyn]);
});

Deno.test("regression: a newcomer joins although ts-mls refuses the tree, because a leaf is unmerged below a fresh root", async () => {
  const names = ["ada", "bob", "cyn", "dan", "eve", "fay", "gus", "hal"];
  const people = await groupOf(1, names);
  const [ada, , , , , fay, gus] = people;
  const others = (...not: Person[]) => people.filter((who) => !not.includes(who));
  // fay's leaf becomes free below a node that gus makes anew; ada fills it, and the root above lists nobody.
  await commitBy(gus, others(gus, fay), { remove: [leafOf(fay)] });
  const ina = await person("ina");
  const rest = others(fay);
  await add([ada, ...rest.filter((who) => who !== ada)], [ina], 1);
  assertTogether([...rest, ina]);
  const jon = await person("jon");
  await add([ada, ...rest.filter((who) => who !== ada), ina], [jon], 1);
  assertTogether([...rest, ina, jon]);
  const { groupInfo } = await commitBy(ada, [...rest.filter((who) => who !== ada), ina, jon], {});
  const kim = await person("kim");
  const joined = await joinExternally(groupInfo, kim, allow);
  for (const who of [...rest, ina, jon]) await takeIn(who, joined.commit);
  kim.state = joined.next;
  assertTogether([...rest, ina, jon, kim]);
});

Deno.test("MLS: a group begins with one member who can talk to himself, and its data must be possible", async () => {
  const ada = await person("ada");
  const begin = (change: object, group = GROUP) =>
    createGroup({ suite: 1, group, owner: ada, data: { ...dataOf(ada), ...change }, nowMs: NOW });
  const { state } = await begin({});
  assert.deepEqual([describe(state).epoch, describe(state).members.length, describe(state).suite], [0, 1, 1]);
  assert.deepEqual(describe(state).data, dataOf(ada));
  await sealMessage(state, new Uint8Array(3));
  await assertRefused(begin({ name: "x".repeat(257) }), /name is too long/);
  await assertRefused(begin({ creator: new Uint8Array(31) }), /not 32 bytes/);
  await assertRefused(begin({ direct: [new Uint8Array(32).fill(2), new Uint8Array(32).fill(1)] }), /not in order/);
  await assertRefused(begin({}, new Uint8Array(31)), /32 bytes/);
});

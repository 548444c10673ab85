/** What somebody who joins believes of a member: a tree that was rigged and signed, secrets that do not fit. @module */
import assert from "node:assert/strict";
import type { GroupSecrets } from "ts-mls/groupSecrets.js";
import { extractWelcomeSecret } from "ts-mls/groupInfo.js";
import { makeKeyPackageRef } from "ts-mls/keyPackage.js";
import { treeHashRoot } from "ts-mls/treeHash.js";
import { decryptGroupInfo, decryptGroupSecrets, encryptGroupInfo, encryptGroupSecrets } from "ts-mls/welcome.js";
import type { RatchetTree } from "ts-mls";
import { joinFromWelcome } from "../../crypto/mls/join.ts";
import { joinExternally } from "../../crypto/mls/join_externally.ts";
import { commit } from "../../crypto/mls/commit.ts";
import { readOwnKeyPackage } from "../../crypto/mls/key_package.ts";
import { functionsOf } from "../../crypto/mls/provider.ts";
import { describe } from "../../crypto/mls/state.ts";
import { readWelcome, writeMessage } from "../../crypto/mls/wire.ts";
import { flipped, infoOf, welcomeOf } from "./mls_attack.ts";
import { add, allow, assertRefused, commitBy, findIn, groupOf, leafOf, type Person, person } from "./mls_members.ts";
import { NOW } from "./samples.ts";

const suite = await functionsOf(1);
const four = await groupOf(1, ["ada", "bob", "cyn", "dan"]);
const [ada, bob, cyn, dan] = four;
await commitBy(cyn, [ada, bob, dan], {}); // so that both halves of the tree have a node: 1, 3 and 5

/** A GroupInfo that ada signed over a tree she changed; its hash fits unless `hash` says no. */
async function rigged(change: (tree: RatchetTree) => void, hash = true, of: Person = ada): Promise<Uint8Array> {
  const { epoch } = of.state;
  const ratchetTree = epoch.ratchetTree.slice();
  change(ratchetTree);
  const treeHash = hash ? await treeHashRoot(ratchetTree, suite.hash) : epoch.groupContext.treeHash;
  const groupContext = { ...epoch.groupContext, treeHash };
  return await infoOf({ ...of, state: { ...of.state, epoch: { ...epoch, ratchetTree, groupContext } } });
}

const parentAt = (tree: RatchetTree, at: number, change: object) => {
  const node = tree[at];
  assert.ok(node?.nodeType === "parent", `no node at ${at}`);
  tree[at] = { nodeType: "parent", parent: { ...node.parent, ...change } };
};
const leafAt = (tree: RatchetTree, leaf: number, change: object) => {
  const node = tree[leaf * 2];
  assert.ok(node?.nodeType === "leaf");
  tree[leaf * 2] = { nodeType: "leaf", leaf: { ...node.leaf, ...change } as never };
};
const key = crypto.getRandomValues(new Uint8Array(32));

const trees: readonly (readonly [string, RegExp, (tree: RatchetTree) => void])[] = [
  ["a node has another key", /not made by a member/, (tree) => parentAt(tree, 5, { hpkePublicKey: key })],
  ["a node names another parent", /not made by a member/, (tree) => parentAt(tree, 5, { parentHash: key })],
  ["the root has another key", /not made by a member/, (tree) => parentAt(tree, 3, { hpkePublicKey: key })],
  ["two nodes have one key", /same key/, (tree) => {
    const root = tree[3];
    parentAt(tree, 5, { hpkePublicKey: root?.nodeType === "parent" ? root.parent.hpkePublicKey : key });
  }],
  ["a leaf has another key", /signature of a leaf/, (tree) => leafAt(tree, 1, { hpkePublicKey: key })],
  ["the committer's leaf has another key", /signature of a leaf/, (tree) => leafAt(tree, 2, { hpkePublicKey: key })],
  ["a leaf comes from an update", /from an update/, (tree) => leafAt(tree, 1, { leafNodeSource: "update" })],
  ["a leaf has extensions", /has extensions/, (tree) => {
    leafAt(tree, 1, { extensions: [{ extensionType: 10, extensionData: key }] });
  }],
  ["a leaf cannot do what the group needs", /cannot do/, (tree) => {
    const node = tree[2];
    assert.ok(node?.nodeType === "leaf");
    leafAt(tree, 1, { capabilities: { ...node.leaf.capabilities, extensions: [] } });
  }],
  ["a leaf lives for ever", /longer than 90 days/, (tree) => {
    leafAt(tree, 1, { leafNodeSource: "key_package", lifetime: { notBefore: 0n, notAfter: 1n << 62n } });
  }],
  ["a leaf stands twice", /same/, (tree) => tree[2] = tree[6]],
  ["a leaf speaks for a device that did not sign", /not certified|signature of a leaf/, (tree) => {
    const other = tree[6];
    assert.ok(other?.nodeType === "leaf");
    leafAt(tree, 1, { credential: { ...other.leaf.credential } });
    tree[6] = undefined;
  }],
  ["a node lists a leaf twice", /lists a wrong leaf/, (tree) => parentAt(tree, 5, { unmergedLeaves: [3, 3] })],
  ["a node lists leaves in disorder", /lists a wrong leaf/, (tree) => parentAt(tree, 5, { unmergedLeaves: [3, 2] })],
  ["a node lists a leaf that is not below it", /lists a wrong leaf/, (tree) => {
    parentAt(tree, 5, { unmergedLeaves: [1] });
  }],
  [
    "a node lists a leaf outside the tree",
    /lists a wrong leaf/,
    (tree) => parentAt(tree, 3, { unmergedLeaves: [1000] }),
  ],
  ["a node lists leaf 2^32 - 1", /lists a wrong leaf/, (tree) => parentAt(tree, 3, { unmergedLeaves: [0xffffffff] })],
  ["a node below hides a new leaf", /hides a new leaf/, (tree) => parentAt(tree, 3, { unmergedLeaves: [3] })],
];

for (const [what, why, change] of trees) {
  Deno.test(`MLS: nobody joins a tree in which ${what}, though a member signed it`, async () => {
    await assertRefused(joinExternally(await rigged(change), await person("eve"), allow), why);
  });
}

for (const [from, to] of [[6, 5], [5, 6], [3, 0]]) {
  Deno.test(`MLS: nobody joins a tree in which node ${from} stands at place ${to}`, async () => {
    const moved = await rigged((tree) => void (tree[to] = tree[from]), false);
    await assertRefused(joinExternally(moved, await person("eve"), allow), /wrong place/);
  });
}

Deno.test("MLS: nobody joins by a tree that is not the one the group agreed on", async () => {
  const drop = (tree: RatchetTree) => void (tree[2] = undefined);
  await assertRefused(
    joinExternally(await rigged(drop, false), await person("eve"), allow),
    /not the group's|by a member/,
  );
  const { epoch } = ada.state;
  const groupContext = { ...epoch.groupContext, treeHash: flipped(epoch.groupContext.treeHash) };
  const lying = { ...ada, state: { ...ada.state, epoch: { ...epoch, groupContext } } };
  await assertRefused(joinExternally(await infoOf(lying), await person("eve"), allow), /not the group's/);
  assert.equal((await joinExternally(await infoOf(ada), await person("eve"), allow)).next.suite, 1);
});

Deno.test("MLS: a leaf that came after a node was made is listed by it, and joining works before and after", async () => {
  const people = await groupOf(1, ["ada", "bob", "cyn", "dan", "eve", "fay", "gus", "hal"]);
  const [one, , , , , fay, gus] = people;
  const rest = people.filter((who) => who !== fay);
  await commitBy(gus, rest.filter((who) => who !== gus), { remove: [leafOf(fay)] });
  const ina = await person("ina");
  await add([one, ...rest.filter((who) => who !== one)], [ina], 1);
  const { ratchetTree } = one.state.epoch;
  const above = ratchetTree[11];
  assert.ok(above?.nodeType === "parent");
  assert.deepEqual(above.parent.unmergedLeaves, [5]);
  const jon = await person("jon");
  assert.equal(describe((await joinExternally(await infoOf(one), jon, allow)).next).members.length, 9);
  // Without the list the node would have been made by somebody else, and with it the leaf must be there.
  const rig = async (unmergedLeaves: number[]) => {
    await assertRefused(
      joinExternally(await rigged((tree) => parentAt(tree, 11, { unmergedLeaves }), true, one), jon, allow),
      /not made by a member|wrong leaf|hides/,
    );
  };
  for (const unmerged of [[], [4], [5, 6], [4, 5]]) await rig(unmerged);
});

/** A Welcome of ada for one who is new, opened, changed and closed again as ada could do it. */
async function changedWelcome(change: (secrets: GroupSecrets) => GroupSecrets) {
  const { welcome, own } = await welcomeOf(bob.state, "eve");
  const { publicPackage, privatePackage } = await readOwnKeyPackage(own);
  const received = await readWelcome(welcome, welcome.length);
  const ref = await makeKeyPackageRef(publicPackage, suite.hash);
  const initKey = await suite.hpke.importPrivateKey(privatePackage.initPrivateKey);
  const secrets = (await decryptGroupSecrets(initKey, ref, received, suite.hpke))!;
  const noPsk = new Uint8Array(suite.kdf.size);
  const info = (await decryptGroupInfo(received, secrets.joinerSecret, noPsk, suite))!;
  const changed = change(secrets);
  const welcomeSecret = await extractWelcomeSecret(changed.joinerSecret, noPsk, suite.kdf);
  const encryptedGroupInfo = await encryptGroupInfo(info, welcomeSecret, suite);
  const to = await suite.hpke.importPublicKey(publicPackage.initKey);
  const { enc, ct } = await encryptGroupSecrets(to, encryptedGroupInfo, changed, suite.hpke);
  const entry = { newMember: ref, encryptedGroupSecrets: { kemOutput: enc, ciphertext: ct } };
  const made = { cipherSuite: suite.name, secrets: [entry], encryptedGroupInfo };
  return { own, welcome: writeMessage({ version: "mls10", wireformat: "mls_welcome", welcome: made }) };
}

const secrets: readonly (readonly [string, RegExp | null, (secrets: GroupSecrets) => GroupSecrets])[] = [
  ["as they were", null, (given) => given],
  ["of another epoch", /confirmation tag/, (given) => ({ ...given, joinerSecret: flipped(given.joinerSecret) })],
  ["with another path secret", /other keys/, (given) => ({ ...given, pathSecret: flipped(given.pathSecret!) })],
  ["without a path secret", /no path secret/, (given) => ({ ...given, pathSecret: undefined })],
  ["with a pre-shared key", /malformed/, (given) => {
    const psk = { psktype: "external" as const, pskId: new Uint8Array(4), pskNonce: new Uint8Array(32) };
    return { ...given, psks: [psk as never] };
  }],
];

for (const [what, why, change] of secrets) {
  Deno.test(`MLS: a Welcome with secrets ${what} is ${why ? "refused" : "taken"}`, async () => {
    const { own, welcome } = await changedWelcome(change);
    if (why) await assertRefused(joinFromWelcome(welcome, findIn([own]), allow), why);
    else await joinFromWelcome(welcome, findIn([own]), allow);
  });
}

Deno.test("MLS: a commit that was dropped has used its key up: the next from the same epoch takes another", async () => {
  const first = await commit(ada.state, { nowMs: NOW });
  const { handshake } = first.spent.secretTree[0];
  assert.equal(handshake.generation, ada.state.secretTree[0].handshake.generation + 1);
  assert.notDeepEqual(handshake.secret, ada.state.secretTree[0].handshake.secret);
  const second = await commit(first.spent, { nowMs: NOW });
  assert.equal(second.spent.secretTree[0].handshake.generation, handshake.generation + 1);
});

Deno.test("MLS: private keys of nodes that are blank now are forgotten", async () => {
  const [one, two, three] = await groupOf(1, ["ada", "bob", "cyn", "dan"]);
  assert.ok(1 in one.state.epoch.privatePath.privateKeys);
  await commitBy(three, [one], { remove: [leafOf(two)] });
  assert.deepEqual(Object.keys(one.state.epoch.privatePath.privateKeys), ["0", "3"]);
});

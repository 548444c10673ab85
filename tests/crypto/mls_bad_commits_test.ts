/** Bad commits: a member may be the attacker. One typed error, the state stays good, and the group lives. @module */
import type { Commit, Proposal } from "ts-mls";
import { createCommit } from "ts-mls/createCommit.js";
import { createProposal } from "ts-mls/createMessage.js";
import { createContentCommitSignature } from "ts-mls/framedContent.js";
import { protect } from "ts-mls/messageProtection.js";
import assert from "node:assert/strict";
import { applyCommit } from "../../crypto/mls/apply.ts";
import { commit } from "../../crypto/mls/commit.ts";
import { clientConfig, contextExtensions } from "../../crypto/mls/config.ts";
import { xwingHpke } from "../../crypto/mls/hpke.ts";
import { joinExternally } from "../../crypto/mls/join_externally.ts";
import { functionsOf } from "../../crypto/mls/provider.ts";
import { asClientState, type GroupState } from "../../crypto/mls/state.ts";
import { readKeyPackage, writeMessage } from "../../crypto/mls/wire.ts";
import { NOW } from "./samples.ts";
import { aged, cut, flipped, forged, infoOf, longer, sealed, stranger, together, trailing } from "./mls_attack.ts";
import { unchanged, type World } from "./mls_attack.ts";
import { allow, assertRefused, assertTogether, commitBy, dataOf, DAY_MS, groupOf } from "./mls_members.ts";
import { packageOf, type Person, person, says, welcomed } from "./mls_members.ts";

/** A commit of a member who has the keys and not the manners: any proposals, no path unless given, a guessed tag. */
async function rogue(state: GroupState, proposals: Proposal[], path?: Commit["path"]): Promise<Uint8Array> {
  const suite = await functionsOf(state.suite);
  const { groupContext, privatePath: { leafIndex }, signaturePrivateKey, keySchedule } = state.epoch;
  const entries = proposals.map((proposal) => ({ proposalOrRefType: "proposal" as const, proposal }));
  const nothing = new Uint8Array(0);
  const { signature, framedContent } = await createContentCommitSignature(
    groupContext,
    "mls_private_message",
    { proposals: entries, path },
    { senderType: "member", leafIndex },
    nothing,
    signaturePrivateKey,
    suite.signature,
  );
  const { privateMessage } = await protect(
    keySchedule.senderDataSecret,
    nothing,
    groupContext,
    state.secretTree,
    { ...framedContent, auth: { contentType: "commit", signature, confirmationTag: new Uint8Array(32) } },
    leafIndex,
    clientConfig.paddingConfig,
    suite,
  );
  return writeMessage({ version: "mls10", wireformat: "mls_private_message", privateMessage });
}

/** The path of a commit that does nothing else, to be put on commits that do. */
async function pathOf(state: GroupState): Promise<NonNullable<Commit["path"]>> {
  const leaf = state.epoch.ratchetTree[state.epoch.privatePath.leafIndex * 2];
  assert.ok(leaf?.nodeType === "leaf");
  const { leaf: node } = leaf;
  return { leafNode: { ...node, leafNodeSource: "commit", parentHash: new Uint8Array(0) } as never, nodes: [] };
}

const withPath = async (state: GroupState, ...proposals: Proposal[]) => rogue(state, proposals, await pathOf(state));
const removal = (removed: number): Proposal => ({ proposalType: "remove", remove: { removed } });

const commits: readonly (readonly [string, RegExp, (world: World) => Promise<Uint8Array>])[] = [
  ["cut off", /well-formed|cut off/, async ({ ada }) => cut(await update(ada))],
  ["with a byte behind it", /behind it/, async ({ ada }) => trailing(await update(ada))],
  ["encoded in another way", /canonical/, async ({ ada }) => longer(await update(ada))],
  ["changed in its last byte", /does not fit/, async ({ ada }) => flipped(await update(ada))],
  ["of another group", /another group/, () => update(stranger)],
  ["of the epoch before", /ends epoch 1, not 2/, ({ out }) => update(out)],
  ["of one who was removed, dressed as new", /does not fit/, ({ out, ada }) => {
    const { groupContext } = ada.state.epoch;
    return update({ ...out, state: { ...out.state, epoch: { ...out.state.epoch, groupContext } } });
  }],
  ["of our own", /our own/, ({ bob }) => update(bob)],
  ["that is a message", /no commit/, ({ ada }) => sealed(ada.state)],
  ["that is a GroupInfo", /no commit/, async ({ ada }) => (await commit(ada.state, { nowMs: NOW })).groupInfo],
  ["without a path that changes data", /no path/, async ({ ada }) => {
    const extensions = contextExtensions(dataOf(ada, "mine"));
    return await rogue(ada.state, [{
      proposalType: "group_context_extensions",
      groupContextExtensions: { extensions },
    }]);
  }],
  ["without a path that adds", /no path/, async ({ ada }) => {
    const own = await packageOf(await person("dan"), 1);
    return await rogue(ada.state, [await addition(own.keyPackage)]);
  }],
  ["with a proposal by reference", /from elsewhere/, async ({ ada }) => {
    const suite = await functionsOf(1);
    const { newState } = await createProposal(asClientState(ada.state), false, removal(2), suite);
    return (await bare(ada.state, [], newState.unappliedProposals)).message;
  }],
  ["that removes a leaf outside the tree", /no member at leaf 2000/, ({ ada }) => withPath(ada.state, removal(2000))],
  ["that removes leaf 2^32 - 1", /no member at leaf/, ({ ada }) => withPath(ada.state, removal(0xffffffff))],
  ["that removes a free leaf", /no member at leaf 3/, ({ ada }) => withPath(ada.state, removal(3))],
  ["that removes its maker", /wrong member/, ({ ada }) => withPath(ada.state, removal(0))],
  ["that removes somebody twice", /wrong member/, ({ ada }) => withPath(ada.state, removal(2), removal(2))],
  ["of a member that joins from outside", /never done/, ({ ada }) => {
    return withPath(ada.state, { proposalType: "external_init", externalInit: { kemOutput: new Uint8Array(32) } });
  }],
  ["that begins another group instead", /never done/, ({ ada }) => {
    const { groupContext: { groupId, version, cipherSuite, extensions } } = ada.state.epoch;
    return withPath(ada.state, { proposalType: "reinit", reinit: { groupId, version, cipherSuite, extensions } });
  }],
  ["with a pre-shared key", /never done/, ({ ada }) => {
    const preSharedKeyId = { psktype: "external" as const, pskId: new Uint8Array(4), pskNonce: new Uint8Array(32) };
    return withPath(ada.state, { proposalType: "psk", psk: { preSharedKeyId } } as Proposal);
  }],
  ["with a proposal nobody knows", /never done/, ({ ada }) => {
    return withPath(ada.state, { proposalType: 0xf123, proposalData: new Uint8Array(4) });
  }],
  ["with other extensions", /extensions are not of qight/, ({ ada }) => {
    return withPath(ada.state, {
      proposalType: "group_context_extensions",
      groupContextExtensions: { extensions: [] },
    });
  }],
  ["that changes data twice", /never done/, ({ ada }) => {
    const one: Proposal = {
      proposalType: "group_context_extensions",
      groupContextExtensions: { extensions: contextExtensions(dataOf(ada)) },
    };
    return withPath(ada.state, one, one);
  }],
  ["with a path that is no path", /does not fit/, ({ ada }) => withPath(ada.state)],
  ["whose maker becomes somebody else", /changes who he is/, async ({ ada, cyn }) => {
    return await rogue(ada.state, [], await pathOf(cyn.state));
  }],
  ["that adds with a KeyPackage of 31 days ago", /has expired/, async ({ ada }) => {
    return await withPath(ada.state, await addition(await aged(-62 * DAY_MS, -31 * DAY_MS)));
  }],
  ["that adds with a KeyPackage of tomorrow", /not valid yet/, async ({ ada }) => {
    return await withPath(ada.state, await addition(await aged(DAY_MS, 2 * DAY_MS)));
  }],
  ["that adds a device of another suite", /another suite/, async ({ ada }) => {
    return await withPath(ada.state, await addition((await packageOf(await person("dan"), 83)).keyPackage));
  }],
  ["that adds a device twice", /does not fit/, async ({ ada }) => {
    const { keyPackage } = await packageOf(await person("cyn"), 1);
    return await withPath(ada.state, await addition(keyPackage));
  }],
  ["that adds a leaf whose device did not sign", /does not fit/, async ({ ada }) => {
    return await withPath(ada.state, await addition(await forged()));
  }],
  ["longer than the largest", /bytes, at most/, () => Promise.resolve(new Uint8Array(4 * 1024 * 1024 + 1))],
];

async function update(who: Person): Promise<Uint8Array> {
  return (await commit(who.state, { nowMs: NOW })).commit;
}

async function addition(keyPackage: Uint8Array): Promise<Proposal> {
  return { proposalType: "add", add: { keyPackage: await readKeyPackage(keyPackage, 10_000) } };
}

/** What ts-mls's own createCommit makes. */
async function bare(state: GroupState, extraProposals: Proposal[], unappliedProposals = {}) {
  const made = await createCommit(
    { state: { ...asClientState(state), unappliedProposals }, cipherSuite: await functionsOf(state.suite) },
    { extraProposals },
  );
  return { message: writeMessage(made.commit) };
}

for (const [what, why, make] of commits) {
  Deno.test(`MLS: a commit ${what} is refused and changes nothing`, async () => {
    const bytes = await make(together);
    await unchanged(together.bob, (state) => applyCommit(state, bytes, allow), why);
  });
}

Deno.test("MLS: a commit whose path shows one key and seals another is refused before it locks anybody out", async () => {
  const [ada, bob, cyn, dan] = await groupOf(83, ["ada", "bob", "cyn", "dan"]);
  const honest = xwingHpke.deriveKeyPair;
  // The keys in ada's tree are not those that follow from what she seals; the commit secret is the right one.
  xwingHpke.deriveKeyPair = () => xwingHpke.generateKeyPair();
  const { commit: message } = await commit(ada.state, { nowMs: NOW }).finally(() => xwingHpke.deriveKeyPair = honest);
  for (const who of [bob, cyn, dan]) await unchanged(who, (state) => applyCommit(state, message, allow), /other keys/);
});

const externals: readonly (readonly [string, RegExp, (message: Uint8Array) => Uint8Array])[] = [
  ["cut off", /well-formed|cut off/, cut],
  ["with a byte behind it", /behind it/, trailing],
  ["encoded in another way", /canonical/, longer],
  ["changed in its confirmation tag", /does not fit/, flipped],
  ["that says it is of a member", /./, (bytes) => flipped(bytes, 45)],
];

for (const [what, why, change] of externals) {
  Deno.test(`MLS: an external commit ${what} is refused and changes nothing`, async () => {
    const { ada, bob } = together;
    const joined = await joinExternally(await infoOf(ada), await person("dan"), allow);
    await unchanged(bob, (state) => applyCommit(state, change(joined.commit), allow), why);
  });
}

Deno.test("MLS: an external commit that removes somebody else is refused", async () => {
  const [ada, bob, cyn] = await groupOf(1, ["ada", "bob", "cyn"]);
  // Whoever joins believes that cyn's leaf is his own old one.
  const dan = await person("dan");
  const asCyn = { ...dan, signer: { ...dan.signer, publicKey: cyn.signer.publicKey } };
  const joined = await joinExternally(await infoOf(ada), asCyn, allow);
  await unchanged(bob, (state) => applyCommit(state, joined.commit, allow), /another than himself/);
  const asAll = await joinExternally(await infoOf(ada), { ...asCyn, account: cyn.account }, allow);
  await unchanged(bob, (state) => applyCommit(state, asAll.commit, allow), /not certified/);
});

const wishes: readonly (readonly [string, RegExp, (world: World) => Parameters<typeof commit>[1]])[] = [
  ["removes himself", /removes himself/, () => ({ remove: [0], nowMs: NOW })],
  ["removes somebody twice", /twice/, () => ({ remove: [1, 1], nowMs: NOW })],
  ["removes nobody's leaf", /no member/, () => ({ remove: [9], nowMs: NOW })],
  ["names the group too long", /too long/, ({ ada }) => ({ data: dataOf(ada, "x".repeat(300)), nowMs: NOW })],
];

for (const [what, why, wish] of wishes) {
  Deno.test(`MLS: whoever ${what} in a commit is told so`, async () => {
    await assertRefused(commit(together.ada.state, wish(together)), why);
  });
}

Deno.test("MLS: after all of this the group lives", async () => {
  const { ada, bob, cyn } = together;
  await commitBy(cyn, [ada, bob], { data: dataOf(ada, "alive") });
  const dan = await person("dan");
  const own = await packageOf(dan, 1);
  const made = await commitBy(ada, [bob, cyn], { add: [own.keyPackage] });
  await welcomed(made, [dan], [own]);
  await says(dan, [ada, bob, cyn], "alive");
  assertTogether([ada, bob, cyn, dan]);
  await assertRefused(commit(ada.state, { add: [own.keyPackage], nowMs: NOW }), /member already/);
});

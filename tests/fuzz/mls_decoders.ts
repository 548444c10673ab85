/**
 * Everything that crypto/mls/ reads from others, each with a valid sample to damage: on the way, and as a member would
 * damage it who has the keys, before it is encrypted and signed.
 * @module
 */
import type { CiphersuiteImpl, GroupInfo, Hpke } from "ts-mls";
import { createCommit } from "ts-mls/createCommit.js";
import { encodeRatchetTree } from "ts-mls/ratchetTree.js";
import { extractWelcomeSecret, signGroupInfo } from "ts-mls/groupInfo.js";
import { makeKeyPackageRef } from "ts-mls/keyPackage.js";
import { protectApplicationData } from "ts-mls/messageProtection.js";
import { encryptGroupInfo, encryptGroupSecrets } from "ts-mls/welcome.js";
import { applyCommit } from "../../crypto/mls/apply.ts";
import { commit } from "../../crypto/mls/commit.ts";
import { contextExtensions } from "../../crypto/mls/config.ts";
import { openGroupData } from "../../crypto/mls/group_data.ts";
import { joinFromWelcome } from "../../crypto/mls/join.ts";
import { joinExternally } from "../../crypto/mls/join_externally.ts";
import { openKeyPackage, readOwnKeyPackage } from "../../crypto/mls/key_package.ts";
import { openMessage, sealMessage } from "../../crypto/mls/message.ts";
import { functionsOf } from "../../crypto/mls/provider.ts";
import { asClientState, decodeState, encodeState, epochTag } from "../../crypto/mls/state.ts";
import { readGroupInfo, writeMessage } from "../../crypto/mls/wire.ts";
import { infoOf, welcomeOf } from "../crypto/mls_attack.ts";
import { allow, dataOf, findIn, groupOf, leafOf, packageOf, person, says } from "../crypto/mls_members.ts";
import { NOW } from "../crypto/samples.ts";
import type { Decoder } from "./fuzz.ts";
import { type Chance, damage } from "./seeded.ts";

const [ada, bob, cyn] = await groupOf(1, ["ada", "bob", "cyn", "zoe"]);
const suite = await functionsOf(1);
const text = new TextEncoder().encode("hello");
const message = (await sealMessage(ada.state, text)).message;
const change = await commit(ada.state, {
  add: [(await packageOf(await person("eve"), 1)).keyPackage],
  remove: [leafOf(cyn)],
  data: dataOf(ada, "new"),
  nowMs: NOW,
});
const info = await infoOf(ada);
const outside = await joinExternally(info, await person("fay"), allow);
const { welcome, own } = await welcomeOf(ada.state);
const keyPackage = (await packageOf(await person("gus"), 1)).keyPackage;
const gus = await person("gus");
await says(cyn, [], "so that a ratchet has moved");
const parts = encodeState(cyn.state);
const [, { extensionData: groupData }] = contextExtensions(dataOf(ada));

/** The decoders; every one answers `bad_group_message`. */
export const mlsDecoders: readonly Decoder[] = [
  decoder("MLS messages", (chance) => openMessage(bob.state, damage(message, chance))),
  decoder("MLS messages, inside", async (chance) => openMessage(bob.state, await messageOf(chance))),
  decoder("MLS commits", (chance) => applyCommit(bob.state, damage(change.commit, chance), allow)),
  decoder("MLS commits, inside", async (chance) => applyCommit(bob.state, await commitOf(chance), allow)),
  decoder("MLS external commits", (chance) => applyCommit(bob.state, damage(outside.commit, chance), allow)),
  decoder("MLS Welcomes", (chance) => joinFromWelcome(damage(welcome, chance), findIn([own]), allow)),
  decoder("MLS Welcomes, inside", async (chance) => joinFromWelcome(await welcomeWith(chance), findIn([own]), allow)),
  decoder("MLS GroupInfos", (chance) => joinExternally(damage(info, chance), gus, allow)),
  decoder("MLS trees, signed", async (chance) => joinExternally(await infoWith(chance), gus, allow)),
  decoder("MLS KeyPackages", (chance) => openKeyPackage(damage(keyPackage, chance), NOW)),
  decoder("group data", (chance) => openGroupData(damage(groupData, chance))),
  decoder("saved MLS epochs", (chance) => decodeState({ ...parts, epochPart: damage(parts.epochPart, chance) })),
  decoder("saved MLS ratchets", (chance) => decodeState({ ...parts, messagePart: damage(parts.messagePart, chance) })),
];

function decoder(what: string, decode: (chance: Chance) => unknown): Decoder {
  return { what, codes: ["bad_group_message"], decode };
}

/** Functions that damage the first thing they encrypt: the content, not the sender data behind it. */
function damaging(chance: Chance): CiphersuiteImpl {
  let first = true;
  const hpke: Hpke = {
    ...suite.hpke,
    encryptAead(key, nonce, aad, plaintext) {
      const bytes = first ? damage(plaintext, chance) : plaintext;
      first = false;
      return suite.hpke.encryptAead(key, nonce, aad, bytes);
    },
  };
  return { ...suite, hpke };
}

async function messageOf(chance: Chance): Promise<Uint8Array> {
  const { epoch, secretTree } = ada.state;
  const { privateMessage } = await protectApplicationData(
    epoch.signaturePrivateKey,
    epoch.keySchedule.senderDataSecret,
    damage(text, chance), // signed as it is: padding that is none
    epochTag(ada.state),
    epoch.groupContext,
    secretTree,
    epoch.privatePath.leafIndex,
    { kind: "alwaysPad", paddingLength: 0 },
    chance(2) === 0 ? suite : damaging(chance),
  );
  return writeMessage({ version: "mls10", wireformat: "mls_private_message", privateMessage });
}

async function commitOf(chance: Chance): Promise<Uint8Array> {
  const context = { state: asClientState(ada.state), cipherSuite: damaging(chance) };
  const made = await createCommit(context, {
    extraProposals: [{ proposalType: "remove", remove: { removed: leafOf(cyn) } }],
  });
  return writeMessage(made.commit);
}

/** A GroupInfo whose tree was damaged before the member signed it. */
async function infoWith(chance: Chance): Promise<Uint8Array> {
  const groupInfo = await resigned(await readGroupInfo(info, info.length), chance);
  return writeMessage({ version: "mls10", wireformat: "mls_group_info", groupInfo });
}

async function resigned(original: GroupInfo, chance: Chance): Promise<GroupInfo> {
  const tree = damage(encodeRatchetTree(ada.state.epoch.ratchetTree), chance);
  const extensions = original.extensions.map((extension) =>
    extension.extensionType === "ratchet_tree" ? { ...extension, extensionData: tree } : extension
  );
  return await signGroupInfo({ ...original, extensions }, ada.state.epoch.signaturePrivateKey, suite.signature);
}

/** A Welcome as a member makes it, with the tree, the GroupInfo or the secrets damaged before they were encrypted. */
async function welcomeWith(chance: Chance): Promise<Uint8Array> {
  const joinerSecret = new Uint8Array(suite.kdf.size).fill(5);
  const welcomeSecret = await extractWelcomeSecret(joinerSecret, new Uint8Array(suite.kdf.size), suite.kdf);
  const original = await readGroupInfo(info, info.length);
  const groupInfo = chance(2) === 0 ? original : await resigned(original, chance);
  const encryptedGroupInfo = await encryptGroupInfo(
    groupInfo,
    welcomeSecret,
    chance(2) === 0 ? suite : damaging(chance),
  );
  const { publicPackage } = await readOwnKeyPackage(own);
  const key = await suite.hpke.importPublicKey(publicPackage.initKey);
  const seal: Hpke["seal"] = (to, plaintext, ...rest) => suite.hpke.seal(to, damage(plaintext, chance), ...rest);
  const hpke = chance(2) === 0 ? suite.hpke : { ...suite.hpke, seal };
  const secrets = { joinerSecret, pathSecret: new Uint8Array(suite.kdf.size), psks: [] };
  const { enc, ct } = await encryptGroupSecrets(key, encryptedGroupInfo, secrets, hpke);
  const newMember = await makeKeyPackageRef(publicPackage, suite.hash);
  const entry = { newMember, encryptedGroupSecrets: { kemOutput: enc, ciphertext: ct } };
  const made = { cipherSuite: suite.name, secrets: [entry], encryptedGroupInfo };
  return writeMessage({ version: "mls10", wireformat: "mls_welcome", welcome: made });
}

/** Coming into a group by the Welcome of a member (RFC 9420 section 12.4.3.1). @module */
import type { KeyPackage, PrivateKeyPackage, Welcome } from "ts-mls";
import { equal } from "../equal.ts";
import { hex } from "../hex.ts";
import { clientConfig, MAX_HANDSHAKE_BYTES } from "./config.ts";
import { type Member, readCredential } from "./credential.ts";
import { checkOwnKeys } from "./epoch_end.ts";
import type { GroupDataFields } from "./group_data.ts";
import { checkContext, checkSigner } from "./group_info.ts";
import { readOwnKeyPackage, REF_BYTES } from "./key_package.ts";
import { leafAt, leafOfDevice } from "./leaves.ts";
import { library } from "./library.ts";
import { functionsOf, suiteOfName } from "./provider.ts";
import { freshRatchets } from "./ratchets.ts";
import { guarded, refused } from "./refuse.ts";
import { describe, fromClientState, type GroupState } from "./state.ts";
import { checkTree } from "./tree_check.ts";
import { readWelcome } from "./wire.ts";

/** How to come in. */
export interface JoinOptions {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Throws when this group is not one to be in; `members` includes oneself. What it throws is thrown on. */
  check(members: readonly Member[], data: GroupDataFields): void | Promise<void>;
}

/** The public and private half of an own KeyPackage, as `makeKeyPackage` gave them. */
export interface StoredKeyPackage {
  readonly keyPackage: Uint8Array;
  readonly secret: Uint8Array;
}

/** Finds an own KeyPackage by the lower-case hex of its `ref`; null when it is not one of ours. */
export type FindKeyPackage = (ref: string) => StoredKeyPackage | null | Promise<StoredKeyPackage | null>;

/** Joins by a serialized Welcome; throws `bad_group_message`. `ref` says which KeyPackage was used. */
export async function joinFromWelcome(
  welcome: Uint8Array,
  ownPackage: FindKeyPackage,
  options: JoinOptions,
): Promise<{ state: GroupState; ref: Uint8Array }> {
  const received = await readWelcome(welcome, MAX_HANDSHAKE_BYTES);
  const found = await findOwn(received, ownPackage);
  const state = await guarded("the Welcome cannot be opened", () => enter(received, found.own));
  const { members, data } = describe(state);
  await options.check(members, data);
  return { state, ref: found.ref };
}

interface Own {
  readonly publicPackage: KeyPackage;
  readonly privatePackage: PrivateKeyPackage;
}

async function findOwn(welcome: Welcome, ownPackage: FindKeyPackage): Promise<{ ref: Uint8Array; own: Own }> {
  for (const { newMember } of welcome.secrets) {
    const ref = newMember.slice(0, REF_BYTES);
    const stored = await ownPackage(hex(ref));
    if (stored !== null) return { ref, own: await readOwnKeyPackage(stored) };
  }
  throw refused("the Welcome is for other KeyPackages than ours");
}

async function enter(welcome: Welcome, { publicPackage, privatePackage }: Own): Promise<GroupState> {
  const parts = await library();
  const number = suiteOfName(publicPackage.cipherSuite);
  if (number === null || welcome.cipherSuite !== publicPackage.cipherSuite) throw refused("it is of another suite");
  const suite = await functionsOf(number);
  const initKey = await suite.hpke.importPrivateKey(privatePackage.initPrivateKey);
  const keyPackageRef = await parts.makeKeyPackageRef(publicPackage, suite.hash);
  const secrets = await parts.decryptGroupSecrets(initKey, keyPackageRef, welcome, suite.hpke);
  if (secrets === undefined || secrets.psks.length > 0) throw refused("its secrets are malformed");
  const noPsk = new Uint8Array(suite.kdf.size);
  const info = await parts.decryptGroupInfo(welcome, secrets.joinerSecret, noPsk, suite);
  if (info === undefined) throw refused("its GroupInfo is malformed");
  checkContext(info.groupContext, suite);
  const tree = parts.ratchetTreeFromExtension(info);
  if (tree === undefined) throw refused("it brings no tree");
  await checkTree(tree, info.groupContext, suite);
  await checkSigner(info, tree, suite);
  const { leafNode } = publicPackage;
  const leaf = leafOfDevice(tree, readCredential(leafNode.credential).device);
  if (leaf === null || !equal(leafAt(tree, leaf).signature, leafNode.signature)) throw refused("our leaf is not in it");
  const own = parts.toLeafIndex(leaf);
  const ownPath = { leafIndex: own, privateKeys: { [parts.leafToNodeIndex(own)]: privatePackage.hpkePrivateKey } };
  if (secrets.pathSecret === undefined) throw refused("it brings no path secret");
  const common = parts.firstCommonAncestor(tree, own, parts.toLeafIndex(info.signer));
  const pathSecrets = await parts.pathToRoot(tree, parts.toNodeIndex(common), secrets.pathSecret, suite.kdf);
  const privatePath = parts.mergePrivateKeyPaths(await parts.toPrivateKeyPath(pathSecrets, own, suite), ownPath);
  await checkOwnKeys(privatePath, tree, suite);
  const { joinerSecret } = secrets;
  if (!await parts.verifyGroupInfoConfirmationTag(info, joinerSecret, noPsk, suite)) {
    throw refused("its confirmation tag is not valid");
  }
  const [keySchedule, encryptionSecret] = await parts.deriveKeySchedule(
    joinerSecret,
    noPsk,
    info.groupContext,
    suite.kdf,
  );
  const secretTree = await freshRatchets(tree.length, encryptionSecret, suite, (leaf) => tree[leaf * 2] !== undefined);
  encryptionSecret.fill(0);
  joinerSecret.fill(0);
  return fromClientState(number, {
    groupContext: info.groupContext,
    ratchetTree: tree,
    privatePath,
    signaturePrivateKey: privatePackage.signaturePrivateKey,
    confirmationTag: info.confirmationTag,
    unappliedProposals: {},
    keySchedule,
    secretTree,
    historicalReceiverData: new Map(),
    groupActiveState: { kind: "active" },
    clientConfig,
  }, []);
}

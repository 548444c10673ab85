/**
 * A group as one member sees it. A state is never changed: every step gives a new one, and the old one stays good until
 * somebody throws it away.
 * @module
 */
import type { ClientState, SecretTree } from "ts-mls";
import { concat } from "../concat.ts";
import { domains } from "../domains.ts";
import { sha256Sync } from "../sha256.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { clientConfig, dataOfContext } from "./config.ts";
import type { Member } from "./credential.ts";
import type { GroupDataFields } from "./group_data.ts";
import { membersOf } from "./leaves.ts";
import { library, loadedLibrary } from "./library.ts";
import { type PastEpoch, readPast, writePast } from "./past.ts";
import { functionsOf, suiteOfName } from "./provider.ts";
import { readRatchets, writeRatchets } from "./ratchets.ts";
import { guarded, refused } from "./refuse.ts";
import { isSuite, type MlsSuite } from "./suite.ts";

/** What an epoch consists of, its ratchets aside. The same object as long as the epoch lasts. */
export type Epoch = Omit<ClientState, "secretTree">;

/** A group's state in memory. Only crypto/mls/ looks inside; hand it from step to step. It is full of secrets. */
export interface GroupState {
  readonly suite: MlsSuite;
  /** For crypto/mls/ only. */
  readonly epoch: Epoch;
  /** For crypto/mls/ only. */
  readonly secretTree: SecretTree;
  /** For crypto/mls/ only: ended epochs whose messages may wait unread, oldest first. */
  readonly past: readonly PastEpoch[];
}

/** A state on disk, in two parts, because messages are many and change little. Both are secret. */
export interface GroupParts {
  /**
   * Tree, context and keys of the epoch. As long as no commit was applied it is the very same object (`===`), so whoever
   * saves after a message need not write it. About 1.9 KB for each member in suite 83, 0.4 KB in suite 1.
   */
  readonly epochPart: Uint8Array;
  /** Ratchets: changes with each message sealed or opened; about 150 bytes for each member. */
  readonly messagePart: Uint8Array;
}

/** What may be known of a state. */
export interface GroupDescription {
  /** Group id, as it was created. */
  readonly group: Uint8Array;
  readonly epoch: number;
  readonly suite: MlsSuite;
  /** The own place among the leaves. */
  readonly ownLeaf: number;
  /** All members, in the order of their leaves. */
  readonly members: readonly Member[];
  readonly data: GroupDataFields;
}

/** Bytes of an epoch tag. */
export const EPOCH_TAG_BYTES = 16;

/** The state as bytes, to be kept in one transaction with whatever was sealed or opened by it. */
export function encodeState(state: GroupState): GroupParts {
  let epochPart = epochParts.get(state.epoch);
  if (epochPart === undefined) epochParts.set(state.epoch, epochPart = encodeEpoch(state));
  const out = new ByteWriter();
  out.number(VERSION, 1);
  out.number(Number(state.epoch.groupContext.epoch), 8);
  const { ratchetTree } = state.epoch;
  writeRatchets(out, state.secretTree, (leaf) => ratchetTree[leaf * 2] !== undefined);
  writePast(out, state.past);
  return { epochPart, messagePart: out.done() };
}

/**
 * The state behind what `encodeState` gave; throws `bad_group_message` for anything else, also for parts of different
 * epochs. The bytes must not be changed afterwards: the state reads from them.
 */
export async function decodeState(parts: GroupParts): Promise<GroupState> {
  await library();
  const { epoch, suite } = await guarded("the saved state is damaged", () => decodeEpoch(parts.epochPart));
  const { kdf } = await functionsOf(suite);
  return await guarded("the saved state is damaged", () => {
    const input = new ByteReader(parts.messagePart);
    if (input.number(1) !== VERSION) throw refused("the saved state is of another version");
    if (input.number(8) !== Number(epoch.groupContext.epoch)) throw refused("the saved parts are of different epochs");
    const secretTree = readRatchets(input, epoch.ratchetTree.length, kdf.size);
    const past = readPast(input, kdf.size);
    input.end();
    return { suite, epoch, secretTree, past };
  });
}

/** What may be known of a state. */
export function describe({ suite, epoch }: GroupState): GroupDescription {
  let description = descriptions.get(epoch);
  if (description === undefined) {
    description = {
      group: epoch.groupContext.groupId,
      epoch: Number(epoch.groupContext.epoch),
      suite,
      ownLeaf: epoch.privatePath.leafIndex,
      members: membersOf(epoch.ratchetTree),
      data: dataOfContext(epoch.groupContext.extensions),
    };
    descriptions.set(epoch, description);
  }
  return description;
}

/** What members compare to see whether they are in the same epoch of the same history; 16 bytes, no secret. */
export function epochTag({ epoch }: GroupState): Uint8Array {
  let tag = tags.get(epoch);
  if (tag === undefined) {
    tag = sha256Sync(concat(domains.epochTag, epoch.keySchedule.epochAuthenticator)).slice(0, EPOCH_TAG_BYTES);
    tags.set(epoch, tag);
  }
  return tag;
}

/** Whether messages of this epoch can be opened: the current one, and past ones as long as their keys are kept. */
export function canOpen(state: GroupState, epoch: number): boolean {
  const wanted = BigInt(epoch);
  return state.epoch.groupContext.epoch === wanted || state.past.some(({ context }) => context.epoch === wanted);
}

/** The state as ts-mls has it. */
export function asClientState({ epoch, secretTree }: GroupState): ClientState {
  return { ...epoch, secretTree };
}

/** A state from what ts-mls has, at the beginning of an epoch. */
export function fromClientState(suite: MlsSuite, state: ClientState, past: readonly PastEpoch[]): GroupState {
  const { secretTree, ...epoch } = state;
  return { suite, epoch: { ...epoch, historicalReceiverData: new Map(), clientConfig }, secretTree, past };
}

const VERSION = 1;

// What is worked out from an epoch once.
const epochParts = new WeakMap<Epoch, Uint8Array>();
const descriptions = new WeakMap<Epoch, GroupDescription>();
const tags = new WeakMap<Epoch, Uint8Array>();

function encodeEpoch({ suite, epoch }: GroupState): Uint8Array {
  const out = new ByteWriter();
  out.number(VERSION, 1);
  out.number(suite, 1);
  out.fixed(loadedLibrary().encodeGroupState({ ...epoch, secretTree: [] }));
  return out.done();
}

function decodeEpoch(epochPart: Uint8Array): { epoch: Epoch; suite: MlsSuite } {
  const [version, suite] = epochPart;
  if (version !== VERSION || !isSuite(suite)) throw refused("the saved state is of another version");
  const [state, consumed] = loadedLibrary().decodeGroupState(epochPart, 2) ?? [];
  if (state === undefined || consumed !== epochPart.length - 2) throw refused("the saved state is cut off");
  if (suiteOfName(state.groupContext.cipherSuite) !== suite) throw refused("the saved state is of another suite");
  const { secretTree: _none, ...rest } = state;
  const epoch = { ...rest, clientConfig };
  epochParts.set(epoch, epochPart);
  return { epoch, suite };
}

/** Messages of a group: one key for each, used once. @module */
import type { CiphersuiteImpl, GenerationSecret, GroupContext, PrivateMessage } from "ts-mls";
import { equal } from "../equal.ts";
import { pad, unpad } from "../padding.ts";
import { openAead } from "./aead.ts";
import { clientConfig, MAX_MESSAGE_BYTES } from "./config.ts";
import type { Member } from "./credential.ts";
import { leafAt, memberAt } from "./leaves.ts";
import { library, loadedLibrary } from "./library.ts";
import { functionsOf } from "./provider.ts";
import { takeGeneration, withApplication } from "./ratchets.ts";
import { guarded, refused } from "./refuse.ts";
import { EPOCH_TAG_BYTES, epochTag, type GroupState } from "./state.ts";
import { readPrivateMessage, writeMessage } from "./wire.ts";

/** A message that was opened. */
export interface OpenedMessage {
  readonly plaintext: Uint8Array;
  /** The leaf that signed it. */
  readonly sender: Member;
  /** The epoch it was sealed in: the current one, or a past one whose keys were kept. */
  readonly epoch: number;
  /** The sender's epoch tag, 16 bytes. */
  readonly tag: Uint8Array;
  /** Whether the sender's tag is another than ours for that epoch: the views of the group differ. */
  readonly forked: boolean;
  /** The state without the message's key; the same message does not open again. */
  readonly next: GroupState;
}

/**
 * Seals content (padded to the size classes) in the current epoch; throws `message_too_large`. Keep `next` before the
 * message goes out: whoever seals from the same state twice uses one key for two messages.
 */
export async function sealMessage(
  state: GroupState,
  plaintext: Uint8Array,
): Promise<{ message: Uint8Array; next: GroupState }> {
  const { epoch, secretTree } = state;
  const { protectApplicationData } = await library();
  const { privateMessage, newSecretTree } = await protectApplicationData(
    epoch.signaturePrivateKey,
    epoch.keySchedule.senderDataSecret,
    pad(plaintext),
    epochTag(state),
    epoch.groupContext,
    secretTree,
    epoch.privatePath.leafIndex,
    clientConfig.paddingConfig,
    await functionsOf(state.suite),
  );
  const message = writeMessage({ version: "mls10", wireformat: "mls_private_message", privateMessage });
  return { message, next: { ...state, secretTree: newSecretTree } };
}

/**
 * Opens a serialized PrivateMessage with content, of the current epoch or of a past one that is still kept. Throws
 * `bad_group_message`, also for one that was opened before; the given state stays good.
 */
export async function openMessage(state: GroupState, message: Uint8Array): Promise<OpenedMessage> {
  const sealed = await readPrivateMessage(message, MAX_MESSAGE_BYTES);
  if (!equal(sealed.groupId, state.epoch.groupContext.groupId)) throw refused("it is for another group");
  if (sealed.authenticatedData.length !== EPOCH_TAG_BYTES) throw refused("it has no epoch tag");
  const view = viewOf(state, sealed.epoch);
  const suite = await functionsOf(state.suite);
  return await guarded("it cannot be opened", async () => {
    const opened = await open(view, sealed, suite);
    return {
      plaintext: opened.plaintext,
      sender: opened.sender.member,
      epoch: Number(sealed.epoch),
      tag: sealed.authenticatedData,
      forked: !equal(sealed.authenticatedData, view.tag),
      next: opened.sender.keep(opened.ratchet),
    };
  });
}

/** One who may have sent a message. */
interface Sender {
  readonly member: Member;
  readonly signatureKey: Uint8Array;
  readonly ratchet: GenerationSecret;
  /** The state with this ratchet instead. */
  keep(ratchet: GenerationSecret): GroupState;
}

/** An epoch as opening needs it. */
interface EpochView {
  readonly context: GroupContext;
  readonly senderDataSecret: Uint8Array;
  readonly tag: Uint8Array;
  sender(leaf: number): Sender;
}

function viewOf(state: GroupState, number: bigint): EpochView {
  const { epoch, secretTree } = state;
  if (number === epoch.groupContext.epoch) {
    return {
      context: epoch.groupContext,
      senderDataSecret: epoch.keySchedule.senderDataSecret,
      tag: epochTag(state),
      sender: (leaf) => ({
        member: memberAt(epoch.ratchetTree, leaf),
        signatureKey: leafAt(epoch.ratchetTree, leaf).signaturePublicKey,
        ratchet: secretTree[leaf * 2].application,
        // A mailbox is in the order of epochs: nothing of an older one comes any more.
        keep: (ratchet) => ({ ...state, past: [], secretTree: withApplication(secretTree, leaf, ratchet) }),
      }),
    };
  }
  const at = state.past.findIndex(({ context }) => context.epoch === number);
  if (at < 0) throw refused(`its epoch ${number} is not the group's ${epoch.groupContext.epoch}, and not kept`);
  const then = state.past[at];
  return {
    ...then,
    sender: (leaf) => {
      const sender = then.senders.find((one) => one.leaf === leaf);
      if (sender === undefined) throw refused(`there was no member at leaf ${leaf}`);
      const { account, device, signatureKey, ratchet } = sender;
      const replaced = (next: GenerationSecret) => ({
        ...then,
        senders: then.senders.map((one) => one === sender ? { ...one, ratchet: next } : one),
      });
      return {
        member: { leaf, account, device },
        signatureKey,
        ratchet,
        keep: (next) => ({ ...state, past: [replaced(next), ...state.past.slice(at + 1)] }),
      };
    },
  };
}

/** RFC 9420 section 6.3: who and which key, then the content, then the signature. */
async function open(view: EpochView, sealed: PrivateMessage, suite: CiphersuiteImpl) {
  const parts = loadedLibrary();
  const senderData = await parts.decryptSenderData(sealed, view.senderDataSecret, suite);
  if (senderData === undefined) throw refused("its sender data is malformed");
  const sender = view.sender(senderData.leafIndex);
  const { secret, next: ratchet } = await takeGeneration(sender.ratchet, senderData.generation, suite);
  const key = await parts.deriveKey(secret, senderData.generation, suite);
  const { reuseGuard } = senderData;
  const nonce = await parts.derivePrivateMessageNonce(secret, senderData.generation, reuseGuard, suite);
  const padded = await openAead(key, nonce, parts.encodePrivateContentAAD(sealed), sealed.ciphertext);
  const [inner] = parts.decodePrivateMessageContent("application")(padded, 0) ?? [];
  if (inner?.contentType !== "application") throw refused("its content is malformed");
  const { content, auth } = parts.toAuthenticatedContent(inner, sealed, senderData.leafIndex);
  const signed = await parts.verifyFramedContentSignature(
    sender.signatureKey,
    "mls_private_message",
    content,
    auth,
    view.context,
    suite.signature,
  );
  if (!signed) throw refused("its signature is not valid");
  return { sender, ratchet, plaintext: unpad(inner.applicationData) };
}

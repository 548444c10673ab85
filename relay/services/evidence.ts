/**
 * Checks what a report shows: that each message was signed by the accused's device, to the reporter, with just this
 * content. What does not prove that is not kept, so that nobody can frame anybody (R-side of docs/security.md, Reports).
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import {
  CONTENT_GROUP,
  CONTENT_PLAIN,
  type OpenedEnvelope,
  parseEnvelope,
  verifyEnvelope,
} from "../../crypto/envelope.ts";
import { equal, isOneOf } from "../../crypto/equal.ts";
import { opensCommitment } from "../../crypto/franking.ts";
import { QightError } from "../../proto/errors.ts";
import {
  type ReportedMessage,
  ReportedMessageSchema,
  type ReportRequest,
  ReportRequestSchema,
} from "../../proto/gen/qight/v1/moderation_pb.ts";
import type { Store } from "../storage/store.ts";

/** Messages in one report. */
const MAX_MESSAGES = 20;
/** Bytes of all that one report shows: ten thousand of them have to fit on a disk. */
const MAX_EVIDENCE_BYTES = 1024 * 1024;
/** Bytes of a reason, as UTF-8. */
const MAX_REASON_BYTES = 1000;

/** Who reports: the calling device, and the devices of its account. */
interface Reporter {
  readonly account: Uint8Array;
  readonly device: Uint8Array;
  readonly devices: readonly Uint8Array[];
}

/** What a report proves. */
export interface CheckedEvidence {
  /** Account hash of whoever sent all of it. */
  readonly accused: Uint8Array;
  /** The serialized ReportRequest, with what the relay found about the senders' devices. */
  readonly evidence: Uint8Array;
}

/** Checks a report; throws `bad_report` saying what is wrong with which message. */
export async function checkedEvidence(
  store: Store,
  { messages, reason }: ReportRequest,
  reporter: Reporter,
): Promise<CheckedEvidence> {
  if (messages.length === 0 || messages.length > MAX_MESSAGES) {
    throw new QightError("bad_report", `A report has 1 to ${MAX_MESSAGES} messages`);
  }
  if (new TextEncoder().encode(reason).length > MAX_REASON_BYTES) {
    throw new QightError("bad_report", `The reason of a report has at most ${MAX_REASON_BYTES} bytes`);
  }
  if (messages.reduce((sum, { envelope, content }) => sum + envelope.length + content.length, 0) > MAX_EVIDENCE_BYTES) {
    throw new QightError("bad_report", `A report has at most ${MAX_EVIDENCE_BYTES} bytes; choose fewer messages`);
  }
  const accused = messages[0].account;
  if (messages.some(({ account }) => !equal(account, accused))) {
    throw new QightError("bad_report", "The messages of one report are by one sender");
  }
  if (equal(accused, reporter.account)) throw new QightError("bad_report", "Nobody reports themselves");
  const checked: ReportedMessage[] = [];
  for (const [at, message] of messages.entries()) {
    const say = (why: string) => new QightError("bad_report", `Message ${at + 1} of the report proves nothing: ${why}`);
    checked.push(await checkMessage(store, message, reporter, say));
  }
  return {
    accused,
    evidence: toBinary(ReportRequestSchema, create(ReportRequestSchema, { messages: checked, reason })),
  };
}

async function checkMessage(
  store: Store,
  { envelope: bytes, frankingKey, content, account }: ReportedMessage,
  reporter: Reporter,
  say: (why: string) => QightError,
): Promise<ReportedMessage> {
  const envelope = await signedEnvelope(bytes, say);
  if (!await reached(store, envelope, reporter)) throw say("it was not sent to the reporter");
  // Plain content stands under the signature itself.
  const shown = envelope.contentType === CONTENT_PLAIN
    ? equal(envelope.payload, content)
    : await opensCommitment(envelope.commitment, frankingKey, content);
  if (!shown) throw say("its sender did not commit to this content");
  const unlisted = await isUnlisted(store, envelope.sender, account, say);
  return create(ReportedMessageSchema, { envelope: bytes, frankingKey, content, account, unlisted });
}

async function signedEnvelope(bytes: Uint8Array, say: (why: string) => QightError): Promise<OpenedEnvelope> {
  try {
    const envelope = parseEnvelope(bytes);
    await verifyEnvelope(envelope);
    return envelope;
  } catch (thrown) {
    if (thrown instanceof QightError) throw say(thrown.message);
    throw thrown;
  }
}

async function reached(store: Store, envelope: OpenedEnvelope, reporter: Reporter): Promise<boolean> {
  if (envelope.contentType !== CONTENT_GROUP) {
    return isOneOf(envelope.recipient, reporter.devices);
  }
  return await store.groups.others(envelope.recipient, reporter.device) !== null;
}

/**
 * Whether the account does not list the sending device now. It may have, before it revoked the device or ended: that is
 * kept as a doubt for the operator to see. Another account's device is no doubt but a lie.
 */
async function isUnlisted(
  store: Store,
  device: Uint8Array,
  account: Uint8Array,
  say: (why: string) => QightError,
): Promise<boolean> {
  const owner = await store.bundleOfDevice(device);
  if (owner && equal(owner.account, account)) return false;
  if (owner) throw say("its sender's device belongs to another account");
  if (await store.bundleOfAccount(account) || await store.accounts.ended(account)) return true;
  throw say("nobody here knows the account that it is said to be from");
}

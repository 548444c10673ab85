/**
 * Signed receipts on the sender's side: asks for them, and believes only those that are about its own message.
 * @module
 */
import { parseEnvelope } from "../crypto/envelope.ts";
import { checkReceiptIsFor, openReceipt, type ReceiptFields } from "../crypto/receipt.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import { DeliveryService, type SendResponse } from "../proto/gen/qight/v1/delivery_pb.ts";
import { errorOfFailure } from "./call_frames.ts";
import type { CallOptions, Rpc } from "./rpc.ts";

/** The relay's word that an envelope is on its disk. */
export interface SendReceipt {
  /** Its number in the recipient's mailbox; 0 for a group, whose members each have their own. */
  readonly seq: number;
  /** When the relay forgets it, milliseconds since 1970. */
  readonly expiresAtMs: number;
  /** The same body was there before, with this number. */
  readonly duplicate: boolean;
  /** The receipt that was asked for; absent when none was. */
  readonly signed?: SignedReceipt;
  /** To a group: what became of it at each other device. */
  readonly members?: readonly MemberReceipt[];
}

/** What became of one envelope. */
export type SendOutcome =
  | { readonly kind: "accepted"; readonly receipt: SendReceipt }
  | { readonly kind: "failed"; readonly error: QightError };

/** One member device's mailbox: either a receipt or an error. */
export interface MemberReceipt {
  readonly device: Uint8Array;
  readonly receipt: SendReceipt | null;
  readonly error: QightError | null;
}

/** What became of the wish for a receipt. Both null: none came, and `getReceipt` may still bring it. */
export interface SignedReceipt {
  /** The serialized Receipt, checked: it is by this relay and about this message. */
  readonly bytes: Uint8Array | null;
  /** `bad_receipt`: the relay gave one that proves nothing. The message is accepted all the same. */
  readonly error: QightError | null;
}

/** No receipt came. */
const NO_RECEIPT: SignedReceipt = { bytes: null, error: null };

/** Which message a receipt is wanted of, with what is known of it. */
export type ReceiptSubject = Partial<ReceiptFields> & Pick<ReceiptFields, "mailbox" | "id">;

/** What a receipt for this serialized SignedEnvelope must say, but for its number. */
export function receiptSubject(envelope: Uint8Array): Pick<ReceiptFields, "mailbox" | "id" | "bodyHash"> {
  const { recipient, id, bodyHash } = parseEnvelope(envelope);
  return { mailbox: recipient, id, bodyHash };
}

/** Checks a receipt against the relay's root key and what is known of the message. */
export async function checkedReceipt(
  bytes: Uint8Array,
  root: Uint8Array,
  message: Partial<ReceiptFields>,
): Promise<SignedReceipt> {
  try {
    checkReceiptIsFor(await openReceipt(bytes, root), message);
    return { bytes, error: null };
  } catch (thrown) {
    const error = asQightError(thrown);
    if (error.code !== "bad_receipt") throw error;
    const hint = "The relay has the message, but has not given its word on it; ask its operator.";
    return { bytes: null, error: new QightError("bad_receipt", error.message, { hint, cause: error }) };
  }
}

/** The receipts that follow an accepted message, in the order in which the relay gives them: one for each mailbox. */
export function awaitedReceipts({ seq, members }: SendReceipt, envelope: Uint8Array): ReceiptSubject[] {
  const subject = receiptSubject(envelope);
  if (!members) return [{ ...subject, seq }];
  return members.flatMap(({ device, receipt }) => receipt ? [{ ...subject, mailbox: device, seq: receipt.seq }] : []);
}

/** The same with its receipts, in that order; those that are missing did not come. */
export function withReceipts(accepted: SendReceipt, signed: readonly SignedReceipt[]): SendReceipt {
  const { members } = accepted;
  if (!members) return { ...accepted, signed: signed.at(0) ?? NO_RECEIPT };
  let at = 0;
  return {
    ...accepted,
    members: members.map((member) =>
      member.receipt ? { ...member, receipt: { ...member.receipt, signed: signed.at(at++) ?? NO_RECEIPT } } : member
    ),
  };
}

/**
 * Sends one envelope and waits for its receipts. Resolves as soon as both are there; once the relay has accepted it nothing
 * that happens to the receipt makes it fail. A relay that knows no receipts is asked without.
 */
export async function sendForReceipt(
  rpc: Rpc,
  root: Uint8Array,
  envelope: Uint8Array,
  options?: CallOptions,
): Promise<SendReceipt> {
  let accepted: SendReceipt | null = null;
  let awaited: ReceiptSubject[] = [];
  const signed: SignedReceipt[] = [];
  try {
    const replies = rpc.serverStream(DeliveryService.method.sendForReceipt, { envelope, receipt: true }, options);
    for await (const { kind } of replies) {
      if (kind.case === "accepted" && !accepted) {
        accepted = receiptOf(kind.value);
        awaited = awaitedReceipts(accepted, envelope);
      } else if (kind.case === "receipt" && accepted) {
        signed.push(await checkedReceipt(kind.value, root, awaited[signed.length]));
      } else throw new QightError("bad_frame", "The relay gave a receipt before it accepted the message");
      if (accepted && signed.length === awaited.length) return withReceipts(accepted, signed);
    }
  } catch (thrown) {
    if (!accepted) {
      if (asQightError(thrown).code !== "unknown_method") throw thrown;
      accepted = receiptOf(await rpc.unary(DeliveryService.method.send, { envelope }, options));
    }
  }
  if (!accepted) throw new QightError("bad_frame", "The relay ended SendForReceipt without an answer");
  return withReceipts(accepted, signed);
}

/**
 * The receipt of a message sent earlier by this device; `signed` is `NO_RECEIPT` when the relay remembers no such message or knows
 * no receipts. Say what is known of the message: anything else is refused.
 */
export async function getReceipt(
  rpc: Rpc,
  root: Uint8Array,
  message: ReceiptSubject,
  options?: CallOptions,
): Promise<SignedReceipt> {
  const { mailbox, id } = message;
  try {
    const { receipt } = await rpc.unary(DeliveryService.method.getReceipt, { mailbox, id }, options);
    return receipt.length === 0 ? NO_RECEIPT : await checkedReceipt(receipt, root, message);
  } catch (thrown) {
    if (asQightError(thrown).code === "unknown_method") return NO_RECEIPT;
    throw thrown;
  }
}

/** A SendResponse as the library shows it. */
export function receiptOf({ seq, expiresAtMs, duplicate, members }: SendResponse): SendReceipt {
  const whole = { seq: Number(seq), expiresAtMs: Number(expiresAtMs), duplicate };
  // Every mailbox counts from 1: only what went to a group has no number of its own.
  if (seq !== 0n) return whole;
  return {
    ...whole,
    members: members.map(({ device, seq, failure }) => ({
      device,
      receipt: failure ? null : { ...whole, seq: Number(seq) },
      error: failure ? errorOfFailure(failure) : null,
    })),
  };
}

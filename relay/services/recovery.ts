/**
 * What is kept for an account whose devices may all be lost, and how one of eight codes brings it back. The relay knows
 * hashes of locators and ciphertext; nobody gets at either without a code of 128 bits.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { checkSuccessor, openBundle, type VerifiedBundle } from "../../crypto/bundle.ts";
import { equal } from "../../crypto/equal.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { QightError } from "../../proto/errors.ts";
import { SessionResponseSchema } from "../../proto/gen/qight/v1/login_pb.ts";
import {
  PutRecoveryRequestSchema,
  PutRecoveryResponseSchema,
  RecoverFinishRequestSchema,
  RecoverStartRequestSchema,
  RecoverStartResponseSchema,
  type RecoveryKeeping,
} from "../../proto/gen/qight/v1/recovery_pb.ts";
import type { Audit } from "../audit.ts";
import type { CallContext } from "../dispatch.ts";
import type { AccountRoom } from "./account_room.ts";
import { endSessions } from "../end_sessions.ts";
import { admitPeer, sessionAnswer } from "../sessions.ts";
import type { FoundRecovery, StoredRecovery } from "../storage/store.ts";
import { listChanged, newcomer } from "./list_changes.ts";
import { bundleRefusal, bundleStep, checkVersion, openOwnBundle, type PublishingRoom } from "./publishing.ts";

/** Codes of one account, each good once. */
export const RECOVERY_CODES = 8;
/** Largest sealed bundle: the largest padding class (256 KiB), a nonce, a tag. */
export const MAX_RECOVERY_BYTES = 256 * 1024 + 24 + 16;
/** Bytes of a locator, and of its hash. */
const LOCATOR_BYTES = 32;
/** A nonce (24), the data key (32), a tag (16). */
const WRAPPED_BYTES = 72;

/** What recoveries need of the relay. */
export interface RecoveryRoom extends PublishingRoom {
  readonly audit: Audit;
  /** What a new password record is checked with. */
  readonly passwords: Pick<AccountRoom, "setup" | "root">;
  readonly draining: () => boolean;
}

/** PutRecovery: replaces what was kept, and all of its codes; without codes what they open alone. `code_unknown`. */
export async function putRecovery(room: RecoveryRoom, call: CallContext): Promise<void> {
  const { keeping } = await call.requests.only(PutRecoveryRequestSchema);
  refuseDraining(room);
  const own = await room.store.bundleOfDevice(call.peer.device);
  if (!own) throw new QightError("not_allowed", "Recovery is for accounts with a published list of devices");
  const by = { account: own.account, device: call.peer.device, madeAtMs: room.now() };
  const kept = keeping?.codes.length === 0 ? null : checkedKeeping(keeping, by);
  const sealed = kept?.sealed ?? checkedSealed(keeping!.sealed);
  limited(room, room.limits.takeBlob(call.peer.device, sealed.length), "Too many changes of what is kept for recovery");
  if (kept) await room.store.accounts.putRecovery(kept);
  else if (!await room.store.accounts.renewRecovery(own.account, sealed)) {
    throw new QightError("code_unknown", "This account has no recovery codes", {
      hint: "Make them with qight account codes.",
    });
  }
  await call.reply.send(toBinary(PutRecoveryResponseSchema, create(PutRecoveryResponseSchema)));
}

/** RecoverStart: what a code opens. */
export async function recoverStart(room: RecoveryRoom, call: CallContext): Promise<void> {
  newcomer(call);
  const { locator } = await call.requests.only(RecoverStartRequestSchema);
  const recovery = await found(room, call, locator);
  if (!recovery) throw new QightError("code_unknown");
  const { account, sealed, wrapped } = recovery;
  const named = await room.store.accounts.nameOf(account);
  const bundle = await room.store.bundleOfAccount(account);
  const answer = create(RecoverStartResponseSchema, {
    ...{ account, sealed, wrapped, name: named?.name },
    bundle: bundle?.bundle,
  });
  await call.reply.send(toBinary(RecoverStartResponseSchema, answer));
}

/** RecoverFinish: list, codes, password and session in one step; the code is used up. */
export async function recoverFinish(room: RecoveryRoom, call: CallContext): Promise<void> {
  const refused = newcomer(call);
  const { locator, bundle: bytes, expectedVersion, keeping, record } = await call.requests.only(
    RecoverFinishRequestSchema,
  );
  const recovery = await found(room, call, locator);
  const bundle = await openOwnBundle(room, call, bytes);
  if (!recovery) return await recoveredAlready(room, call, bundle);
  const { account } = recovery;
  if (!equal(bundle.account, account)) throw new QightError("bad_bundle", "The list is not of the code's account");
  await room.admission.checkAccount(account);
  const stored = await room.store.bundleOfAccount(account);
  // The code stands in for a listed device; that lists never grow old again holds for it too.
  const known = stored && await openBundle(stored.bundle);
  checkSuccessor(known, bundle);
  checkVersion(room, bundle, known);
  const named = room.accountMode() ? await room.store.accounts.nameOf(account) : null;
  if (named) await checkPassword(room, named.folded, record);
  const session = room.sessions.make(call.peer.device, account);
  const step = await bundleStep(room, call, bundle, Number(expectedVersion));
  const outcome = await room.store.accounts.recover({
    locatorHash: await sha256(locator),
    bundle: step,
    keeping: checkedKeeping(keeping, { account, device: call.peer.device, madeAtMs: room.now() }),
    record: named ? record : null,
    session: session?.stored ?? null,
  });
  if (outcome.kind === "code_unknown") throw new QightError("code_unknown");
  if (outcome.kind !== "recovered") throw bundleRefusal(outcome);
  room.audit.record("account.recover", {});
  listChanged(room, step.put, outcome, call.peer);
  if (session) {
    const others = step.put.devices.filter((device) => !equal(device, call.peer.device));
    endSessions(room.peers, others, new QightError("login_needed", "The account was recovered on another device"));
  }
  if (refused) admitPeer(call, session?.token ?? "");
  const answer = create(SessionResponseSchema, sessionAnswer(session));
  await call.reply.send(toBinary(SessionResponseSchema, answer));
}

/** A try counts before anything is looked up, and an unknown code is told like a used one. */
async function found(room: RecoveryRoom, call: CallContext, locator: Uint8Array): Promise<FoundRecovery | null> {
  refuseDraining(room);
  if (locator.length !== LOCATOR_BYTES) throw new QightError("bad_frame", "A locator has 32 bytes");
  const waitMs = room.limits.takeRecovery(call.peer.connection.peer.hostname);
  limited(room, waitMs, "Too many tries with recovery codes from this address");
  return await room.store.accounts.recovery(await sha256(locator));
}

/** A lost answer, asked for again: the code is used up, and its list is the stored one. Brings no session. */
async function recoveredAlready(room: RecoveryRoom, call: CallContext, bundle: VerifiedBundle): Promise<void> {
  const stored = await room.store.bundleOfDevice(call.peer.device);
  if (!stored || !equal(stored.bundle, bundle.bytes)) throw new QightError("code_unknown");
  if (call.peer.session?.refusal) throw call.peer.session.refusal;
  const answer = create(SessionResponseSchema, sessionAnswer(null));
  await call.reply.send(toBinary(SessionResponseSchema, answer));
}

function checkedKeeping(
  keeping: RecoveryKeeping | undefined,
  by: Pick<StoredRecovery, "account" | "device" | "madeAtMs">,
): StoredRecovery {
  if (!keeping || keeping.codes.length !== RECOVERY_CODES) {
    throw new QightError("bad_frame", `A recovery has ${RECOVERY_CODES} codes`);
  }
  const { codes } = keeping;
  const sealed = checkedSealed(keeping.sealed);
  if (codes.some((code) => code.locatorHash.length !== LOCATOR_BYTES || code.wrapped.length !== WRAPPED_BYTES)) {
    throw new QightError("bad_frame", `A recovery code has ${LOCATOR_BYTES} and ${WRAPPED_BYTES} bytes`);
  }
  if (new Set(codes.map(({ locatorHash }) => locatorHash.toHex())).size < RECOVERY_CODES) {
    throw new QightError("bad_frame", "Two recovery codes are the same");
  }
  return { ...by, sealed, codes: codes.map(({ locatorHash, wrapped }) => ({ locatorHash, wrapped })) };
}

function checkedSealed(sealed: Uint8Array): Uint8Array {
  if (sealed.length > 0 && sealed.length <= MAX_RECOVERY_BYTES) return sealed;
  throw new QightError("message_too_large", `What is kept for a recovery has 1 to ${MAX_RECOVERY_BYTES} bytes`);
}

async function checkPassword({ passwords }: RecoveryRoom, name: string, record: string): Promise<void> {
  if (record === "") throw new QightError("bad_frame", "A recovery at this relay brings a new password");
  const { checkRecord } = await import("../../crypto/opaque.ts");
  await checkRecord(await passwords.setup(), { name, relay: passwords.root }, record);
}

function limited(room: RecoveryRoom, retryAfterMs: number, sentence: string): void {
  if (retryAfterMs === 0) return;
  room.metrics.rateLimited("recovery");
  throw new QightError("rate_limited", sentence, { retryAfterMs });
}

function refuseDraining({ draining }: RecoveryRoom): void {
  if (draining()) throw new QightError("draining", undefined, { retryAfterMs: 1000 });
}

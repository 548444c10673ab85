/**
 * The way back in with a recovery code: this machine's device becomes one of the account's, which gets new codes and, where
 * it has a name, a new password. In two steps, so that a person sees whose code it is before anything changes.
 * @module
 */
import { type Account, accountFromSeed } from "../../crypto/account.ts";
import { readName } from "../../crypto/account_name.ts";
import { MAX_DEVICES, openBundle, type VerifiedBundle } from "../../crypto/bundle.ts";
import { equal } from "../../crypto/equal.ts";
import { openRecovery, recoveryKeys } from "../../crypto/recovery.ts";
import { parseRecoveryCode } from "../../crypto/recovery_code.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import type { RecoveryBundle } from "../../proto/gen/qight/v1/link_pb.ts";
import { AccountCalls } from "../account_calls.ts";
import type { Clock, Random } from "../clock.ts";
import { dateForRelay } from "../clock_check.ts";
import { freeDeviceName } from "../device_name.ts";
import type { Identity } from "../identity.ts";
import type { OpaqueThread } from "../opaque_thread.ts";
import { signList } from "../publish.ts";
import { newCodes } from "./codes.ts";
import { type AccountRelay, partiesOf } from "./room.ts";

/** What a code opened; nothing has changed yet. */
export interface OpenedRecovery {
  readonly account: Account;
  /** Empty where the account has none at this relay. */
  readonly name: string;
  /** The list of devices that the relay has; null when it has none. */
  readonly bundle: VerifiedBundle | null;
  readonly kept: RecoveryBundle;
  readonly locator: Uint8Array;
}

/** A recovery that was done. */
export interface FinishedRecovery {
  readonly bundle: VerifiedBundle;
  /** The new codes. */
  readonly codes: readonly string[];
  /** The session of this device; empty where the relay has no passwords. */
  readonly token: string;
}

/** Asks the relay for what a code's secret (16 bytes) opens. `code_unknown`; `cannot_open` for an answer that was changed. */
export async function openWithCode(relay: Pick<AccountRelay, "rpc">, secret: Uint8Array): Promise<OpenedRecovery> {
  const keys = recoveryKeys(secret);
  const found = await new AccountCalls(relay.rpc).recoverStart(keys.locator);
  const kept = await openRecovery(keys, found);
  const bundle = found.bundle && await openBundle(found.bundle);
  if (bundle && !equal(bundle.account, found.account)) {
    throw new QightError("bad_bundle", "The relay answered with another account's list of devices");
  }
  return { account: await accountFromSeed(kept.accountSeed), name: found.name, bundle, kept, locator: keys.locator };
}

/** The same for a code as it is written down; null when the relay knows it no more, or not yet. */
export async function openIfKnown(relay: Pick<AccountRelay, "rpc">, code: string): Promise<OpenedRecovery | null> {
  try {
    return await openWithCode(relay, parseRecoveryCode(code));
  } catch (thrown) {
    if (asQightError(thrown).code !== "code_unknown") throw thrown;
    return null;
  }
}

/**
 * Puts this device on the account's list, replaces all codes and sets the password. `too_many_devices` when the list is full
 * and others are not revoked; `version_conflict`, `code_unknown` when somebody was faster.
 */
export async function finishRecovery(
  { relay, identity, clock, random, opaque }: {
    readonly relay: AccountRelay;
    /** The account and the device to be. */
    readonly identity: Identity;
    readonly clock: Pick<Clock, "now">;
    readonly random: Random;
    readonly opaque: Pick<OpaqueThread, "run"> | null;
  },
  opened: OpenedRecovery,
  { password, revokeOthers, beforeUse }: {
    readonly password: string | null;
    /** Others go off a list that is full; the rest goes once this device is in the conversations (`revokeOthers`). */
    readonly revokeOthers: boolean;
    /** Runs when all is ready, and before the code is used up: what must not be lost, the new codes too, is written down then. */
    readonly beforeUse?: (codes: readonly string[]) => Promise<void>;
  },
): Promise<FinishedRecovery> {
  const calls = new AccountCalls(relay.rpc);
  const { name, locator, kept, account } = opened;
  const record = password === null || !opaque ? "" : await registered();
  const bundle = await nextBundle(identity, opened, revokeOthers, dateForRelay(clock, relay));
  const { contacts, groups, accountSeed } = kept;
  const fields = { accountSeed, contacts, groups, name, madeAtMs: BigInt(clock.now()) };
  const { codes, keeping } = newCodes(fields, account.hash, random);
  const expectedVersion = opened.bundle?.version ?? 0;
  await beforeUse?.(codes);
  const { token } = await calls.recoverFinish({ locator, bundle: bundle.bytes, expectedVersion, keeping, record });
  return { bundle, codes, token };

  async function registered(): Promise<string> {
    const { state, request } = await opaque!.run("beginRegistration", password!);
    const response = await calls.registerStart(name, request, locator);
    return await opaque!.run("finishRegistration", password!, state, partiesOf(relay, readName(name)), response);
  }
}

async function nextBundle(
  { account, signer, deviceName }: Identity,
  { bundle }: OpenedRecovery,
  revokeOthers: boolean,
  nowMs: number,
): Promise<VerifiedBundle> {
  const listed = bundle?.devices ?? [];
  const others = listed.filter(({ key }) => !equal(key, signer.publicKey));
  // Their seats are this device's way into the conversations, so all that fit stay until it is in.
  const stay = revokeOthers ? others.slice(0, MAX_DEVICES - 1) : others;
  const own = listed.find(({ key }) => equal(key, signer.publicKey)) ??
    { key: signer.publicKey, name: freeDeviceName(stay, deviceName), addedAtMs: nowMs };
  const devices = [...stay, own];
  if (devices.length > MAX_DEVICES) {
    throw new QightError("too_many_devices", undefined, { hint: "Take them off the list with --revoke-others." });
  }
  // A device that is off the list stays off, though it knows the seed.
  return await signList({ account }, bundle, { devices, devicesOnly: stay.length < others.length }, nowMs);
}

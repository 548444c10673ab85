/**
 * The relay's calls about names, passwords, recovery and the end of an account, with plain values in and out. Nothing that
 * comes back is verified here.
 * @module
 */
import { AccountService } from "../proto/gen/qight/v1/login_pb.ts";
import { RecoveryService } from "../proto/gen/qight/v1/recovery_pb.ts";
import type { SealedRecovery } from "../crypto/recovery.ts";
import type { CallOptions, Rpc } from "./rpc.ts";

/** What a device shows at HELLO from now on; empty where the relay has no accounts with passwords. */
export interface NewSession {
  readonly token: string;
  /** Milliseconds since 1970; each use moves it on. */
  readonly expiresAtMs: number;
}

/** The own account as the relay has it. */
export interface ShownAccount {
  readonly account: Uint8Array; // account hash, 32 bytes
  /** Empty without one. */
  readonly name: string;
  /** Milliseconds since 1970; 0 without a name. */
  readonly registeredAtMs: number;
  /** Devices that are signed in. */
  readonly sessions: number;
  /** Codes that are not used yet. */
  readonly recoveryCodes: number;
  /** Milliseconds since 1970; 0 = none. */
  readonly recoveryMadeAtMs: number;
}

/** What a recovery code finds. */
export interface FoundRecovery {
  readonly account: Uint8Array; // account hash, 32 bytes
  readonly sealed: Uint8Array;
  readonly wrapped: Uint8Array;
  /** Empty where the account has none. */
  readonly name: string;
  /** The present serialized Bundle; null when there is none. */
  readonly bundle: Uint8Array | null;
}

/** A recovery that is to be finished. */
export interface Recovery {
  readonly locator: Uint8Array;
  /** A serialized Bundle that lists the own device. */
  readonly bundle: Uint8Array;
  /** Of the bundle that it follows; 0 = none. */
  readonly expectedVersion: number;
  readonly keeping: SealedRecovery;
  /** OPAQUE RegistrationRecord; empty without names. */
  readonly record: string;
}

const account = AccountService.method;
const recovery = RecoveryService.method;

/** Calls on one connection, which need not be admitted to register, log in and recover. */
export class AccountCalls {
  readonly #rpc: Rpc;

  constructor(rpc: Rpc) {
    this.#rpc = rpc;
  }

  /** RegistrationResponse for a RegistrationRequest; with `recoverLocator` the name is the account's own. */
  async registerStart(name: string, request: string, recoverLocator: Uint8Array = NOTHING): Promise<string> {
    return (await this.#rpc.unary(account.registerStart, { name, request, recoverLocator })).response;
  }

  /** Takes the name; `bundle` is the own serialized one. `name_taken`. */
  async registerFinish(wish: { name: string; record: string; bundle: Uint8Array }): Promise<NewSession> {
    return sessionOf(await this.#rpc.unary(account.registerFinish, wish));
  }

  /** KE2 for a KE1. */
  async loginStart(
    name: string,
    request: string,
  ): Promise<{ readonly login: Uint8Array; readonly response: string; readonly retryAfterMs: number }> {
    return await this.#rpc.unary(account.loginStart, { name, request });
  }

  /** `wrong_password`; `not_listed` for a device that the account does not list. */
  async loginFinish(login: Uint8Array, finish: string): Promise<NewSession> {
    return sessionOf(await this.#rpc.unary(account.loginFinish, { login, finish }));
  }

  /** Ends the session of this device, or of another one of the account. */
  async logout(device: Uint8Array = NOTHING): Promise<void> {
    await this.#rpc.unary(account.logout, { device });
  }

  /** RegistrationResponse for the RegistrationRequest of a new password, after a login on this connection. */
  async changePasswordStart(request: string): Promise<string> {
    return (await this.#rpc.unary(account.changePassword, { step: { case: "request", value: request } })).response;
  }

  /** The new password counts; all other devices have to sign in again. */
  async changePasswordFinish(record: string): Promise<void> {
    await this.#rpc.unary(account.changePassword, { step: { case: "record", value: record } });
  }

  /** The own account as the relay has it. */
  async show(options?: CallOptions): Promise<ShownAccount> {
    const { registeredAtMs, recoveryMadeAtMs, ...rest } = await this.#rpc.unary(account.showAccount, {}, options);
    return { ...rest, registeredAtMs: Number(registeredAtMs), recoveryMadeAtMs: Number(recoveryMadeAtMs) };
  }

  /** The account (hash) behind a name; null when nobody has it here. */
  async resolveName(name: string, options?: CallOptions): Promise<Uint8Array | null> {
    const reply = await this.#rpc.unary(account.resolveName, { name }, options);
    return reply.account.length > 0 ? reply.account : null;
  }

  /** Everything of the account goes in one step; `end` is a serialized AccountEnd. */
  async deleteAccount(end: Uint8Array): Promise<void> {
    await this.#rpc.unary(recovery.deleteAccount, { end });
  }

  /** Replaces what is kept for recovery, and its codes. */
  async putRecovery(keeping: SealedRecovery): Promise<void> {
    await this.#rpc.unary(recovery.putRecovery, { keeping: onWire(keeping) });
  }

  /** Replaces what the codes open; they stay. `code_unknown` when there are none. */
  async renewRecovery(sealed: Uint8Array): Promise<void> {
    await this.#rpc.unary(recovery.putRecovery, { keeping: onWire({ sealed, codes: [] }) });
  }

  /** What a code's locator finds. `code_unknown`. */
  async recoverStart(locator: Uint8Array): Promise<FoundRecovery> {
    const { bundle, ...found } = await this.#rpc.unary(recovery.recoverStart, { locator });
    return { ...found, bundle: bundle.length > 0 ? bundle : null };
  }

  /** New list of devices, new codes and new password, or nothing. Uses the code up. */
  async recoverFinish({ expectedVersion, keeping, ...rest }: Recovery): Promise<NewSession> {
    const request = { ...rest, expectedVersion: BigInt(expectedVersion), keeping: onWire(keeping) };
    return sessionOf(await this.#rpc.unary(recovery.recoverFinish, request));
  }
}

const NOTHING = new Uint8Array(0);

function sessionOf({ sessionToken, expiresAtMs }: { sessionToken: string; expiresAtMs: bigint }): NewSession {
  return { token: sessionToken, expiresAtMs: Number(expiresAtMs) };
}

function onWire({ sealed, codes }: SealedRecovery) {
  return { sealed, codes: codes.map(({ locatorHash, wrapped }) => ({ locatorHash, wrapped })) };
}

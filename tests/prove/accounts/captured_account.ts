/**
 * One account whose every message about passwords, lists and recovery is captured on its way to the relay.
 * @module
 */
import { AccountCalls, type Recovery } from "../../../client/account_calls.ts";
import type { RelayClient } from "../../../client/relay_client.ts";
import { type Account, accountFromSeed } from "../../../crypto/account.ts";
import { generateSeed, type Signer, signerFromSeed } from "../../../crypto/ed25519.ts";
import { recoveryKeys, sealRecovery } from "../../../crypto/recovery.ts";
import { signVoucher } from "../../../crypto/voucher.ts";
import { QightError } from "../../../proto/errors.ts";
import { type CapturedLogin, captureLogin } from "../hostile/captured_logins.ts";
import { connectAs, parties } from "./account_connection.ts";
import { outcomeOf } from "./account_judge.ts";
import { listOf } from "./account_life.ts";
import { lightLogin, lightRecord } from "./light_password.ts";

/** A message that was answered with a session once; `play` sends it again and answers the token that came of it. */
export interface Captured {
  readonly what: "login" | "voucher" | "recovery";
  readonly device: Signer;
  play(relay: RelayClient): Promise<string>;
}

/** An account under a name, and what somebody on the wire has of it. */
export class CapturedAccount {
  readonly account: Account;
  readonly name: string;
  readonly captured: Captured[] = [];
  /** Proofs of devices with their tokens. */
  readonly proofs: CapturedLogin[] = [];
  /** Tokens of live sessions, with their devices. */
  readonly tokens: { readonly device: Signer; readonly token: string }[] = [];
  /** What was answered as it must not be. */
  readonly strange: string[] = [];
  readonly #address: string;
  readonly #seed: Uint8Array;
  readonly #first: Signer;
  #devices: Signer[];
  #version = 1;
  #devicesOnly = false;
  #codes: Uint8Array[] = [];

  private constructor(address: string, name: string, parts: { seed: Uint8Array; account: Account; first: Signer }) {
    this.#address = address;
    this.name = name;
    this.account = parts.account;
    this.#seed = parts.seed;
    this.#first = parts.first;
    this.#devices = [parts.first];
  }

  /** Registers the name and makes recovery codes. */
  static async register(address: string, name: string): Promise<CapturedAccount> {
    const seed = generateSeed();
    const first = await signerFromSeed(generateSeed());
    const one = new CapturedAccount(address, name, { seed, account: await accountFromSeed(seed), first });
    await using client = await connectAs(address, first);
    const calls = new AccountCalls(client.relay.rpc);
    const of = parties(client.relay, name);
    const record = await lightRecord(PASSWORD, of, (request) => calls.registerStart(name, request));
    const bundle = await listOf(one, one.#devices, one.#version, false);
    const { token } = await calls.registerFinish({ name, record, bundle: bundle.bytes });
    one.#codes = Array.from({ length: 8 }, () => crypto.getRandomValues(new Uint8Array(16)));
    await calls.putRecovery(sealRecovery({ accountSeed: seed, name }, one.account.hash, one.#codes));
    one.tokens.push({ device: first, token });
    return one;
  }

  /** The first device signs in again, and shows its session. */
  async logIn(): Promise<void> {
    const device = this.#first;
    await using client = await connectAs(this.#address, device);
    const calls = new AccountCalls(client.relay.rpc);
    const { login, finish } = await lightLogin(calls, parties(client.relay, this.name), PASSWORD);
    if (finish === null) throw new QightError("wrong_password");
    const { token } = await calls.loginFinish(login, finish);
    const play = async (relay: RelayClient) => (await new AccountCalls(relay.rpc).loginFinish(login, finish)).token;
    this.captured.push({ what: "login", device, play });
    // On the connection that it was good for, too.
    const again = await outcomeOf(play(client.relay));
    if (again !== "wrong_password") {
      this.strange.push(`${this.name}: a login that was taken twice on its own connection got ${again}`);
    }
    this.tokens.splice(0, 1, { device, token });
    this.proofs.push(await captureLogin(this.#address, device, token));
  }

  /** A new device comes by the word of the first; with `revoked` it goes again. */
  async link(revoked: boolean): Promise<void> {
    const device = await signerFromSeed(generateSeed());
    const before = this.#version;
    const bundle = await listOf(this, [...this.#devices, device], ++this.#version, this.#devicesOnly);
    const voucher = await signVoucher(this.#first, bundle, Date.now() + 600_000);
    const play = (relay: RelayClient) => relay.publishBundle(bundle.bytes, before, { voucher });
    {
      await using client = await connectAs(this.#address, device);
      const token = await play(client.relay);
      if (!revoked) this.tokens.push({ device, token });
    }
    this.captured.push({ what: "voucher", device, play });
    if (!revoked) return void this.#devices.push(device);
    this.#devicesOnly = true;
    const without = await listOf(this, this.#devices, this.#version + 1, true);
    await using client = await connectAs(this.#address, this.#first, this.tokens[0].token);
    await client.relay.publishBundle(without.bytes, this.#version++);
  }

  /** A new device comes by a code; all others are signed out. */
  async recover(): Promise<void> {
    const device = await signerFromSeed(generateSeed());
    const { locator } = recoveryKeys(this.#codes[0]);
    await using client = await connectAs(this.#address, device);
    const calls = new AccountCalls(client.relay.rpc);
    const of = parties(client.relay, this.name);
    const record = await lightRecord(PASSWORD, of, (request) => calls.registerStart(this.name, request, locator));
    this.#devices.push(device);
    const bundle = await listOf(this, this.#devices, this.#version + 1, this.#devicesOnly);
    this.#codes = Array.from({ length: 8 }, () => crypto.getRandomValues(new Uint8Array(16)));
    const keeping = sealRecovery({ accountSeed: this.#seed, name: this.name }, this.account.hash, this.#codes);
    const wish: Recovery = { locator, bundle: bundle.bytes, expectedVersion: this.#version++, keeping, record };
    const play = async (relay: RelayClient) => (await new AccountCalls(relay.rpc).recoverFinish(wish)).token;
    const token = await play(client.relay);
    this.captured.push({ what: "recovery", device, play });
    this.tokens.splice(0, this.tokens.length, { device, token });
  }
}

const PASSWORD = "correct horse";

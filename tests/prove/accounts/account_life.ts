/**
 * The life of one account after the other, in random order: registered, linked, revoked, recovered, ended. It knows what
 * the relay answered, and of one change at most that it got no answer.
 * @module
 */
import { AccountCalls } from "../../../client/account_calls.ts";
import type { RelayClient } from "../../../client/relay_client.ts";
import { accountFromSeed } from "../../../crypto/account.ts";
import { signAccountEnd } from "../../../crypto/account_end.ts";
import { signBundle, type VerifiedBundle } from "../../../crypto/bundle.ts";
import { generateSeed, type Signer, signerFromSeed } from "../../../crypto/ed25519.ts";
import { recoveryKeys, sealRecovery } from "../../../crypto/recovery.ts";
import { signVoucher } from "../../../crypto/voucher.ts";
import { asQightError, type ErrorCode, QightError } from "../../../proto/errors.ts";
import { connectAs, parties } from "./account_connection.ts";
import { lightLogin, lightRecord } from "./light_password.ts";
import { type AccountState, keyOf } from "./account_state.ts";

/** What a life does, and how often beside the others. */
const changes = { link: 4, revoke: 3, passwd: 3, codes: 2, recover: 2, logout: 1, login: 1, end: 0.7 } as const;
export type Change = "register" | keyof typeof changes;

/** A call ended without an answer: the relay was killed. */
const CUT: readonly ErrorCode[] = ["unreachable", "timeout", "draining"];
/** Recoveries are limited for each address; a refusal is an answer, and changes nothing. */
const LIMITED: readonly ErrorCode[] = ["rate_limited"];
const MOST_DEVICES = 4;
/** Remembered to be tried again after a kill. */
const REMEMBERED = 2;

/** A device and the token that it had. */
export interface OldSession {
  readonly device: Signer;
  readonly token: string;
}

/** One person, and all the accounts that they have had. */
export class AccountLife {
  state!: AccountState;
  /** What the state is if the change that got no answer was made. */
  maybe: AccountState | null = null;
  /** Tokens by device key in hex, as far as they came back. */
  readonly tokens = new Map<string, string>();
  /** Of this account: devices that were taken off the list, sessions that were ended, passwords and codes that were changed. */
  readonly gone: { devices: OldSession[]; sessions: OldSession[]; passwords: string[]; codes: Uint8Array[] } = {
    devices: [],
    sessions: [],
    passwords: [],
    codes: [],
  };
  /** Accounts that ended. */
  readonly past: AccountState[] = [];
  readonly counts = new Map<Change, number>();
  readonly strange: string[] = [];
  readonly #random: () => number;
  readonly #person: string;
  #seed: Uint8Array = new Uint8Array(0);
  #born = 0;
  #devicesOnly = false;
  #now: Change = "register";

  private constructor(person: string, random: () => number) {
    this.#person = person;
    this.#random = random;
  }

  /** `person`: letters, the beginning of each name. */
  static async begin(person: string, random: () => number): Promise<AccountLife> {
    const life = new AccountLife(person, random);
    await life.#beBorn();
    return life;
  }

  /** Changes answered. */
  get answered(): number {
    return this.counts.values().reduce((sum, count) => sum + count, 0);
  }

  /** Lives until so many changes were answered in all; a relay that runs cuts nothing off. */
  async until(address: string, answered: number): Promise<void> {
    const change = await this.untilCut(address, answered);
    if (this.answered < answered) this.strange.push(`${change} of ${this.state.name} got no answer`);
  }

  /** Lives until a call gets no answer, or so many changes were answered; answers what it was doing then. */
  async untilCut(address: string, enough = Infinity): Promise<Change> {
    for (;;) {
      if (this.answered >= enough) return this.#now;
      const change = this.#now = this.#next();
      try {
        await this.#make(change, address);
        this.counts.set(change, (this.counts.get(change) ?? 0) + 1);
      } catch (thrown) {
        const { code, message } = asQightError(thrown);
        if (CUT.includes(code)) return this.#now;
        if (!LIMITED.includes(code)) {
          this.strange.push(`${change} of ${this.state.name} was refused: ${code}, ${message}`);
          return change;
        }
      }
      if (this.state.ended) await this.#beBorn();
    }
  }

  /** What became of the change that got no answer; false when it was not made. */
  settle(made: boolean): void {
    if (made && this.maybe) this.#become(this.maybe);
    this.maybe = null;
  }

  /** After `settle` an account may be over. */
  async goOn(): Promise<void> {
    if (this.state.ended) await this.#beBorn();
  }

  #next(): Change {
    if (this.state.record === null) return "register";
    const { devices, codes } = this.state;
    if (!this.#oneWithToken()) return "login";
    const possible = Object.entries(changes).filter(([change]) =>
      change === "link"
        ? devices.length < MOST_DEVICES
        : change === "revoke"
        ? devices.length > 1
        : change === "recover"
        ? codes.length > 0
        : true
    ) as [Change, number][];
    const all = possible.reduce((sum, [, weight]) => sum + weight, 0);
    let point = this.#random() * all;
    return (possible.find(([, weight]) => (point -= weight) < 0) ?? possible[0])[0];
  }

  async #make(change: Change, address: string): Promise<void> {
    switch (change) {
      case "register":
        return await this.#register(address);
      case "link":
        return await this.#link(address);
      case "revoke":
        return await this.#revoke(address);
      case "passwd":
        return await this.#passwd(address);
      case "codes":
        return await this.#newCodes(address);
      case "recover":
        return await this.#recover(address);
      case "logout":
        return await this.#logout(address);
      case "login": {
        await using client = await connectAs(address, this.#any(this.state.devices)!);
        return await this.#login(client.relay, client.device);
      }
      case "end":
        return await this.#end(address);
    }
  }

  async #register(address: string): Promise<void> {
    const [device] = this.state.devices;
    await using client = await connectAs(address, device);
    const calls = new AccountCalls(client.relay.rpc);
    const { name, password } = this.state;
    const of = parties(client.relay, name);
    const record = await lightRecord(password, of, (request) => calls.registerStart(name, request));
    const bundle = await this.#list([device], 1);
    const after = { ...this.state, record, version: bundle.version, signedIn: [keyOf(device)] };
    const { token } = await this.#step(
      after,
      [device],
      () => calls.registerFinish({ name, record, bundle: bundle.bytes }),
    );
    this.tokens.set(keyOf(device), token);
  }

  async #login(relay: RelayClient, device: Signer): Promise<void> {
    const calls = new AccountCalls(relay.rpc);
    const { name, password } = this.state;
    const { login, finish } = await lightLogin(calls, parties(relay, name), password);
    if (finish === null) throw new QightError("wrong_password");
    const signedIn = [...new Set([...this.state.signedIn, keyOf(device)])];
    const { token } = await this.#step({ ...this.state, signedIn }, [device], () => calls.loginFinish(login, finish));
    this.tokens.set(keyOf(device), token);
  }

  async #logout(address: string): Promise<void> {
    await using client = await this.#signedIn(address);
    const key = keyOf(client.device);
    const signedIn = this.state.signedIn.filter((each) => each !== key);
    await this.#step({ ...this.state, signedIn }, [], () => new AccountCalls(client.relay.rpc).logout());
  }

  async #passwd(address: string): Promise<void> {
    await using client = await this.#signedIn(address);
    await this.#login(client.relay, client.device);
    const calls = new AccountCalls(client.relay.rpc);
    const password = this.#secret();
    const of = parties(client.relay, this.state.name);
    const record = await lightRecord(password, of, (request) => calls.changePasswordStart(request));
    const after = { ...this.state, record, password, signedIn: [keyOf(client.device)] };
    await this.#step(after, [], () => calls.changePasswordFinish(record));
  }

  /** The new device publishes, as the grant of an old one tells it to. */
  async #link(address: string): Promise<void> {
    const by = this.#oneWithToken()!;
    const device = await newDevice();
    const bundle = await this.#list([...this.state.devices, device], this.state.version + 1);
    const voucher = await signVoucher(by, bundle, Date.now() + 600_000);
    await using client = await connectAs(address, device);
    const after = {
      ...this.state,
      version: bundle.version,
      devices: [...this.state.devices, device],
      signedIn: [...this.state.signedIn, keyOf(device)],
    };
    const publish = () => client.relay.publishBundle(bundle.bytes, this.state.version, { voucher });
    this.tokens.set(keyOf(device), await this.#step(after, [device], publish));
  }

  async #revoke(address: string): Promise<void> {
    await using client = await this.#signedIn(address);
    const leaving = this.#any(this.state.devices.filter((device) => device !== client.device))!;
    this.#devicesOnly = true;
    const devices = this.state.devices.filter((device) => device !== leaving);
    const bundle = await this.#list(devices, this.state.version + 1);
    const signedIn = this.state.signedIn.filter((key) => key !== keyOf(leaving));
    const codes = leaving === this.state.codesBy ? [] : this.state.codes;
    const after = { ...this.state, version: bundle.version, devices, signedIn, codes };
    await this.#step(after, [], () => client.relay.publishBundle(bundle.bytes, this.state.version));
  }

  async #newCodes(address: string): Promise<void> {
    await using client = await this.#signedIn(address);
    const codes = secrets();
    const keeping = sealRecovery({ accountSeed: this.#seed, name: this.state.name }, this.state.account.hash, codes);
    const after = { ...this.state, codes, codesBy: client.device };
    await this.#step(after, [], () => new AccountCalls(client.relay.rpc).putRecovery(keeping));
  }

  async #recover(address: string): Promise<void> {
    const device = await newDevice();
    await using client = await connectAs(address, device);
    const calls = new AccountCalls(client.relay.rpc);
    const { locator } = recoveryKeys(this.#any(this.state.codes)!);
    const password = this.#secret();
    const of = parties(client.relay, this.state.name);
    const record = await lightRecord(password, of, (request) => calls.registerStart(of.name, request, locator));
    // With every other one lost, or with those that there are.
    const lost = this.#random() < 0.5 || this.state.devices.length >= MOST_DEVICES;
    if (lost) this.#devicesOnly = true;
    const devices = lost ? [device] : [...this.state.devices, device];
    const bundle = await this.#list(devices, this.state.version + 1);
    const codes = secrets();
    const after = {
      ...this.state,
      ...{ password, record, version: bundle.version, devices, codes, codesBy: device },
      signedIn: [keyOf(device)],
    };
    const keeping = sealRecovery({ accountSeed: this.#seed, name: of.name }, this.state.account.hash, codes);
    const wish = { locator, bundle: bundle.bytes, expectedVersion: this.state.version, keeping, record };
    const { token } = await this.#step(after, [device], () => calls.recoverFinish(wish));
    this.tokens.set(keyOf(device), token);
  }

  async #end(address: string): Promise<void> {
    await using client = await this.#signedIn(address);
    const { bytes } = await signAccountEnd(this.state.account, client.relay.relayNowMs());
    const after = { ...this.state, ended: true };
    await this.#step(after, [], () => new AccountCalls(client.relay.rpc).deleteAccount(bytes));
  }

  /** The change itself; a token that may have come is not known when there is no answer. */
  async #step<T>(after: AccountState, newTokens: readonly Signer[], call: () => Promise<T>): Promise<T> {
    this.maybe = after;
    let answer: T;
    try {
      answer = await call();
    } catch (thrown) {
      if (CUT.includes(asQightError(thrown).code)) {
        for (const device of newTokens) this.tokens.delete(keyOf(device));
      } else this.maybe = null;
      throw thrown;
    }
    this.#become(after);
    this.maybe = null;
    return answer;
  }

  #become(after: AccountState): void {
    const before = this.state;
    const remember = <T>(list: T[], ...what: T[]) => void list.splice(0, Math.max(0, list.push(...what) - REMEMBERED));
    if (after.password !== before.password) remember(this.gone.passwords, before.password);
    if (after.codes !== before.codes) remember(this.gone.codes, ...before.codes.slice(0, 1));
    for (const device of before.devices) {
      const key = keyOf(device);
      const token = this.tokens.get(key) ?? "";
      const listed = after.devices.includes(device);
      if (!listed) remember(this.gone.devices, { device, token });
      if (token !== "" && listed && !after.signedIn.includes(key)) remember(this.gone.sessions, { device, token });
      if (!listed || !after.signedIn.includes(key)) this.tokens.delete(key);
    }
    this.state = after;
  }

  async #beBorn(): Promise<void> {
    if (this.#born > 0) this.past.push(this.state);
    this.tokens.clear();
    for (const list of Object.values(this.gone)) list.length = 0;
    this.#devicesOnly = false;
    this.#seed = generateSeed();
    this.state = {
      account: await accountFromSeed(this.#seed),
      name: `${this.#person}-${++this.#born}`,
      password: this.#secret(),
      ...{
        record: null,
        version: 0,
        devices: [await newDevice()],
        signedIn: [],
        codes: [],
        codesBy: null,
        ended: false,
      },
    };
  }

  #list(devices: readonly Signer[], version: number): Promise<VerifiedBundle> {
    return listOf(this.state, devices, version, this.#devicesOnly);
  }

  #oneWithToken(): Signer | undefined {
    return this.#any(this.state.devices.filter((device) => this.tokens.has(keyOf(device))));
  }

  #signedIn(address: string) {
    const device = this.#oneWithToken()!;
    return connectAs(address, device, this.tokens.get(keyOf(device))!);
  }

  #any<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.#random() * list.length)];
  }

  #secret(): string {
    return `secret ${Math.floor(this.#random() * 2 ** 32)}`;
  }
}

/** A list that the account of this state signs; good for a day. */
export function listOf(
  { account }: Pick<AccountState, "account">,
  devices: readonly Signer[],
  version: number,
  devicesOnly: boolean,
): Promise<VerifiedBundle> {
  const nowMs = Date.now();
  return signBundle(account, {
    ...{ version, devicesOnly, createdAtMs: nowMs, expiresAtMs: nowMs + 86_400_000 },
    devices: devices.map(({ publicKey }, at) => ({ key: publicKey, name: `device ${at}`, addedAtMs: nowMs })),
  });
}

function newDevice(): Promise<Signer> {
  return signerFromSeed(generateSeed());
}

function secrets(): Uint8Array[] {
  return Array.from({ length: 8 }, () => crypto.getRandomValues(new Uint8Array(16)));
}

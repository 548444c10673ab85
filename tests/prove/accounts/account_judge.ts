/**
 * Asks a relay over the wire what an account's owner, and whoever has what the owner gave up, get from it now.
 * @module
 */
import { AccountCalls } from "../../../client/account_calls.ts";
import { recoveryKeys } from "../../../crypto/recovery.ts";
import { signVoucher } from "../../../crypto/voucher.ts";
import { asQightError, type ErrorCode } from "../../../proto/errors.ts";
import { connectAs, parties } from "./account_connection.ts";
import { type AccountLife, listOf, type OldSession } from "./account_life.ts";
import { keyOf } from "./account_state.ts";
import { lightLogin } from "./light_password.ts";

/** What was asked, and what was answered otherwise than it must be. */
export class AccountJudge {
  readonly complaints: string[] = [];
  /** Devices and tokens that got in, as they should. */
  admitted = 0;
  /** Tries of what was given up, all of which must be refused. */
  attacks = 0;
  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  /** Everything about this account; its state has to be settled. */
  async judge(life: AccountLife, when: string): Promise<void> {
    const complain = (what: string) => this.complaints.push(`${when}: ${life.state.name}: ${what}`);
    if (life.state.record === null) return;
    for (const device of life.state.devices) {
      const token = life.tokens.get(keyOf(device));
      if (token === undefined) continue;
      const code = await this.#shows({ device, token });
      this.admitted++;
      if (code !== "ok") complain(`a device that is signed in got ${code}`);
    }
    for (const session of life.gone.sessions) {
      const code = await this.#attack(() => this.#shows(session));
      if (code !== "login_needed" && code !== "not_listed") complain(`a session that had ended got ${code}`);
    }
    for (const session of life.gone.devices) {
      const codes = [
        await this.#attack(() => this.#shows(session)),
        await this.#attack(() => this.#signsIn(session, life)),
        await this.#attack(() => this.#listsItself(session, life)),
      ];
      if (codes.includes("ok")) complain(`a device that was taken off the list got in: ${codes.join(", ")}`);
      if (codes[1] !== "not_listed") complain(`its login with the right password ended with ${codes[1]}`);
    }
    const [device] = life.state.devices;
    for (const password of life.gone.passwords) {
      await using client = await connectAs(this.#address, device);
      this.attacks++;
      const { name } = life.state;
      const { finish } = await lightLogin(new AccountCalls(client.relay.rpc), parties(client.relay, name), password);
      if (finish !== null) complain("a former password still opens");
    }
    const code = life.gone.codes.at(-1);
    if (code) {
      const said = await this.#attack(() => this.#opens(code, life));
      if (said !== "code_unknown" && said !== "rate_limited") complain(`a recovery code that was replaced got ${said}`);
    }
  }

  async #attack(attack: () => Promise<ErrorCode | "ok">): Promise<ErrorCode | "ok"> {
    this.attacks++;
    return await attack();
  }

  async #shows({ device, token }: OldSession): Promise<ErrorCode | "ok"> {
    await using client = await connectAs(this.#address, device, token);
    return await outcomeOf(new AccountCalls(client.relay.rpc).show());
  }

  async #signsIn({ device }: OldSession, { state }: AccountLife): Promise<ErrorCode | "ok"> {
    await using client = await connectAs(this.#address, device);
    const calls = new AccountCalls(client.relay.rpc);
    const { login, finish } = await lightLogin(calls, parties(client.relay, state.name), state.password);
    return finish === null ? "wrong_password" : await outcomeOf(calls.loginFinish(login, finish));
  }

  /** With the account's seed, and its own word. */
  async #listsItself({ device, token }: OldSession, { state }: AccountLife): Promise<ErrorCode | "ok"> {
    const bundle = await listOf(state, [...state.devices, device], state.version + 1, true);
    await using client = await connectAs(this.#address, device, token);
    const voucher = await signVoucher(device, bundle, Date.now() + 600_000);
    return await outcomeOf(client.relay.publishBundle(bundle.bytes, state.version, { voucher }));
  }

  async #opens(code: Uint8Array, { state }: AccountLife): Promise<ErrorCode | "ok"> {
    await using client = await connectAs(this.#address, state.devices[0]);
    return await outcomeOf(new AccountCalls(client.relay.rpc).recoverStart(recoveryKeys(code).locator));
  }
}

/** How a call ended. */
export async function outcomeOf(call: Promise<unknown>): Promise<ErrorCode | "ok"> {
  try {
    await call;
    return "ok";
  } catch (thrown) {
    return asQightError(thrown).code;
  }
}

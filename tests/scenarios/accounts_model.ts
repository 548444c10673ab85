/**
 * What people with several devices each may do, one step after the other, over a real relay, and what must be true whatever
 * they did: who hears what, once, and who hears nothing more.
 * @module
 */
import assert from "node:assert/strict";
import { openKeyFile } from "../../client/storage/key_file.ts";
import { errorTable } from "../../proto/errors.ts";
import { AccountInModel, Block, DeviceInModel, Said } from "./accounts_model_parts.ts";
import { unreadOn, viewOf } from "./machine_store.ts";
import { link, type Street } from "./street.ts";

/** What somebody does; numbers choose accounts and devices, modulo how many there are. */
export type Step = readonly [what: typeof WHAT[number], who: number, device: number, other: number];

/** The likelier ones stand there more than once. */
export const WHAT = [
  "say",
  "say",
  "say",
  "say in the group",
  "say in the group",
  "say in the group",
  "fetch",
  "fetch",
  "link",
  "link",
  "revoke",
  "codes",
  "recover",
  "recover and revoke",
  "block",
  "unblock",
  "rename",
  "add a contact",
  "everybody reads",
  "end",
] as const;

/** The people, and what was said. */
export class AccountsModel {
  readonly #said: Said[] = [];
  readonly #blocks = new Map<string, Block>();
  readonly log: string[] = [];
  #words = 0;

  private constructor(readonly street: Street, readonly accounts: AccountInModel[]) {}

  /** So many accounts with one device each, in one group, who know each other. */
  static async meet(street: Street, count: number): Promise<AccountsModel> {
    const accounts: AccountInModel[] = [];
    for (let n = 0; n < count; n++) {
      const { machine, id } = await street.member(`${"abcd"[n]}0`);
      accounts.push(new AccountInModel(`person${n}`, id, new DeviceInModel(machine)));
      await machine.ok(["fetch"]);
    }
    for (const one of accounts) {
      for (const other of accounts) {
        if (one !== other) await one.devices[0].machine.ok(["contact", "add", other.name, other.id]);
      }
    }
    const [{ devices: [first] }, ...rest] = accounts;
    await first.machine.ok(["group", "create", "team", ...rest.map(({ id }) => id)]);
    const model = new AccountsModel(street, accounts);
    await model.everybodyReads();
    return model;
  }

  /** Takes a step, and looks at what is true after each. */
  async step([what, who, nth, other]: Step): Promise<void> {
    const living = this.accounts.filter(({ ended }) => !ended);
    const account = living[who % living.length];
    const device = account.devices[nth % account.devices.length];
    const peers = this.accounts.filter((one) => one !== account);
    const peer = peers[other % peers.length];
    this.log.push(`${what} ${device.machine.name} ${peer.name} ${other}`);
    switch (what) {
      case "say":
        await this.#say(account, device, peer);
        break;
      case "say in the group":
        await this.#say(account, device, null);
        break;
      case "fetch":
        await this.#fetch(device);
        break;
      case "link":
        await this.#link(account, device, other);
        break;
      case "revoke":
        await this.#revoke(account, device, account.devices[other % account.devices.length]);
        break;
      case "codes":
        // What they bring back is what the device knows, and one that is new knows it from its first fetch on.
        if (!device.settled) await this.#fetch(device);
        account.codes = [...await device.machine.ok(["account", "codes"])];
        account.codesOf = device;
        break;
      case "recover":
      case "recover and revoke":
        await this.#recover(account, what !== "recover");
        break;
      case "block":
      case "unblock":
        await this.#block(account, device, peer, what === "block");
        break;
      case "rename":
        await device.machine.run(["device", "rename", await fingerprintOf(device), `name ${other}`]);
        break;
      case "add a contact":
        await device.machine.run(["contact", "add", `again${other}`, peer.id]);
        break;
      case "everybody reads":
        await this.everybodyReads();
        break;
      case "end":
        if (living.length > 2 && other === 0) await this.#end(account, device);
    }
    await this.#listsGrow();
  }

  /** Everybody reads until all is in its place; then all that was said is heard, and all see the same. */
  async everybodyReads(): Promise<void> {
    const living = this.accounts.filter(({ ended }) => !ended);
    for (let round = 0; round < 3; round++) {
      for (const { devices } of living) for (const device of devices) await this.#fetch(device);
    }
    for (const said of this.#said) {
      for (const device of said.must) {
        assert.ok(device.heard.includes(said.text), `${device.machine.name} did not hear ${said.text}`);
      }
    }
    this.#said.splice(0);
    for (const block of this.#blocks.values()) block.settled = true;
    const views: (readonly [string, string | null])[] = [];
    for (const { devices } of living) {
      await this.#alike(devices, ["contact", "list", "--json"], ({ added_at: _, ...rest }) => rest);
      await this.#alike(devices, ["device", "list", "--json"], ({ id, name }) => ({ id, name }));
      for (const device of devices) {
        device.settled = true;
        assert.equal(await unreadOn(device.machine), 0, `${device.machine.name} has unread lines`);
        views.push([device.machine.name, await viewOf(device.machine, "team")]);
      }
    }
    const [[first, now]] = views;
    assert.notEqual(now, null);
    for (const [name, view] of views) assert.equal(view, now, `${name} sees the group as ${first} does`);
    for (const device of living.flatMap(({ gone }) => gone)) {
      const kept = await viewOf(device.machine, "team");
      assert.notEqual(kept, now, `${device.machine.name} was revoked, and has the keys of today`);
      await this.#fetch(device);
    }
  }

  async #say(account: AccountInModel, device: DeviceInModel, to: AccountInModel | null): Promise<void> {
    const text = `word ${++this.#words}`;
    const { error, stdout } = await device.machine.run(["send", to?.id ?? "#team", text]);
    const heardBy = to ? [to, account] : this.accounts.filter(({ ended }) => !ended);
    if (error) {
      this.log.push(`  ${error.code}`);
      const isFree = to === null || !this.#isBlocked(account, to) && !this.#isBlocked(to, account) && !to.ended;
      if (isFree && device.settled) throw error;
      assert.ok(errorTable[error.code].exit !== 70, `${error.message}`);
    }
    if (stdout.length === 0) return;
    const said = new Said(text);
    for (const one of heardBy) {
      for (const other of one.devices) {
        if (other === device) continue;
        const block = this.#blocks.get(`${one.name} ${account.name}`);
        const isSure = !error && other.settled && device.settled && (block === undefined || block.settled);
        if (isSure && !block?.blocked) said.must.add(other);
        else if (!isSure) said.may.add(other);
      }
    }
    this.#said.push(said);
  }

  #isBlocked(by: AccountInModel, whom: AccountInModel): boolean {
    return this.#blocks.get(`${by.name} ${whom.name}`)?.blocked ?? false;
  }

  async #fetch(device: DeviceInModel): Promise<void> {
    const { error, stdout, stderr } = await device.machine.run(["fetch", "--json"]);
    this.log.push(`  ${device.machine.name} fetch: ${error?.code ?? ""} ${stdout.length} ${stderr.trim()}`);
    if (device.isGone) {
      assert.deepEqual([error?.code, stdout], ["not_listed", []], `${device.machine.name} was revoked`);
      return;
    }
    if (error) throw error;
    for (const line of stdout) {
      const { type, text, ...rest } = JSON.parse(line);
      assert.equal(type, "message", line);
      assert.ok(!device.heard.includes(text), `${device.machine.name} hears ${text} twice`);
      const said = this.#said.find((one) => one.text === text);
      const mayHear = said !== undefined && (said.must.has(device) || said.may.has(device));
      assert.ok(mayHear, `${device.machine.name} hears ${text}, which was not for it: ${JSON.stringify(rest)}`);
      device.heard.push(text);
    }
    // A change that lets in who is listed no more waits until somebody who saw the list takes it back out.
    assert.doesNotMatch(stderr, /missing|unreadable|could not be read/, `${device.machine.name}: ${stderr}`);
  }

  async #link(account: AccountInModel, old: DeviceInModel, other: number): Promise<void> {
    const [back] = other % 3 === 0 ? account.gone : [];
    const machine = back?.machine ?? this.street.machine(`${old.machine.name[0]}${++account.made}`);
    const more = other % 2 === 0 ? ["--no-history"] : [];
    const linked = await link(old.machine, machine, { more });
    if (account.devices.length >= 5) {
      assert.equal(linked.old.error?.code, "too_many_devices");
      return;
    }
    for (const { error } of [linked.old, linked.fresh]) if (error) throw error;
    assert.doesNotMatch(linked.old.stderr + linked.fresh.stderr, /warning/);
    account.add(new DeviceInModel(machine, back?.heard), back);
    this.log.push(`  ${machine.name}`);
  }

  async #revoke(account: AccountInModel, device: DeviceInModel, lost: DeviceInModel): Promise<void> {
    if (device === lost) return;
    await device.machine.ok(["device", "revoke", await fingerprintOf(lost), "-y"]);
    this.#gone(account, lost);
  }

  #gone(account: AccountInModel, lost: DeviceInModel): void {
    this.log.push(`  ${lost.machine.name} goes`);
    account.drop(lost);
    for (const said of this.#said) said.forget(lost);
  }

  async #recover(account: AccountInModel, revokes: boolean): Promise<void> {
    const code = account.codes?.pop();
    if (!code || (account.devices.length >= 5 && !revokes)) return;
    const machine = this.street.machine(`${account.devices[0].machine.name[0]}${++account.made}`);
    const more = revokes ? ["--revoke-others"] : [];
    const words = [
      "account",
      "recover",
      account.id,
      "--no-passphrase",
      "--code-file",
      machine.file("code", code),
      "-y",
    ];
    const codes = await machine.ok([...words, ...more]);
    if (revokes) { for (const lost of [...account.devices]) this.#gone(account, lost); }
    const device = new DeviceInModel(machine);
    account.add(device);
    account.codes = [...codes];
    account.codesOf = device;
    this.log.push(`  ${machine.name}`);
  }

  async #block(account: AccountInModel, device: DeviceInModel, peer: AccountInModel, blocked: boolean): Promise<void> {
    const contacts = (await device.machine.ok(["contact", "list", "--json"])).map((line) => JSON.parse(line));
    const contact = contacts.find(({ id }) => id === peer.id);
    assert.ok(contact || !device.settled, `${device.machine.name} does not know ${peer.name}`);
    // A device that is new may not know the contact yet.
    if (!contact) return;
    await device.machine.ok(["contact", "block", contact.name, ...blocked ? [] : ["--undo"]]);
    const name = `${account.name} ${peer.name}`;
    if ((this.#blocks.get(name)?.blocked ?? false) === blocked) return;
    this.#blocks.set(name, new Block(blocked));
    // What was not read yet may be hidden now, and the other way round.
    for (const said of this.#said) for (const one of account.devices) said.doubt(one);
  }

  async #end(account: AccountInModel, device: DeviceInModel): Promise<void> {
    await device.machine.ok(["account", "delete", "-y"]);
    account.ended = true;
    for (const said of this.#said) for (const one of account.devices) said.forget(one);
  }

  /** All devices of an account print the same, whatever the order of lines. */
  async #alike(
    devices: readonly DeviceInModel[],
    args: readonly string[],
    only: (row: Record<string, unknown>) => unknown,
  ): Promise<void> {
    let first: string[] | null = null;
    for (const { machine } of devices) {
      const rows = (await machine.ok(args)).map((line) => JSON.stringify(only(JSON.parse(line)))).sort();
      first ??= rows;
      assert.deepEqual(rows, first, `${args.join(" ")}: ${machine.name} and ${devices[0].machine.name}`);
    }
  }

  /** At the relay a list is only ever replaced by a newer one, and lists whom it should. */
  async #listsGrow(): Promise<void> {
    for (const account of this.accounts.filter(({ ended }) => !ended)) {
      const { devices, version } = await this.street.listOf(account.id);
      assert.ok(version >= account.version, `the list of ${account.name} went back`);
      account.version = version;
      const keys = await Promise.all(account.devices.map(({ machine }) => keyOf(machine.keyFile)));
      assert.deepEqual(devices, keys.sort(), `the list of ${account.name}`);
    }
  }
}

async function keyOf(path: string): Promise<string> {
  return (await openKeyFile(path, null)).device.publicKey.toHex();
}

async function fingerprintOf({ machine }: DeviceInModel): Promise<string> {
  return (await openKeyFile(machine.keyFile, null)).fingerprint;
}

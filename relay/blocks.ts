/**
 * Whose messages are refused, in memory: of accounts that the recipient blocks, and of devices that just went off a list.
 * Asked before each message is stored, so that mailboxes of people who block nobody cost one look into an empty or small
 * map, and no question to the store.
 * @module
 */
import { directGroupId } from "../crypto/direct_group.ts";
import { CONTENT_GROUP, type OpenedEnvelope } from "../crypto/envelope.ts";
import { QightError } from "../proto/errors.ts";
import { DroppedDevices, MOST_DROPPED } from "./dropped_devices.ts";
import type { Store } from "./storage/store.ts";

/** Accounts that one account may block. */
export const MAX_BLOCKS = 1000;

type BlockStore = Pick<Store, "bundleOfAccount" | "bundleOfDevice" | "accounts">;

/** All blocks of a relay; accounts and devices as hex. */
export class Blocks {
  readonly #store: BlockStore;
  readonly #dropped: DroppedDevices;
  /** Blocking account to the accounts that it blocks. */
  readonly #accounts = new Map<string, Set<string>>();
  /** The same sets by the mailboxes of the blocking account. */
  readonly #mailboxes = new Map<string, Set<string>>();
  /** Direct conversations, which have a group's id, to those of the two who may not write there. */
  readonly #direct = new Map<string, Set<string>>();

  private constructor(store: BlockStore, now: () => number) {
    this.#store = store;
    this.#dropped = new DroppedDevices(now);
  }

  /**
   * Reads all blocks of the store; `now` in milliseconds, never backwards. Which devices went off a list within the hour a
   * restart forgets: all that are off theirs count as if they did.
   */
  static async load(store: BlockStore, now: () => number): Promise<Blocks> {
    const blocks = new Blocks(store, now);
    blocks.#dropped.add((await store.accounts.offLists(MOST_DROPPED)).reverse());
    for (const { account, blocked } of await store.accounts.blocks()) blocks.#add(account, blocked);
    for (const account of blocks.#accounts.keys()) {
      const bundle = await store.bundleOfAccount(Uint8Array.fromHex(account));
      if (bundle) blocks.listChanged(bundle.account, bundle.devices, []);
    }
    return blocks;
  }

  /**
   * Null when there is nothing to ask. Else rejects with `refused_by_recipient` when the recipient takes nothing from the sender's account. In groups of more than two
   * it never does: the others shall have the message, and readers hide it themselves. Throws `not_listed` at once for a
   * device that was revoked a moment ago.
   */
  check({ recipient, sender, contentType }: OpenedEnvelope): Promise<void> | null {
    if (this.#dropped.has(sender)) throw new QightError("not_listed");
    if (this.#accounts.size === 0) return null;
    const blocked = (contentType === CONTENT_GROUP ? this.#direct : this.#mailboxes).get(recipient.toHex());
    return blocked ? this.#refuse(blocked, sender) : null;
  }

  /** Blocks, durably first; throws `busy` when the account blocks `MAX_BLOCKS` others. */
  async block(account: Uint8Array, blocked: Uint8Array): Promise<void> {
    if (!await this.#store.accounts.block(account, blocked, MAX_BLOCKS)) {
      throw new QightError("busy", `An account blocks at most ${MAX_BLOCKS} others; lift one block first`);
    }
    this.#add(account, blocked);
    const bundle = await this.#store.bundleOfAccount(account);
    if (bundle) this.#watch(account, bundle.devices);
  }

  /** Lifts a block; one that is not there changes nothing. */
  async unblock(account: Uint8Array, blocked: Uint8Array): Promise<void> {
    await this.#store.accounts.unblock(account, blocked);
    this.#remove(account.toHex(), blocked);
  }

  /** The devices of an account are these now, and those are not its own any more. */
  listChanged(account: Uint8Array, devices: readonly Uint8Array[], dropped: readonly Uint8Array[]): void {
    this.#dropped.add(dropped);
    this.#dropped.remove(devices);
    if (this.#accounts.size === 0) return;
    for (const device of dropped) this.#mailboxes.delete(device.toHex());
    this.#watch(account, devices);
  }

  /** The list may be an old one by now: what went off it since stays off. */
  #watch(account: Uint8Array, devices: readonly Uint8Array[]): void {
    const blocked = this.#accounts.get(account.toHex());
    for (const device of devices) {
      if (this.#dropped.has(device)) continue;
      // A device that moved here leaves the blocks of its former account behind.
      if (blocked) this.#mailboxes.set(device.toHex(), blocked);
      else this.#mailboxes.delete(device.toHex());
    }
  }

  /** The account is gone, and what it blocked with it. */
  ended(account: Uint8Array, devices: readonly Uint8Array[]): void {
    this.#dropped.add(devices);
    for (const blocked of [...this.#accounts.get(account.toHex()) ?? []]) {
      this.#remove(account.toHex(), Uint8Array.fromHex(blocked));
    }
    for (const device of devices) this.#mailboxes.delete(device.toHex());
  }

  async #refuse(blocked: ReadonlySet<string>, sender: Uint8Array): Promise<void> {
    const from = await this.#store.bundleOfDevice(sender);
    if (from && blocked.has(from.account.toHex())) throw new QightError("refused_by_recipient");
  }

  #add(account: Uint8Array, blocked: Uint8Array): void {
    addTo(this.#accounts, account.toHex(), blocked.toHex());
    addTo(this.#direct, directGroupId(account, blocked).toHex(), blocked.toHex());
  }

  #remove(account: string, blocked: Uint8Array): void {
    const key = blocked.toHex();
    takeFrom(this.#direct, directGroupId(Uint8Array.fromHex(account), blocked).toHex(), key);
    const set = this.#accounts.get(account);
    takeFrom(this.#accounts, account, key);
    if (!set || set.size > 0) return;
    for (const [mailbox, of] of this.#mailboxes) if (of === set) this.#mailboxes.delete(mailbox);
  }
}

function addTo(map: Map<string, Set<string>>, key: string, value: string): void {
  const set = map.get(key);
  if (set) set.add(value);
  else map.set(key, new Set([value]));
}

function takeFrom(map: Map<string, Set<string>>, key: string, value: string): void {
  const set = map.get(key);
  if (set?.delete(value) && set.size === 0) map.delete(key);
}

/** People with groups over a real relay, for the tests of client/groups/. @module */
import assert from "node:assert/strict";
import { accountFromSeed } from "../../crypto/account.ts";
import type { BundleDevice } from "../../crypto/bundle.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import { equal } from "../../crypto/equal.ts";
import { describe, epochTag } from "../../crypto/mls/state.ts";
import { type Clock, systemClock, systemRandom } from "../../client/clock.ts";
import { Contacts } from "../../client/contacts.ts";
import { KeyDirectory } from "../../client/directory.ts";
import { GroupCalls } from "../../client/group_calls.ts";
import { type GroupEvent, Groups, type GroupsOptions } from "../../client/groups.ts";
import { ensureKeyPackages } from "../../client/groups/key_packages.ts";
import type { GroupRoom } from "../../client/groups/room.ts";
import type { Identity } from "../../client/identity.ts";
import { ensurePublished, signList } from "../../client/publish.ts";
import { RelayClient } from "../../client/relay_client.ts";
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import type { ClientStore } from "../../client/storage/store.ts";
import { type TestRelay, testRelay, type TestRelayOptions } from "../helpers/test_relay.ts";

/** A relay in this process that keeps nothing on disk. */
export function groupRelay(options: TestRelayOptions = {}): Promise<TestRelay> {
  return testRelay({ ...options, storage: { backend: "memory", ...options.storage } });
}

/** Time that a test may put ahead of the real one; timers stay real. */
export class ShiftedClock implements Clock {
  aheadMs = 0;
  readonly now = () => Date.now() + this.aheadMs;
  readonly monotonic = () => systemClock.monotonic() + this.aheadMs;
  after(ms: number, run: () => void): () => void {
    return systemClock.after(ms, run);
  }
}

/** What a test may choose about a person. */
export interface GroupPersonOptions {
  path?: string;
  clock?: Clock;
  /** Another device of the same person has another number here; the person's unless given. */
  device?: number;
  /** KeyPackages to publish at first beside the last resort; null = none at all. */
  packages?: number | null;
  groups?: Partial<GroupsOptions>;
}

/** Somebody with groups. */
export class GroupPerson implements AsyncDisposable {
  readonly clock: Clock;
  groups!: Groups;
  directory!: KeyDirectory;
  relay!: RelayClient;

  private constructor(
    readonly at: Pick<TestRelay, "address">,
    readonly identity: Identity,
    readonly options: GroupPersonOptions,
    public store: ClientStore,
  ) {
    this.clock = options.clock ?? systemClock;
  }

  /** Makes a person with keys and KeyPackages at the relay. The same number is the same person. */
  static async join(
    at: Pick<TestRelay, "address">,
    seed: number,
    options: GroupPersonOptions = {},
  ): Promise<GroupPerson> {
    const { device = seed } = options;
    const identity = {
      account: await accountFromSeed(new Uint8Array(32).fill(seed)),
      signer: await signerFromSeed(new Uint8Array(32).fill(device + 100)),
      deviceName: `device ${device}`,
    };
    const store = await openSqliteStore({ path: options.path ?? ":memory:", key: new Uint8Array(32).fill(5) });
    const person = new GroupPerson(at, identity, options, store);
    await person.connect();
    if (options.packages !== null) await person.publishPackages(options.packages ?? 2);
    return person;
  }

  /** A new session, and groups as another process would have them. */
  async connect(): Promise<void> {
    this.relay = await RelayClient.connect(this.at.address, { signer: this.identity.signer, clock: this.clock });
    await ensurePublished({ ...this, random: systemRandom });
    this.directory = new KeyDirectory(this.store, this.clock);
    this.groups = this.newGroups();
  }

  /** What the parts of client/groups/ work with. */
  get room(): GroupRoom {
    const { store, directory, clock, account, groups } = this;
    return {
      source: { client: () => Promise.resolve(this.relay) },
      relay: RELAY_NAME,
      random: systemRandom,
      signer: this.identity.signer,
      states: groups.states,
      ...{ store, directory, clock, account, timeoutMs: 10_000, askFirst: false, suite: 83 },
    };
  }

  /** Groups as one more process has them. */
  newGroups(options: Partial<GroupsOptions> = {}): Groups {
    const { store, directory, clock, identity, relay } = this;
    return new Groups({
      source: { client: () => Promise.resolve(relay) },
      relay: RELAY_NAME,
      random: systemRandom,
      signer: identity.signer,
      account: identity.account.hash,
      ...{ store, directory, clock },
      ...this.options.groups,
      ...options,
    });
  }

  /** Takes other devices of the own account off its list, for good. */
  async revoke(...gone: readonly GroupPerson[]): Promise<void> {
    await ensurePublished({ ...this, random: systemRandom });
    const { devices } = (await this.directory.latest(this.account))!;
    await this.publishList(devices.filter(({ key }) => !gone.some(({ device }) => equal(device, key))));
  }

  /** Publishes the next list of the own account, after which devices alone change it. */
  async publishList(devices: readonly BundleDevice[]): Promise<void> {
    const newest = (await this.directory.latest(this.account))!;
    const next = await signList(this.identity, newest, { devices, devicesOnly: true }, this.clock.now());
    await this.relay.publishBundle(next.bytes, newest.version);
    await this.store.write(({ directory }) => directory.putBundle(next));
  }

  publishPackages(most: number): Promise<number> {
    return ensureKeyPackages({ ...this, relayName: RELAY_NAME, owner: this.owner }, { most, lookNow: true });
  }

  get owner() {
    return { account: this.account, signer: this.identity.signer };
  }

  get account(): Uint8Array {
    return this.identity.account.hash;
  }

  get device(): Uint8Array {
    return this.identity.signer.publicKey;
  }

  get calls(): GroupCalls {
    return new GroupCalls(this.relay.rpc);
  }

  get contacts(): Contacts {
    return new Contacts(this.store, this.clock);
  }

  /** Reads the mailbox as an inbox does: follows the notices in order, acknowledges them, and tends the groups. */
  async read(): Promise<GroupEvent[]> {
    let lease = new Uint8Array(0);
    for await (const event of this.relay.fetch()) {
      if (event.type === "lease") lease = Uint8Array.from(event.lease);
      if (event.type !== "notice") continue;
      if (event.notice) await this.groups.takeNotice(event.notice);
      await this.relay.ack(lease, [{ first: event.seq, last: event.seq }]);
    }
    assert.deepEqual(await this.groups.tend(), []);
    return await this.events();
  }

  /** What happened and was not told yet; it is told now. */
  async events(): Promise<GroupEvent[]> {
    const events = await this.groups.events();
    await this.store.write((tables) => this.groups.shown(tables, events));
    return events;
  }

  /** The kinds of what happened. */
  async happened(): Promise<string[]> {
    return (await this.read()).map(({ happened }) => happened.kind);
  }

  /** The epoch here and what members compare, as text; null without a state. */
  async view(group: Uint8Array): Promise<string | null> {
    const loaded = await this.store.write((tables) => this.groups.states.load(tables, RELAY_NAME, group));
    if (!loaded || loaded.row.status === "left" || loaded.row.status === "removed") return null;
    return `${describe(loaded.state).epoch} ${epochTag(loaded.state).toHex()}`;
  }

  /** Ends the session and begins another, as after a crash: what was in memory is gone. */
  async restart(): Promise<void> {
    await this.relay[Symbol.asyncDispose]();
    await this.connect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.relay[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
  }
}

/** What the relay is called in the stores of these tests. */
export const RELAY_NAME = "relay.test";

/** Everybody sees the same epoch of the same history. */
export async function assertOneView(group: Uint8Array, people: readonly GroupPerson[]): Promise<void> {
  const views = await Promise.all(people.map((person) => person.view(group)));
  assert.ok(views[0] !== null, "the first person has no state");
  assert.deepEqual(views, views.map(() => views[0]));
}

/** A group of the first person's with the second in it, and the direct conversation of the two. */
export async function conversationsOf(
  one: GroupPerson,
  other: GroupPerson,
): Promise<{ group: Uint8Array; direct: Uint8Array }> {
  const { group } = await one.groups.create("ops", [other.account]);
  await one.events();
  const direct = await one.groups.direct(other.account);
  await other.read();
  return { group, direct };
}

/** Which of these have a leaf in a group, as this person sees it: their places in the list, rising. */
export async function devicesIn(person: GroupPerson, group: Uint8Array, of: readonly GroupPerson[]): Promise<number[]> {
  const loaded = await person.store.write((tables) => person.groups.states.load(tables, RELAY_NAME, group));
  const { members } = describe(loaded!.state);
  return members.map(({ device }) => of.findIndex((one) => equal(one.device, device))).sort();
}

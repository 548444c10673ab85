/**
 * One identity at one relay: its store, and everything that sends and reads with it. The command line and the library
 * stand on this.
 * @module
 */
import { equal } from "../crypto/equal.ts";
import { DEFAULT_SUITE } from "../crypto/mls/suite.ts";
import { parseRelayAddress } from "../net/address.ts";
import { asQightError } from "../proto/errors.ts";
import { begunRecovery } from "./accounts/begun.ts";
import { forgetSession, sessionToken } from "./accounts/session_token.ts";
import { type Clock, type Random, systemClock, systemRandom } from "./clock.ts";
import { Contacts } from "./contacts.ts";
import { KeyDirectory } from "./directory.ts";
import { ensureKeyPackages, type KeyPackageBudget, ONE_SHOT } from "./groups/key_packages.ts";
import type { GroupRoom } from "./groups/room.ts";
import { absentFrom, standingDirect } from "./groups/standing.ts";
import { GroupStates } from "./groups/states.ts";
import { History } from "./history.ts";
import type { Identity } from "./identity.ts";
import { createOutbox, type Outbox } from "./outbox.ts";
import { ensurePublished, ownBundle, type Published } from "./publish.ts";
import type { RelaySource } from "./reconnect.ts";
import { type ConnectOptions, RelayClient } from "./relay_client.ts";
import { healOnce } from "./restored.ts";
import { flushQueue } from "./send.ts";
import type { GroupReach, SendRoom } from "./send_room.ts";
import { dialledName } from "./session.ts";
import type { ArrivedMove, ClientStore } from "./storage/store.ts";

/** A connection that has proven its device, and what sending over it needs. */
export interface Connected extends SendRoom {
  readonly published: Published;
}

/** How far keeping in step goes. */
export interface StepOptions {
  /** Whether histories go on too, from here and to here, which may take a while. */
  readonly histories?: boolean;
  /** Hears how many lines of a history are in, of how many. */
  readonly onProgress?: (done: number, all: number) => void;
  readonly signal?: AbortSignal;
}

/** Who takes part, where, and how. */
export interface ParticipantOptions {
  readonly self: Identity;
  readonly store: ClientStore;
  /** `qight://ROOT@host:port`. */
  readonly relayAddress: string;
  /** Deadline of dialling and of calls, milliseconds. */
  readonly timeoutMs: number;
  /** Whether what is sent is kept as lines. */
  readonly keepHistory: boolean;
  /** Whether a group that somebody adds this account to waits for a yes. */
  readonly askFirst: boolean;
  /** What else a connection is made with, asked for each. */
  readonly connection: () => Promise<Pick<ConnectOptions, "token" | "dial" | "program">>;
  /** Hears what a user should know of the queue. */
  readonly note: (text: string) => void;
  /** Hears what only helps to find an error. */
  readonly detail: (text: string) => void;
  /** Seed of the account, 32 bytes: with it what recovery codes bring back is kept fresh. */
  readonly accountSeed?: Uint8Array;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** One identity with its store, ready for one relay. */
export class Participant implements AsyncDisposable {
  /** Account and device. */
  readonly self: Identity;
  readonly store: ClientStore;
  readonly outbox: Outbox;
  readonly directory: KeyDirectory;
  readonly contacts: Contacts;
  readonly history: History;
  /** Address of the relay; mail is kept apart by relay. */
  readonly relayAddress: string;
  /** The relay's name as dialled. */
  readonly relayName: string;
  readonly clock: Clock;
  /** Decoded states of groups, for all that seal and open with them. */
  readonly states: GroupStates;
  readonly #options: ParticipantOptions;
  readonly #random: Random;

  constructor(options: ParticipantOptions) {
    const { self, store, relayAddress, keepHistory, clock = systemClock, random = systemRandom } = options;
    this.#options = options;
    this.#random = random;
    this.self = self;
    this.store = store;
    this.relayAddress = relayAddress;
    this.relayName = dialledName(parseRelayAddress(relayAddress));
    this.clock = clock;
    this.states = new GroupStates(random);
    this.history = new History({ store, clock, own: { account: self.account.hash, device: self.signer.publicKey } });
    const witness = keepHistory ? this.history.witness : undefined;
    this.outbox = createOutbox({ store, relay: this.relayName, clock, random, witness, states: this.states });
    this.directory = new KeyDirectory(store, clock);
    this.contacts = new Contacts(store, clock);
  }

  /** Whether what is said is kept as lines. */
  get keepsHistory(): boolean {
    return this.#options.keepHistory;
  }

  /** Says what only helps to find an error. */
  detail(text: string): void {
    this.#options.detail(text);
  }

  /** What works on the groups at the relay, over the sessions of `source`. */
  groupRoom(source: RelaySource): GroupRoom {
    const { account, signer } = this.self;
    const { timeoutMs, askFirst } = this.#options;
    const { relayName: relay, store, directory, states, clock } = this;
    const people = { account: account.hash, signer, directory };
    const where = { source, relay, store, states };
    return { ...people, ...where, clock, random: this.#random, timeoutMs, askFirst, suite: DEFAULT_SUITE };
  }

  /** Conversations for who sends: what begins or changes one is loaded only when that has to be done. */
  reach(source: RelaySource): GroupReach {
    const room = this.groupRoom(source);
    const groups = async () => (await import("./participant_groups.ts")).groupsAt(this, source);
    return {
      direct: async (account) => await standingDirect(room, account) ?? await (await groups()).direct(account),
      absent: (group, devices) => absentFrom(room, group, devices),
      complete: async (group) => await (await groups()).reach.complete(group),
      readmit: async (group, account) => await (await groups()).reach.readmit(group, account),
      bringTo: async (group, epoch) => await (await groups()).reach.bringTo(group, epoch),
    };
  }

  /**
   * Dials, proves the device, and publishes what the relay lacks. `sealingTo`: the account (hash) that something is about to
   * be sealed to; its keys come in the same round trip as the own ones.
   */
  async connect({ sealingTo }: { sealingTo?: Uint8Array | undefined } = {}): Promise<Connected> {
    const { relay, token } = await this.#dial();
    try {
      // The own keys may have to be published first.
      if (sealingTo && !equal(sealingTo, this.self.account.hash)) this.directory.askAhead(relay, sealingTo);
      await this.#goOnRecovering(relay);
      const published = await this.publish(relay);
      const author = { signer: this.self.signer, bundle: published.bundle };
      const source = { client: () => Promise.resolve(relay) };
      await healOnce(this.store, this.relayName, async () => {
        const { groupsAt } = await import("./participant_groups.ts");
        await groupsAt(this, source).healRestored();
      });
      const groups = this.reach(source);
      return { relay, outbox: this.outbox, directory: this.directory, author, published, groups };
    } catch (error) {
      relay.close();
      // It ended at the relay: what is kept of it opens nothing any more.
      if (token !== null && asQightError(error).code === "login_needed") {
        await this.store.write((tables) => forgetSession(tables, this.relayName, token));
      }
      throw error;
    }
  }

  /** What a recovery was cut off before, once its code was used up, comes back before this device is seen anywhere. */
  async #goOnRecovering(relay: RelayClient): Promise<void> {
    const { store, relayName, clock, self: identity } = this;
    const begun = await store.read((tables) => begunRecovery(tables, relayName, identity.account.hash));
    if (!begun || begun.isBack) return;
    const { bringBackBegun } = await import("./accounts/bring_back.ts");
    const random = this.#random;
    if (!await bringBackBegun({ relay, relayName, store, identity, clock, random })) return;
    this.#options.note("a recovery that was cut off goes on: its contacts and conversations come back");
  }

  /** Whether the account is known to have other devices: then notes to oneself are a conversation. */
  async hasOtherDevices(): Promise<boolean> {
    const bundle = await this.directory.latest(this.self.account.hash);
    return bundle !== null && bundle.devices.length > 1;
  }

  /** Dials and proves the device; where it is signed in it says so. */
  async dial(): Promise<RelayClient> {
    return (await this.#dial()).relay;
  }

  /** `token`: of the session that was shown; null when there is none, or an access token was chosen. */
  async #dial(): Promise<{ readonly relay: RelayClient; readonly token: string | null }> {
    const { connection, timeoutMs } = this.#options;
    const more = await connection();
    const token = more.token === undefined ? await sessionToken(this.store, this.relayName) : null;
    const bundle = await ownBundle({ store: this.store, identity: this.self, clock: this.clock });
    const options = { signer: this.self.signer, bundle: bundle.bytes, timeoutMs, clock: this.clock };
    const shown = token === null ? {} : { token };
    return { relay: await RelayClient.connect(this.relayAddress, { ...options, ...shown, ...more }), token };
  }

  /** Publishes bundle and sealing key as far as the relay lacks them. */
  async publish(relay: RelayClient, options: { rotate?: boolean } = {}): Promise<Published> {
    const { store, clock, self: identity } = this;
    const published = await ensurePublished({ relay, store, identity, clock, random: this.#random, ...options });
    await this.publishKeyPackages(relay, ONE_SHOT);
    return published;
  }

  /** Publishes KeyPackages of this device as far as the relay lacks them and `budget` allows. */
  async publishKeyPackages(relay: RelayClient, budget: KeyPackageBudget): Promise<void> {
    const { relayName, store, clock, self: { account, signer } } = this;
    try {
      const owner = { account: account.hash, signer };
      await ensureKeyPackages({ relay, relayName, store, owner, clock }, budget);
    } catch (thrown) {
      const error = asQightError(thrown);
      // A relay that refuses them (too many, a clock that is wrong) refuses nothing that the command is about.
      if (error.requestId === undefined) throw error;
      this.#options.detail(`KeyPackages were not published: ${error.message}`);
    }
  }

  /** Sends what was queued earlier, in order, and says what could not go. */
  async flush(room: SendRoom): Promise<void> {
    const { note, detail } = this.#options;
    for (const id of await this.outbox.purge(room.relay.session.maxTtlS * 1000)) {
      note(`queued message ${id.toHex()} was not sent: its date is older than the relay keeps messages`);
    }
    for await (const { id, error } of flushQueue(room)) {
      if (error) note(`queued message ${id.toHex()} was not taken: ${error.message}`);
      else detail(`queued message ${id.toHex()} was sent`);
    }
  }

  /** Keys of the account's devices as far as they are known here; a session may be older than the newest of them. */
  async devices(): Promise<Uint8Array[]> {
    const bundle = await this.directory.latest(this.self.account.hash);
    return bundle?.devices.map(({ key }) => key) ?? [];
  }

  /**
   * Tells the own other devices what changed here, goes on with histories on their way, and keeps fresh what recovery codes
   * bring back; nothing is asked or loaded where the account has neither. Answers the histories that came to their end.
   * Throws what the signal threw.
   */
  async keepInStep(room: Connected, options: StepOptions = {}): Promise<readonly ArrivedMove[]> {
    const ended = await this.#tellOwn(room, options);
    options.signal?.throwIfAborted();
    await this.#renewKept(room);
    return ended;
  }

  async #tellOwn(room: Connected, options: StepOptions): Promise<readonly ArrivedMove[]> {
    const devices = await this.devices();
    if (devices.length < 2) return [];
    const { isDue, otherDevices } = await import("./own_sync/due.ts");
    const others = otherDevices(devices, this.self.signer);
    if (!await isDue(this.store, this.relayName, others)) return [];
    const { keepInStep } = await import("./own_sync.ts");
    return await keepInStep(this, room, others, options);
  }

  /** What fails is tried again with the next session, and said only as a detail: no command is about it. */
  async #renewKept({ relay }: Connected): Promise<void> {
    const { accountSeed } = this.#options;
    const { store, relayName, clock, self: identity } = this;
    if (!accountSeed) return;
    const mark = await store.read(({ recoveryMarks }) => recoveryMarks.get(relayName));
    if (!mark || mark.changes === 0) return;
    try {
      const { renewKept } = await import("./accounts/renew.ts");
      const isKept = await renewKept({ relay, relayName, store, identity, clock }, accountSeed);
      this.detail(isKept ? "what recovery codes bring back is fresh" : "this account has no recovery codes any more");
    } catch (thrown) {
      this.detail(`what recovery codes bring back is not fresh yet: ${asQightError(thrown).message}`);
    }
  }

  /** Closes the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
  }
}

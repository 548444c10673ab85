/** Joins the parts that carry messages: key file, encrypted store, outbox, directory, and a connection to the relay. @module */
import { dirname } from "node:path";
import { type Clock, systemClock, systemRandom } from "../client/clock.ts";
import { Contacts } from "../client/contacts.ts";
import { KeyDirectory } from "../client/directory.ts";
import { Groups } from "../client/groups.ts";
import { ensureKeyPackages, type KeyPackageBudget, ONE_SHOT } from "../client/groups/key_packages.ts";
import { GroupStates } from "../client/groups/states.ts";
import { History } from "../client/history.ts";
import type { Identity as ClientIdentity } from "../client/identity.ts";
import { createOutbox, type Outbox } from "../client/outbox.ts";
import { ensurePublished, ownBundle, type Published } from "../client/publish.ts";
import type { RelaySource } from "../client/reconnect.ts";
import { type Dial, RelayClient } from "../client/relay_client.ts";
import { healOnce, noticeRestored } from "../client/restored.ts";
import { flushQueue, type SendRoom } from "../client/send.ts";
import { dialledName } from "../client/session.ts";
import { openSqliteStore } from "../client/storage/sqlite.ts";
import type { ClientStore } from "../client/storage/store.ts";
import { parseRelayAddress } from "../net/address.ts";
import { asQightError } from "../proto/errors.ts";
import { type Identity, openIdentity, storePath } from "./identity.ts";
import type { Output } from "./output.ts";
import { makePrivateFolder } from "./paths.ts";
import { chosenOrOfferedRelay } from "./relay_choice.ts";
import type { Settings } from "./settings.ts";
import { accessToken } from "./token.ts";
import { VERSION } from "./version.ts";

/** A connection that has proven its device, and what sending over it needs. */
export interface Connected extends SendRoom {
  readonly published: Published;
}

/** One identity with its store, ready for one relay. */
export class Messenger implements AsyncDisposable {
  readonly identity: Identity;
  readonly store: ClientStore;
  readonly outbox: Outbox;
  readonly directory: KeyDirectory;
  readonly contacts: Contacts;
  readonly history: History;
  readonly relayAddress: string;
  readonly clock: Clock = systemClock;
  /** Decoded states of groups, for all that seal and open with them. */
  readonly states = new GroupStates(systemRandom);
  /** Hears how many bytes went out, on connections that are dialled after it is set. */
  onWritten: ((bytes: number) => void) | null = null;
  readonly #settings: Settings;
  readonly #out: Output;

  private constructor(settings: Settings, out: Output, identity: Identity, store: ClientStore, relayAddress: string) {
    this.#settings = settings;
    this.#out = out;
    this.identity = identity;
    this.store = store;
    this.relayAddress = relayAddress;
    const relay = dialledName(parseRelayAddress(relayAddress));
    const own = { account: identity.account.hash, device: identity.device.publicKey };
    this.history = new History({ store, clock: this.clock, own });
    const witness = settings.history.keep ? this.history.witness : undefined;
    this.outbox = createOutbox({ store, relay, clock: this.clock, random: systemRandom, witness, states: this.states });
    this.directory = new KeyDirectory(store, this.clock);
    this.contacts = new Contacts(store, this.clock);
  }

  /** Opens key file and store. The relay must be chosen: mail is kept apart by relay. */
  static async open(settings: Settings, out: Output, identity?: Identity): Promise<Messenger> {
    const relayAddress = await chosenOrOfferedRelay(settings, out);
    const opened = identity ?? await openIdentity(settings, out);
    return new Messenger(settings, out, opened, await openStore(settings, opened), relayAddress);
  }

  /** The identity as the client library sees it. */
  get clientIdentity(): ClientIdentity {
    const { account, device } = this.identity;
    return { account, signer: device, deviceName: "device" };
  }

  /** The groups at the chosen relay, over the sessions of `source`. */
  groups(source: RelaySource): Groups {
    const { account, device } = this.identity;
    return new Groups({
      source,
      relay: dialledName(parseRelayAddress(this.relayAddress)),
      store: this.store,
      directory: this.directory,
      account: account.hash,
      signer: device,
      states: this.states,
      clock: this.clock,
      random: systemRandom,
      timeoutMs: this.#settings.timeoutMs,
      askFirst: this.#settings.groups.ask,
    });
  }

  /** Dials, proves the device, and publishes what the relay lacks. */
  async connect(): Promise<Connected> {
    const relay = await this.dial();
    try {
      const published = await this.publish(relay);
      const author = { signer: this.identity.device, bundle: published.bundle };
      const groups = this.groups({ client: () => Promise.resolve(relay) });
      await healOnce(this.store, groups.relay, () => groups.healRestored());
      return { relay, outbox: this.outbox, directory: this.directory, author, published, groups: groups.reach };
    } catch (error) {
      relay.close();
      throw error;
    }
  }

  /** Dials and proves the device. */
  async dial(): Promise<RelayClient> {
    const token = await accessToken(this.#settings);
    const bundle = await ownBundle({ store: this.store, identity: this.clientIdentity, clock: this.clock });
    return await RelayClient.connect(this.relayAddress, {
      signer: this.identity.device,
      bundle: bundle.bytes,
      timeoutMs: this.#settings.timeoutMs,
      program: `qight/${VERSION}`,
      ...(token === undefined ? {} : { token }),
      ...(this.onWritten === null ? {} : { dial: await meteredDial(this.onWritten) }),
    });
  }

  /** Publishes bundle and sealing key as far as the relay lacks them. */
  async publish(relay: RelayClient, options: { rotate?: boolean } = {}): Promise<Published> {
    const { store, clock, clientIdentity: identity } = this;
    const published = await ensurePublished({ relay, store, identity, clock, random: systemRandom, ...options });
    await this.publishKeyPackages(relay, ONE_SHOT);
    return published;
  }

  /** Publishes KeyPackages of this device as far as the relay lacks them and `budget` allows. */
  async publishKeyPackages(relay: RelayClient, budget: KeyPackageBudget): Promise<void> {
    const { account, device } = this.identity;
    const relayName = dialledName(parseRelayAddress(this.relayAddress));
    const owner = { account: account.hash, signer: device };
    try {
      await ensureKeyPackages({ relay, relayName, store: this.store, owner, clock: this.clock }, budget);
    } catch (thrown) {
      const error = asQightError(thrown);
      // A relay that refuses them (too many, a clock that is wrong) refuses nothing that the command is about.
      if (error.requestId === undefined) throw error;
      this.tellDetail(`KeyPackages were not published: ${error.message}`);
    }
  }

  /** Sends what earlier commands queued, in order; what could not go is said on stderr. */
  async flush(room: SendRoom): Promise<void> {
    for (const id of await this.outbox.purge(room.relay.session.maxTtlS * 1000)) {
      this.#out.note(`queued message ${id.toHex()} was not sent: its date is older than the relay keeps messages`);
    }
    for await (const { id, error } of flushQueue(room)) {
      if (error) this.#out.note(`queued message ${id.toHex()} was not taken: ${error.message}`);
      else this.#out.detail(`queued message ${id.toHex()} was sent`);
    }
  }

  /** Says something that only --debug or -v shows. */
  tellDetail(text: string): void {
    this.#out.detail(text);
  }

  /** Closes the store. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
  }
}

/** Opens the encrypted store of an identity, making its folder (0700) when it is absent. */
export async function openStore(settings: Settings, identity: Identity): Promise<ClientStore> {
  const path = storePath(settings.dataDir, identity.device.publicKey);
  await makePrivateFolder(dirname(path));
  const store = await openSqliteStore({ path, key: identity.secrets.device.dataKey });
  await noticeRestored(store, await placeOf(path), systemRandom);
  return store;
}

/** A copy has another inode or another date of birth, also under the same name; Windows has the date alone. */
async function placeOf(path: string): Promise<string> {
  const { ino, birthtime } = await Deno.stat(path);
  return `${ino ?? ""}:${birthtime?.getTime() ?? ""}`;
}

/** Only who sends files looks at bytes, and only they load what counts them. */
async function meteredDial(onWritten: (bytes: number) => void): Promise<Dial> {
  const [{ metered }, { dial }] = await Promise.all([import("../client/metered.ts"), import("../net/race.ts")]);
  return async (address, options) => metered(await dial({ address, ...options }), onWritten);
}

/**
 * The messenger as a library: conversations, groups and files of one identity at one relay, without a screen.
 * @module
 */
import { formatAccountId } from "../crypto/account.ts";
import type { Signer } from "../crypto/ed25519.ts";
import { parseRelayAddress } from "../net/address.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import { pause, systemRandom } from "./clock.ts";
import type { Contacts } from "./contacts.ts";
import { type Conversation, Conversations, shortId } from "./conversations.ts";
import { destinationOf } from "./destination.ts";
import type { History } from "./history.ts";
import { bringFiles } from "./files.ts";
import type { Identity } from "./identity.ts";
import { Inbox } from "./inbox.ts";
import { isOwnCopy } from "./inbox_events.ts";
import type { Draft } from "./messages.ts";
import type { File } from "../proto/gen/qight/v1/seal_pb.ts";
import type { MessagesChoices, MessengerOptions, SendChoices, SentMessage } from "./messenger_options.ts";
import { formatMessageId, newMessageId, parseMessageId } from "./message_id.ts";
import { NamedGroups, nowOrCaughtUp } from "./named_groups.ts";
import { type Outgoing, outgoingContent } from "./outgoing.ts";
import { type Connected, Participant } from "./participant.ts";
import { conversationPartsOf, groupsAt } from "./participant_groups.ts";
import { ReceivedMessage } from "./received_message.ts";
import { Reconnector } from "./reconnect.ts";
import type { RelayClient } from "./relay_client.ts";
import { contentSize, isUnknown, sendMessage } from "./send.ts";
import type { SavedFile } from "./storage/save_files.ts";
import type { ClientStore } from "./storage/store.ts";

const DEFAULT_TIMEOUT_MS = 30_000;
const AGAIN_MS = 200;

/** One identity that talks. Several may be open on one data folder at once; one of them reads. */
export class Messenger implements AsyncDisposable {
  /** The own id, `qid1…`. */
  readonly id: string;
  /** Groups by name. */
  readonly groups: NamedGroups;
  readonly #options: MessengerOptions;
  readonly #participant: Participant;
  readonly #source: Reconnector;
  readonly #rooms = new WeakMap<RelayClient, Connected>();

  private constructor(options: MessengerOptions, participant: Participant) {
    this.#options = options;
    this.#participant = participant;
    this.id = formatAccountId(participant.self.account.hash);
    this.#source = new Reconnector({
      connect: () => this.#connect(),
      timeoutMs: this.#timeoutMs,
      clock: participant.clock,
      random: systemRandom,
    });
    this.groups = new NamedGroups(participant, this.#groups(), () => this.#room());
  }

  /** Opens keys and store and connects. `no_key`, `wrong_passphrase`, `unreachable`, `wrong_relay`, `bad_address`. */
  static async open(options: MessengerOptions): Promise<Messenger> {
    const relayAddress = parseRelayAddress(options.relay).text;
    const { self, store } = await opened(options);
    const messenger = new Messenger(
      options,
      new Participant({
        self,
        store,
        relayAddress,
        timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
        keepHistory: options.history ?? true,
        askFirst: false,
        connection: () => Promise.resolve(options.token === undefined ? {} : { token: options.token }),
        note: (text) => options.onNote?.(text),
        detail: () => {},
        ...(options.clock ? { clock: options.clock } : {}),
      }),
    );
    try {
      await messenger.#participant.flush(await messenger.#room());
      return messenger;
    } catch (thrown) {
      await messenger[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  /** Names for people. */
  get contacts(): Contacts {
    return this.#participant.contacts;
  }

  /** What was said, as far as it is kept. */
  get history(): History {
    return this.#participant.history;
  }

  /** All conversations that have lines, the liveliest first. */
  conversations(): Promise<Conversation[]> {
    const { store, contacts, self } = this.#participant;
    const groupTitles = () => this.#groups().titles();
    return new Conversations({ store, contacts, own: self.account.hash, groupTitles }).list();
  }

  /**
   * Sends to a contact, an id or a `#group`; resolves when the relay has the message on its disk. After `timeout` it may
   * have it all the same: the same `id` again settles that.
   */
  async send(to: string, what: string | Outgoing, choices: SendChoices = {}): Promise<SentMessage> {
    const { clock, outbox } = this.#participant;
    const { sealed = false, ttlS = 0, signal } = choices;
    const destination = await nowOrCaughtUp(this.#groups(), () => destinationOf(to, this.#participant, { sealed }));
    const createdAtMs = clock.now();
    const draft = {
      id: choices.id === undefined ? newMessageId(createdAtMs) : parseMessageId(choices.id),
      createdAtMs,
      ttlS,
      plaintext: false,
      content: outgoingContent(what, destination.disappearAfterS),
      ...(destination.conversation ? { conversation: destination.conversation } : {}),
    };
    const untilMs = clock.monotonic() + this.#timeoutMs;
    for (;;) {
      const room = await this.#room(signal);
      try {
        const brought = await this.#withFiles(room, destination.recipient, draft, signal);
        const { devices, error, via } = await sendMessage(room, destination.recipient, brought);
        if (error) throw error;
        const missed = devices.filter(({ receipt }) => receipt === null).length;
        return { id: formatMessageId(draft.id), to: destination.to, via, missed };
      } catch (thrown) {
        const error = asQightError(thrown);
        const kept = isUnknown(error) && await outbox.get(draft.id) !== null;
        if (!kept || error.code !== "unreachable" || clock.monotonic() >= untilMs || signal?.aborted) throw error;
        // The connection broke on the way: the same bytes go again over another one.
        room.relay.close();
        await pause(clock, AGAIN_MS, signal);
      }
    }
  }

  /**
   * Messages as they arrive, each once. A message counts as read, and leaves the relay, when the loop asks for the next
   * one; the one at which a loop is left or fails comes again, unless its `done` was called. What another device of the same
   * account says to others is taken in and not given out. `lease_lost` when another
   * program reads this mailbox.
   */
  async *messages(choices: MessagesChoices = {}): AsyncGenerator<ReceivedMessage, void, undefined> {
    const { follow = true, signal, onEvent } = choices;
    const { contacts, self } = this.#participant;
    const inbox = await this.#inbox(signal);
    const reply = (to: string, what: string | Outgoing) => this.send(to, what);
    const save = (files: readonly File[], folder: string) => this.#save(files, folder, signal);
    try {
      for await (const event of inbox.read({ follow, ...(signal ? { signal } : {}) })) {
        if (event.type !== "message") {
          onEvent?.(event);
          continue;
        }
        const [mine] = await inbox.printing(event);
        if (!mine) continue; // another reader of this device was faster
        if (isOwnCopy(mine, self.account.hash)) {
          await inbox.shown(mine);
          continue;
        }
        const fromName = (await contacts.ofAccount(mine.from))?.name ?? null;
        const message = new ReceivedMessage(mine, { fromName, reply, done: () => inbox.shown(mine), save });
        yield message;
        await message.done();
      }
    } finally {
      await inbox.flush();
    }
  }

  /** Closes session and store. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
    await this.#participant[Symbol.asyncDispose]();
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  #groups() {
    return groupsAt(this.#participant, this.#source);
  }

  async #connect(): Promise<RelayClient> {
    const room = await this.#participant.connect();
    this.#rooms.set(room.relay, room);
    return room.relay;
  }

  /** A live session with what sending needs. */
  async #room(signal?: AbortSignal): Promise<Connected> {
    const room = this.#rooms.get(await this.#source.client(signal));
    if (!room) throw new QightError("invariant", "A session came from nowhere");
    return room;
  }

  /** Files too large for one message wait at the relay as ciphertext. */
  async #withFiles(room: Connected, recipient: Uint8Array, draft: Draft, signal?: AbortSignal): Promise<Draft> {
    const { store, relayName, clock } = this.#participant;
    if (contentSize(draft.content) <= room.relay.session.maxMessage) return draft;
    const where = { relay: room.relay, relayName, store, clock, random: systemRandom };
    return await bringFiles({ ...where, ...(signal ? { signal } : {}) }, recipient, draft);
  }

  async #save(files: readonly File[], folder: string, signal?: AbortSignal): Promise<SavedFile[]> {
    const { saveFiles } = await import("./storage/save_files.ts");
    const { saveBlob } = await import("./storage/part_file.ts");
    const saved: SavedFile[] = [];
    for (const file of files) {
      const { name, blob } = file;
      if (!blob) saved.push(...await saveFiles([file], folder));
      else {
        const { relay } = await this.#room(signal);
        saved.push(await saveBlob({ relay, ...(signal ? { signal } : {}) }, { name, blob }, { folder }));
      }
    }
    return saved;
  }

  async #inbox(signal?: AbortSignal): Promise<Inbox> {
    const { store, directory, clock, self, history, contacts } = this.#participant;
    const { receipts: sendReceipts = true, history: keepHistory = true } = this.#options;
    const names = await contacts.names();
    const nameOf = (account: Uint8Array) => names.get(account.toHex()) ?? shortId(account);
    const room = await this.#room(signal);
    return new Inbox({
      source: this.#source,
      ...{ store, directory, clock, device: self.signer.publicKey },
      onShown: keepHistory
        ? (tables, messages) => history.arrived(tables, messages, { state: "read", bytes: false })
        : undefined,
      ...conversationPartsOf(this.#participant, this.#source, room, { sendReceipts, keepHistory, nameOf }),
    });
  }
}

/** Keys and store as the options say; what needs files is loaded only when files are meant. */
async function opened(options: MessengerOptions): Promise<{ self: Identity; store: ClientStore }> {
  const { identity, store, dataDir, keyFile, passphrase = null, makeKey = false } = options;
  if (identity && store) return { self: { deviceName: "device", ...identity }, store };
  if (!dataDir) {
    throw new QightError("usage", "A messenger needs a data folder, or an identity and a store", {
      hint: "Give dataDir, or identity with store.",
    });
  }
  const { openOrMakeKeyFile } = await import("./storage/key_file.ts");
  const path = keyFile ?? `${dataDir}/identity.key`;
  const { account, device, secrets } = await openOrMakeKeyFile(path, { passphrase, make: makeKey, nowMs: Date.now() });
  const signer: Signer = device;
  const self = identity ? { deviceName: "device", ...identity } : { account, signer, deviceName: "device" };
  if (store) return { self, store };
  const { openStoreFile } = await import("./storage/store_file.ts");
  return { self, store: await openStoreFile(dataDir, device.publicKey, secrets.device.dataKey) };
}

/** A device of an account over a real relay, as a command would have it, for tests of what own devices share. @module */
import { create } from "@bufbuild/protobuf";
import { accountFromSeed } from "../../crypto/account.ts";
import { signerFromSeed } from "../../crypto/ed25519.ts";
import type { Clock } from "../../client/clock.ts";
import { conversationWith } from "../../client/conversations.ts";
import { Inbox, type InboxEvent } from "../../client/inbox.ts";
import { newMessageId } from "../../client/message_id.ts";
import { ownRoomOf } from "../../client/own_sync.ts";
import type { OwnRoom } from "../../client/own_sync/room.ts";
import { type Connected, Participant } from "../../client/participant.ts";
import { conversationPartsOf } from "../../client/participant_groups.ts";
import { sendMessage } from "../../client/send.ts";
import { openSqliteStore } from "../../client/storage/sqlite.ts";
import { ContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import type { TestRelay } from "../helpers/test_relay.ts";

/** What a test may choose. */
export interface OwnDeviceOptions {
  readonly path?: string;
  readonly clock?: Clock;
  /** Lines of `participant.detail`. */
  readonly details?: string[];
}

/** One device with its session. */
export class OwnDevice implements AsyncDisposable {
  private constructor(readonly participant: Participant, public room: Connected) {}

  /** The same `seed` is the same account, `device` one of its devices; the first connection puts it on the list. */
  static async join(at: TestRelay, seed: number, device: number, options: OwnDeviceOptions = {}): Promise<OwnDevice> {
    const self = {
      account: await accountFromSeed(new Uint8Array(32).fill(seed)),
      signer: await signerFromSeed(new Uint8Array(32).fill(device + 100)),
      deviceName: `device ${device}`,
    };
    const participant = new Participant({
      self,
      store: await openSqliteStore({ path: options.path ?? ":memory:", key: new Uint8Array(32).fill(5) }),
      relayAddress: at.address,
      timeoutMs: 10_000,
      keepHistory: true,
      askFirst: false,
      connection: () => Promise.resolve({}),
      note: () => {},
      detail: (text) => options.details?.push(text),
      ...(options.clock ? { clock: options.clock } : {}),
    });
    return new OwnDevice(participant, await participant.connect());
  }

  /** A new session, as the next command has: it hears of devices that came. */
  async renew(): Promise<void> {
    this.room.relay.close();
    this.room = await this.participant.connect();
  }

  get account(): Uint8Array {
    return this.participant.self.account.hash;
  }

  get device(): Uint8Array {
    return this.participant.self.signer.publicKey;
  }

  /** What it says to the other devices with. */
  get own(): OwnRoom {
    return ownRoomOf(this.participant, this.room);
  }

  /** Reads the mailbox into the history, lines as unread; answers all events but the end and those of groups. */
  async hear(): Promise<InboxEvent[]> {
    const { participant, room } = this;
    const { store, directory, clock, history } = participant;
    const source = { client: () => Promise.resolve(room.relay) };
    const parts = conversationPartsOf(participant, source, room, {
      sendReceipts: false,
      keepHistory: true,
      nameOf: (account) => account.toHex(),
    });
    const inbox = new Inbox({ source, store, directory, device: this.device, clock, ...parts });
    const heard: InboxEvent[] = [];
    for await (const page of inbox.pages()) {
      const messages = page.filter((event) => event.type === "message");
      if (messages.length > 0) await inbox.keep(messages, (tables, mine) => history.arrived(tables, mine));
      heard.push(...page.filter(({ type }) => type !== "caught_up" && type !== "group"));
    }
    return heard;
  }

  /** Says something to an account. */
  async say(to: Uint8Array, text: string): Promise<void> {
    const createdAtMs = this.participant.clock.now();
    const content = create(ContentSchema, { body: { case: "text", value: text } });
    const draft = { id: newMessageId(createdAtMs), createdAtMs, ttlS: 0, plaintext: false, content };
    const { error } = await sendMessage(this.room, to, { ...draft, conversation: "direct" });
    if (error) throw error;
  }

  /** Looks at a conversation with an account, as a person would. */
  async read(peer: Uint8Array): Promise<void> {
    const { history } = this.participant;
    await history.markRead(await history.unread(conversationWith(peer)));
  }

  /** Texts that nobody has looked at. */
  async unread(peer: Uint8Array): Promise<string[]> {
    return (await this.participant.history.unread(conversationWith(peer))).map(({ text }) => text);
  }

  /** What a command does at its end. */
  async step(): Promise<number> {
    return (await this.participant.keepInStep(this.room, { histories: true })).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.room.relay.close();
    await this.participant[Symbol.asyncDispose]();
  }
}

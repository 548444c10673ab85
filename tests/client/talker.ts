/** People who talk in conversations over a real relay. @module */
import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { systemRandom } from "../../client/clock.ts";
import { DeliveryReceipts } from "../../client/delivery_receipts.ts";
import { Inbox, type InboxEvent, type InboxMessage, type InboxOptions } from "../../client/inbox.ts";
import { newMessageId } from "../../client/message_id.ts";
import type { Draft } from "../../client/messages.ts";
import { sayLeft } from "../../client/say_left.ts";
import { createOutbox, type Outbox } from "../../client/outbox.ts";
import { sendMessage, type SendRoom } from "../../client/send.ts";
import { type Content, ContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import type { TestRelay } from "../helpers/test_relay.ts";
import { GroupPerson, type GroupPersonOptions, RELAY_NAME } from "./group_people.ts";

/** A person with groups, outbox and inbox. */
export class Talker implements AsyncDisposable {
  outbox!: Outbox;

  private constructor(readonly person: GroupPerson) {
    this.renew();
  }

  static async join(at: TestRelay, seed: number, options: GroupPersonOptions = {}): Promise<Talker> {
    return new Talker(await GroupPerson.join(at, seed, options));
  }

  /** What another process of the same person would have. */
  renew(): void {
    const { store, clock, groups: { states } } = this.person;
    this.outbox = createOutbox({ store, relay: RELAY_NAME, clock, random: systemRandom, states });
  }

  get account(): Uint8Array {
    return this.person.account;
  }

  async room(): Promise<SendRoom> {
    const { relay, directory, identity, groups, account } = this.person;
    const bundle = (await directory.latest(account))!;
    const author = { signer: identity.signer, bundle };
    return { relay, outbox: this.outbox, directory, author, groups: groups.reach };
  }

  draft(content: string | Content, conversation: Draft["conversation"]): Draft {
    const createdAtMs = this.person.clock.now();
    const whole = typeof content === "string"
      ? create(ContentSchema, { body: { case: "text", value: content } })
      : content;
    const draft = { id: newMessageId(createdAtMs), createdAtMs, ttlS: 0, plaintext: false, content: whole };
    return conversation ? { ...draft, conversation } : draft;
  }

  /** Sends to a person or into a group; what came of it. */
  async say(to: Talker | Uint8Array, content: string | Content) {
    const toGroup = to instanceof Uint8Array;
    const draft = this.draft(content, toGroup ? "group" : "direct");
    return await sendMessage(await this.room(), toGroup ? to : to.account, draft);
  }

  /** Leaves a group and says so in it. */
  async leave(group: Uint8Array): Promise<void> {
    const room = await this.room();
    await this.person.groups.leave(group, () => sayLeft(this.person, room, group));
  }

  inbox(options: Partial<InboxOptions> = {}): Inbox {
    const { store, directory, device, clock, relay, groups } = this.person;
    return new Inbox({
      source: { client: () => Promise.resolve(relay) },
      store,
      directory,
      device,
      clock,
      groups,
      ...options,
    });
  }

  /** Everything in the mailbox, shown and acknowledged; events of groups and devices and the end left out. */
  async hear(options: Partial<InboxOptions> & { peek?: boolean; max?: number } = {}): Promise<InboxEvent[]> {
    const { peek = false, max, ...inboxOptions } = options;
    const inbox = this.inbox(inboxOptions);
    const heard: InboxEvent[] = [];
    for await (const event of inbox.read({ peek, ...(max ? { max } : {}) })) {
      if (event.type === "message" && !peek) {
        const [mine] = await inbox.printing(event);
        if (mine) await inbox.shown(mine);
      }
      if (!BESIDE.has(event.type)) heard.push(event);
    }
    return heard;
  }

  /** The texts in the mailbox; anything else fails. */
  async texts(options: Parameters<Talker["hear"]>[0] = {}): Promise<string[]> {
    return (await this.hear(options)).map((event) => {
      assert.equal(
        event.type,
        "message",
        JSON.stringify(event, (_, value) => typeof value === "bigint" ? `${value}` : value),
      );
      return textOf(event as InboxMessage);
    });
  }

  /** Tells senders what reached this person. */
  async receipts(): Promise<DeliveryReceipts> {
    const { store, groups: { states }, account, clock } = this.person;
    const options = { room: await this.room(), store, states, relayName: RELAY_NAME, account, clock };
    const onError = (error: unknown) => assert.fail(error as Error);
    return new DeliveryReceipts({ ...options, random: systemRandom, onError });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.person[Symbol.asyncDispose]();
  }
}

const BESIDE: ReadonlySet<InboxEvent["type"]> = new Set(["caught_up", "group", "new_device", "device_gone"]);

/** The words of a message. */
export function textOf({ content: { body } }: InboxMessage): string {
  return body.case === "text" ? body.value : "";
}

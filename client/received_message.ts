/**
 * A message as a program reads it.
 * @module
 */
import { formatAccountId } from "../crypto/account.ts";
import type { InboxMessage } from "./inbox_events.ts";
import { formatMessageId } from "./message_id.ts";
import type { File } from "../proto/gen/qight/v1/seal_pb.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Via } from "./send_room.ts";
import type { SavedFile } from "./storage/save_files.ts";

/** What a message needs of its messenger. */
export interface MessageHome<Sent> {
  readonly fromName: string | null;
  readonly reply: (to: string, what: string | Outgoing) => Promise<Sent>;
  readonly done: () => Promise<void>;
  readonly save: (files: readonly File[], folder: string) => Promise<SavedFile[]>;
}

/** Something that was said, opened and attributed. */
export class ReceivedMessage<Sent = unknown> {
  /** 32 hex digits. */
  readonly id: string;
  /** The sender's id, `qid1…`. */
  readonly from: string;
  /** The contact name of the sender, or null. */
  readonly fromName: string | null;
  /** Where to answer: `#NAME` of a group, else the sender's id. */
  readonly in: string;
  /** Whether it was said in a group. */
  readonly inGroup: boolean;
  /** The text; null for a message of bytes or files alone. */
  readonly text: string | null;
  /** The bytes of a message that is no text, or null. */
  readonly data: Uint8Array | null;
  /** Files that came along; one with a `blob` waits at the relay, and its bytes are not here: see `save`. */
  readonly files: readonly File[];
  /** Id of the message that it answers, or null. */
  readonly replyTo: string | null;
  /** By the sender's clock. */
  readonly sentAt: Date;
  readonly via: Via;
  /** Signature and keys agree; false only for what the relay could read. */
  readonly verified: boolean;
  /** It was given out before, and whether it was dealt with is not known. */
  readonly redelivered: boolean;
  readonly #home: MessageHome<Sent>;
  #done: Promise<void> | null = null;

  constructor(message: InboxMessage, home: MessageHome<Sent>) {
    const { content, in: where } = message;
    const { body } = content;
    this.#home = home;
    this.id = formatMessageId(message.id);
    this.from = formatAccountId(message.from);
    this.fromName = home.fromName;
    this.inGroup = where.kind === "group";
    this.in = where.kind === "group" ? `#${where.name}` : this.from;
    this.text = body.case === "text" ? body.value : null;
    this.data = body.case === "data" ? body.value : null;
    this.files = content.files;
    this.replyTo = content.replyTo.length > 0 ? formatMessageId(content.replyTo) : null;
    this.sentAt = new Date(message.sentAtMs);
    this.via = message.via;
    this.verified = message.verified;
    this.redelivered = message.redelivered;
  }

  /** Answers where it was said. */
  reply(what: string | Outgoing): Promise<Sent> {
    const answer = typeof what === "string" ? { text: what } : what;
    return this.#home.reply(this.in, { replyTo: this.id, ...answer });
  }

  /**
   * Writes its files into a folder (0600), names made safe and nothing overwritten; those that wait at the relay are fetched
   * for that, from where an earlier try stopped. `bad_blob`, `no_such_file`, `cannot_create`.
   */
  save(folder: string): Promise<SavedFile[]> {
    return this.#home.save(this.files, folder);
  }

  /** It is dealt with and leaves the relay; the loop over messages does this by itself when it goes on. */
  done(): Promise<void> {
    return this.#done ??= this.#home.done();
  }
}

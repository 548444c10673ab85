/**
 * What was said: lines and files of conversations, kept encrypted in the client's store.
 * @module
 */
import { equal } from "../crypto/equal.ts";
import { QightError } from "../proto/errors.ts";
import type { Clock } from "./clock.ts";
import { conversationIn, conversationOfGroup, conversationWith, groupOf, peerOf } from "./conversations.ts";
import { applyAction, type HistoryChange } from "./history_actions.ts";
import { attachmentsOf, isLine, keptContent } from "./history_contents.ts";
import type { ActionEvent, InboxMessage } from "./inbox_events.ts";
import type { Draft } from "./messages.ts";
import type { Outbox, OutboxWitness } from "./outbox.ts";
import type {
  ClientStore,
  HistoryAttachment,
  HistoryFile,
  HistoryLine,
  HistoryMark,
  HistoryReaction,
  HistoryRow,
  HistoryState,
  Tables,
} from "./storage/store.ts";

export type { HistoryChange, HistoryFile, HistoryRow, HistoryState };

/** A line with its files, and what others did to it. */
export interface KeptLine extends HistoryRow {
  readonly files: readonly HistoryFile[];
  readonly reactions: readonly HistoryReaction[];
  readonly marks: readonly HistoryMark[];
  /** The line that it answers, as far as that is kept; null for none. */
  readonly answers: Pick<HistoryRow, "author" | "text"> | null;
}

/** A conversation keeps so many lines and bytes of text; the oldest go, but none whose file was not saved. */
export const CONVERSATION_LIMITS = { messages: 10_000, bytes: 16 * 1024 * 1024 };

/** Files that nobody saved may take so many bytes together; messages beyond that stay at the relay. */
export const KEPT_FILE_BYTES = 256 * 1024 * 1024;

/** Whose history it is. */
export interface HistoryOptions {
  store: ClientStore;
  clock: Pick<Clock, "now">;
  /** Own account hash and device key, 32 bytes each. */
  own: { account: Uint8Array; device: Uint8Array };
}

/** Something that happened in a conversation. */
export interface Notice {
  /** The store's name of the conversation. */
  readonly conversation: string;
  readonly id: Uint8Array; // 16 bytes; the same is kept once
  readonly text: string;
  readonly atMs: number;
}

/** The history of one identity. */
export class History {
  readonly #store: ClientStore;
  readonly #clock: Pick<Clock, "now">;
  readonly #own: HistoryOptions["own"];

  constructor({ store, clock, own }: HistoryOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#own = own;
  }

  /** Of these messages the ones that there is room for: with files only as long as all kept files stay in their limit. */
  async fitting(messages: readonly InboxMessage[]): Promise<InboxMessage[]> {
    let bytes = await this.#store.read(({ history }) => history.keptBytes());
    return messages.filter(({ content }) => {
      const more = attachmentsOf(content, true).reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
      if (more > 0 && bytes + more > KEPT_FILE_BYTES) return false;
      bytes += more;
      return true;
    });
  }

  /**
   * Keeps what arrived; for the transaction that marks it as shown. `read` where it is shown at once. Without `bytes` only
   * names and sizes of files are kept, because their bytes went elsewhere; `refs`: so that those at the relay can be had.
   */
  arrived(
    tables: Tables,
    messages: readonly InboxMessage[],
    { state = "unread", bytes = true, refs = bytes }: {
      state?: "unread" | "read";
      bytes?: boolean;
      refs?: boolean;
    } = {},
  ): void {
    for (const message of messages) {
      const { id, from, fromDevice, sentAtMs, verified, content } = message;
      const line = { conversation: conversationIn(message.in), author: from, device: fromDevice, id, verified };
      this.#add(
        tables,
        { ...line, atMs: sentAtMs, state: this.#stateOf(tables, message, state), ...keptContent(content) },
        attachmentsOf(content, bytes, refs),
      );
    }
  }

  /** What another device of one's own said was sent there; what was read there before it came here is read. */
  #stateOf({ ownChanges }: Tables, message: InboxMessage, state: "unread" | "read"): HistoryState {
    if (equal(message.from, this.#own.account)) return "sent";
    if (state === "read") return state;
    const { in: where, sentAtMs, receivedAtMs } = message;
    const read = ownChanges.read(where.kind === "group" ? where.group : where.peer);
    return read && sentAtMs <= read.readUntilMs && receivedAtMs <= read.notedAtMs ? "read" : state;
  }

  /** Does what somebody did to lines; for the transaction that marks it as shown. Null when it changes nothing here. */
  acted(tables: Tables, { from, in: where, content }: Pick<ActionEvent, "from" | "in" | "content">) {
    return applyAction(tables, { conversation: conversationIn(where), author: from, content });
  }

  /** Keeps what happened in conversations as lines there, each once; `text` says it. For the transaction that tells it. */
  noticed(tables: Tables, notices: readonly Notice[]): void {
    const { account, device } = this.#own;
    for (const { conversation, id, text, atMs } of notices) {
      const line = { conversation, author: account, device, id, atMs, verified: true, text } as const;
      this.#add(tables, { ...line, state: "note", kind: "notice" }, []);
    }
  }

  /** Keeps a message for the outbox to send and as a line of its conversation, in one transaction. */
  async send(outbox: Outbox, conversation: string, draft: Draft): Promise<void> {
    const group = groupOf(conversation);
    const recipient = group ?? peerOf(conversation);
    if (!recipient) throw new QightError("invariant", `Nobody is in the conversation ${conversation}`);
    const meant = { ...draft, conversation: group ? "group" : "direct" } as const;
    await outbox.queue(recipient, meant, (tables) => this.#sending(tables, conversation, meant));
  }

  /** For an outbox that others than a chat fill: its messages are lines here, and say what became of them. */
  get witness(): OutboxWitness {
    return {
      added: (tables, recipient, draft) => this.#sending(tables, conversationTo(recipient, draft), draft),
      settled: ({ history }, id, state) => history.setState(this.#own.device, id, state),
    };
  }

  /** Keeps a line that goes nowhere. */
  async note(draft: Draft): Promise<void> {
    const conversation = conversationWith(this.#own.account);
    await this.#store.write((tables) => this.#sending(tables, conversation, draft, "note"));
  }

  /** The newest `limit` lines of a conversation, or of all when none is named, oldest first. */
  last(conversation: string | undefined, limit: number): Promise<KeptLine[]> {
    return this.#lines(({ history, historyMarks }) =>
      conversation === undefined ? historyMarks.newest(limit) : history.last(conversation, limit)
    );
  }

  /** Lines that nobody has looked at, oldest first. */
  unread(conversation: string): Promise<KeptLine[]> {
    return this.#lines(({ history }) => history.inState("unread", conversation));
  }

  /** The newest `limit` lines with these words (their beginnings are enough, in any case), oldest first. */
  search(text: string, limit: number, conversation?: string): Promise<KeptLine[]> {
    const words = text.match(WORD) ?? [];
    return this.#lines(({ historyMarks }) =>
      words.length === 0 || UNSPACED.test(text)
        ? historyMarks.scan(text, limit, conversation)
        : historyMarks.search(words, limit, conversation)
    );
  }

  /** Lines at these places, in this order, as far as they are still there. */
  at(conversation: string, ids: readonly Uint8Array[]): Promise<KeptLine[]> {
    return this.#lines(({ historyMarks }) => ids.flatMap((id) => historyMarks.find(conversation, id) ?? []));
  }

  /** The lines that these messages became, in their order. */
  async linesOf(messages: readonly Pick<InboxMessage, "fromDevice" | "id">[]): Promise<KeptLine[]> {
    return await this.#lines(({ history }) =>
      messages.flatMap(({ fromDevice, id }) => history.written(fromDevice, id) ?? [])
    );
  }

  /** What was written here under an id; null when it is not kept. */
  written(id: Uint8Array): Promise<HistoryRow | null> {
    return this.#store.read(({ history }) => history.written(this.#own.device, id));
  }

  /** These lines were looked at. */
  async markRead(lines: readonly HistoryRow[]): Promise<void> {
    const unread = lines.filter(({ state }) => state === "unread");
    if (unread.length === 0) return;
    await this.#store.write(({ history }) => {
      for (const { conversation, place } of unread) history.markRead(conversation, place, this.#clock.now());
    });
  }

  /** Records what became of a message that went out; `refused` when the relay said no. */
  async settle(id: Uint8Array, refused: boolean): Promise<HistoryState> {
    return await this.#store.write(({ history, outbox }) => {
      const row = outbox.get(id);
      const state = row ? (row.state === "sent" ? "sent" : "waiting") : refused ? "failed" : "sent";
      history.setState(this.#own.device, id, state);
      return state;
    });
  }

  /** Brings lines that wait up to date with an outbox that other processes empty too; answers how many still wait. */
  async settleAll(): Promise<number> {
    return await this.#store.write(({ history, outbox }) => {
      let waiting = 0;
      for (const { device, id } of history.inState("waiting")) {
        const state = outbox.get(id)?.state;
        if (state === "sent") history.setState(device, id, "sent");
        else if (state === undefined) history.setState(device, id, "unknown");
        else waiting++;
      }
      return waiting;
    });
  }

  /** Files whose bytes are here or wait at the relay, of one conversation or of all. */
  async files(conversation?: string): Promise<HistoryFile[]> {
    return await this.#store.read(({ history }) => history.keptFiles(conversation));
  }

  /** A file by its number, with its bytes while they are here; null when there is none. */
  async file(number: number): Promise<HistoryFile & { readonly data: Uint8Array | null } | null> {
    return await this.#store.read(({ history }) => {
      const file = history.file(number);
      return file && { ...file, data: history.bytesOf(number) };
    });
  }

  /** The file is safe at `path`: its bytes are erased here. */
  async saved(number: number, path: string): Promise<void> {
    await this.#store.write(({ history }) => history.setSaved(number, path));
  }

  /** The file is wanted no more. */
  async dropFile(number: number): Promise<void> {
    await this.#store.write(({ history }) => history.dropFile(number));
  }

  /** Keeps a message of one's own as a line; for the transaction that keeps it for sending. */
  own(tables: Tables, conversation: string, { id, createdAtMs, content }: Draft, state: HistoryState): void {
    const { account: author, device } = this.#own;
    const line = { conversation, author, device, id, atMs: createdAtMs, state, verified: true };
    this.#add(tables, { ...line, ...keptContent(content) }, attachmentsOf(content, false));
  }

  /** A message is a line that waits; an action is done to the own lines at once. */
  #sending(tables: Tables, conversation: string, draft: Draft, state: HistoryState = "waiting"): void {
    if (isLine(draft.content)) this.own(tables, conversation, draft, state);
    else applyAction(tables, { conversation, author: this.#own.account, content: draft.content });
  }

  #add({ history }: Tables, line: HistoryLine, files: readonly HistoryAttachment[]): void {
    history.add(line, files, this.#clock.now());
    history.trim(line.conversation, CONVERSATION_LIMITS);
  }

  /** What has disappeared is gone before anything is shown. */
  async #lines(find: (tables: Tables) => readonly HistoryRow[]): Promise<KeptLine[]> {
    const nowMs = this.#clock.now();
    const endMs = await this.#store.read(({ historyMarks }) => historyMarks.nextEndMs());
    if (endMs !== null && endMs <= nowMs) await this.#store.write(({ historyMarks }) => historyMarks.expire(nowMs));
    return await this.#store.read((tables) => find(tables).map((row) => whole(tables, row)));
  }
}

function conversationTo(recipient: Uint8Array, { conversation }: Draft): string {
  return conversation === "group" ? conversationOfGroup(recipient) : conversationWith(recipient);
}

function whole({ history, historyMarks }: Tables, row: HistoryRow): KeptLine {
  const { place, conversation, replyTo } = row;
  const answers = replyTo && historyMarks.find(conversation, replyTo);
  const [reactions, marks] = [historyMarks.reactionsOf(place), historyMarks.marksOf(place)];
  return { ...row, files: history.filesOf(place), reactions, marks, answers };
}

/** A word as the index knows words (`tokenize` in history_marks_table.ts). */
const WORD = /[\p{L}\p{M}\p{N}\p{Co}\p{So}]+/gu;
// Scripts that put no spaces between words: there the index has whole sentences, so lines are read instead.
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

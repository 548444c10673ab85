/**
 * What was said: lines and files of conversations, kept encrypted in the client's store.
 * @module
 */
import type { Content } from "../proto/gen/qight/v1/seal_pb.ts";
import type { Clock } from "./clock.ts";
import { conversationWith } from "./conversations.ts";
import type { InboxMessage } from "./inbox_events.ts";
import type { Draft } from "./messages.ts";
import type { Outbox } from "./outbox.ts";
import type { ClientStore, HistoryAttachment, HistoryFile, HistoryRow, HistoryState, Tables } from "./storage/store.ts";

export type { HistoryFile, HistoryRow, HistoryState };

/** A line with its files. */
export interface KeptLine extends HistoryRow {
  readonly files: readonly HistoryFile[];
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
      const more = attachmentsOf(content, true).reduce((sum, { size }) => sum + size, 0);
      if (more > 0 && bytes + more > KEPT_FILE_BYTES) return false;
      bytes += more;
      return true;
    });
  }

  /** Keeps what arrived as unread; for the transaction that marks it as shown. */
  arrived(tables: Tables, messages: readonly InboxMessage[]): void {
    for (const message of messages) {
      const { id, from, fromDevice, sentAtMs, verified, content } = message;
      const conversation = conversationWith(from);
      const line = { conversation, author: from, device: fromDevice, id, atMs: sentAtMs, verified };
      this.#add(tables, { ...line, state: "unread", text: textOf(content) }, attachmentsOf(content, true));
    }
  }

  /** Keeps a message for the outbox to send and as a line of its conversation, in one transaction. */
  async send(outbox: Outbox, account: Uint8Array, draft: Draft): Promise<void> {
    const conversation = conversationWith(account);
    await outbox.queue(account, draft, (tables) => this.#addOwn(tables, conversation, draft, "waiting"));
  }

  /** Keeps a line that goes nowhere. */
  async note(draft: Draft): Promise<void> {
    const conversation = conversationWith(this.#own.account);
    await this.#store.write((tables) => this.#addOwn(tables, conversation, draft, "note"));
  }

  /** The newest `limit` lines of a conversation, oldest first. */
  async last(conversation: string, limit: number): Promise<KeptLine[]> {
    return await this.#store.read((tables) => withFiles(tables, tables.history.last(conversation, limit)));
  }

  /** Lines that nobody has looked at, oldest first. */
  async unread(conversation: string): Promise<KeptLine[]> {
    return await this.#store.read((tables) => withFiles(tables, tables.history.inState("unread", conversation)));
  }

  /** The lines that these messages became, in their order. */
  async linesOf(messages: readonly Pick<InboxMessage, "fromDevice" | "id">[]): Promise<KeptLine[]> {
    return await this.#store.read((tables) =>
      withFiles(tables, messages.flatMap(({ fromDevice, id }) => tables.history.written(fromDevice, id) ?? []))
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

  /** Files whose bytes are here, of one conversation or of all. */
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

  #addOwn(tables: Tables, conversation: string, { id, createdAtMs, content }: Draft, state: HistoryState): void {
    const { account: author, device } = this.#own;
    const line = { conversation, author, device, id, atMs: createdAtMs, state, verified: true, text: textOf(content) };
    this.#add(tables, line, attachmentsOf(content, false));
  }

  #add({ history }: Tables, line: Parameters<Tables["history"]["add"]>[0], files: readonly HistoryAttachment[]): void {
    history.add(line, files, this.#clock.now());
    history.trim(line.conversation, CONVERSATION_LIMITS);
  }
}

function withFiles({ history }: Tables, rows: readonly HistoryRow[]): KeptLine[] {
  return rows.map((row) => ({ ...row, files: history.filesOf(row.place) }));
}

function textOf({ body }: Content): string {
  return body.case === "text" ? body.value : "";
}

/** Bytes that are no text are a file too: a screen cannot show them. */
function attachmentsOf({ body, files }: Content, keep: boolean): HistoryAttachment[] {
  const all = files.map(({ name, data }) => ({ name, data }));
  if (body.case === "data") all.unshift({ name: "message.bin", data: body.value });
  return all.map(({ name, data }) => ({ name, size: data.length, data: keep ? data : null }));
}

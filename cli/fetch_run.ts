/** One run of fetch: takes pages from the inbox, brings them out, and acknowledges what got out. @module */
import { systemClock } from "../client/clock.ts";
import type { Inbox, InboxEvent, InboxMessage } from "../client/inbox.ts";
import { isOwnCopy } from "../client/inbox_events.ts";
import type { Contacts } from "../client/contacts.ts";
import { conversationIn } from "../client/conversations.ts";
import { equal } from "../crypto/equal.ts";
import { isNews } from "./conversation_output.ts";
import { type Notice, noticeFields, noticeText } from "./event_output.ts";
import { ExecJobs } from "./exec_jobs.ts";
import { execFor } from "./exec_message.ts";
import { download } from "./download.ts";
import type { RelayClient } from "../client/relay_client.ts";
import type { Identity } from "./identity.ts";
import { bodyBytes, messageRecord, type MessageStyle } from "./message_output.ts";
import { ReaderGone } from "./output.ts";
import { type Progress, startProgress } from "./progress.ts";
import { type SavedFile, saveFiles } from "../client/storage/save_files.ts";
import { concatAll } from "../crypto/concat.ts";
import { shownName } from "./shown_name.ts";
import type { fetchSpec } from "./tree/messages.ts";
import type { Call } from "./tree/spec.ts";
import type { Who } from "./who.ts";

/** What is read, by whom, and from whom alone (account hash; everybody when absent). */
export interface Reading {
  readonly inbox: Inbox;
  readonly contacts: Contacts;
  readonly identity: Identity;
  readonly from?: Uint8Array | undefined;
  /** The store's name of the only conversation that is read; all when absent. */
  readonly where?: string | undefined;
  /** The session to fetch files over. */
  readonly relay: () => Promise<Pick<RelayClient, "rpc" | "session">>;
  /** Files that wait at the relay can be had later, because the history knows of them. */
  readonly keepsFiles: boolean;
  /** Tells the own other devices what was read, and imports what they sent. */
  readonly keepInStep: () => Promise<void>;
}

/** How often who follows tells the own other devices how far was read. */
const STEP_EVERY_MS = 30_000;

/** What the options of fetch ask for, as values. */
export interface FetchWishes {
  readonly follow: boolean;
  /** Longest wait for the first message, milliseconds. */
  readonly waitMs?: number;
  /** Longest silence after that (with follow), milliseconds. */
  readonly idleMs?: number;
  readonly max?: number;
  readonly from?: Who;
  readonly command?: readonly string[];
  /** How many commands run at once. */
  readonly jobs: number;
}

/** State of one fetch command. */
export class FetchRun {
  /** Messages that got out. */
  printed = 0;
  readonly #inbox: Inbox;
  readonly #contacts: Contacts;
  readonly #only: ((message: InboxMessage) => boolean) | undefined;
  readonly #own: Uint8Array;
  readonly #relay: Reading["relay"];
  readonly #keepsFiles: boolean;
  readonly #keepInStep: Reading["keepInStep"];
  /** Who follows tells the own other devices now and then; monotonic milliseconds. */
  #stepAtMs = 0;
  readonly #wishes: FetchWishes;
  readonly #call: Call<typeof fetchSpec>;
  readonly #style: MessageStyle;
  /** Ends the reading from within: reader gone, time over, command failed. What was shown is acknowledged first. */
  readonly #stop = new AbortController();
  readonly #jobs: ExecJobs;
  /** Absent where the messages themselves are seen to come, or come when they like. */
  readonly #bar: Progress | null;
  #cancelEnd: () => void = () => {};
  #failure: unknown;

  constructor(
    { inbox, contacts, identity, from, where, relay, keepsFiles, keepInStep }: Reading,
    wishes: FetchWishes,
    call: Call<typeof fetchSpec>,
  ) {
    this.#inbox = inbox;
    this.#contacts = contacts;
    this.#relay = relay;
    this.#keepsFiles = keepsFiles;
    this.#keepInStep = keepInStep;
    this.#own = identity.account.hash;
    if (from !== undefined || where !== undefined) {
      this.#only = (message) =>
        (from === undefined || equal(message.from, from)) &&
        (where === undefined || conversationIn(message.in) === where);
    }
    this.#wishes = wishes;
    this.#call = call;
    const { out, options, settings } = call;
    const { id: to } = identity.account;
    const seen = out.onTerminal || wishes.follow || wishes.command !== undefined;
    this.#bar = seen ? null : startProgress(out, "reading", "messages");
    this.#jobs = new ExecJobs(wishes.jobs, (thrown) => this.#fail(thrown));
    this.#style = { json: out.json, nul: options.null ?? false, terminal: out.onTerminal, utc: settings.utc, to };
  }

  /** Reads until the options say that it is over; throws what ended it otherwise. */
  async toTheEnd(): Promise<void> {
    const { waitMs, idleMs, max } = this.#wishes;
    const only = this.#only;
    const { signal } = this.#call;
    const peek = this.#call.options.peek ?? false;
    // A wait for one sender or conversation must not end because others have written.
    const watchForOne = only !== undefined && waitMs !== undefined;
    const follow = this.#wishes.follow || watchForOne;
    if (follow) this.#endAfter(waitMs ?? idleMs);
    let drained = false;
    let taken = 0;
    const pages = this.#inbox.pages({
      follow,
      peek,
      signal: AbortSignal.any([signal, this.#stop.signal]),
      ...(waitMs === undefined ? {} : { waitMs }),
      ...(max === undefined ? {} : { max }),
      ...(only === undefined ? {} : { only }),
    });
    try {
      for await (const page of pages) {
        // After the stop the inbox only finishes its acknowledgements.
        if (this.#stop.signal.aborted) continue;
        const messages = page.filter((event) => event.type === "message");
        if (follow && messages.length > 0) this.#endAfter(this.#wishes.follow ? idleMs : undefined);
        try {
          for (const part of inOrder(page)) {
            if (!Array.isArray(part)) await this.#tell(part);
            else await (this.#wishes.command ? this.#execAll(part) : this.#print(part, peek));
          }
        } catch (thrown) {
          this.#fail(thrown);
        }
        drained ||= page.some((event) => event.type === "caught_up");
        taken += messages.length;
        if (drained && !peek) await this.#step();
        // Before the inbox makes its last acknowledgements: a connection that broke meanwhile comes back for them.
        if ((drained && !this.#wishes.follow) || taken >= (max ?? Infinity)) await this.#jobs.idle();
        if (watchForOne && !this.#wishes.follow && drained && this.printed > 0) this.#stop.abort();
      }
      // Stopped from within or by a signal: commands that run end all the same, and what they did is acknowledged.
      await this.#jobs.idle();
      if (this.#wishes.command) await this.#inbox.flush();
    } catch (thrown) {
      if (!this.#stop.signal.aborted) throw thrown;
    } finally {
      this.#cancelEnd();
      this.#bar?.hide();
      await this.#jobs.idle();
    }
    if (this.#failure) throw this.#failure;
    signal.throwIfAborted();
  }

  /** When all is read; of what comes later much goes in one message. */
  async #step(): Promise<void> {
    const nowMs = systemClock.monotonic();
    if (nowMs < this.#stepAtMs) return;
    this.#stepAtMs = nowMs + STEP_EVERY_MS;
    await this.#keepInStep();
  }

  /** The first failure is what the command ends with. */
  #fail(thrown: unknown): void {
    this.#failure ??= thrown;
    this.#stop.abort();
  }

  #endAfter(ms: number | undefined): void {
    this.#cancelEnd();
    this.#cancelEnd = ms === undefined ? () => {} : systemClock.after(ms, () => this.#stop.abort());
  }

  async #print(arrived: readonly InboxMessage[], peek: boolean): Promise<void> {
    const whole = arrived.filter((message) => this.#fitsARecord(message));
    // Another fetch of this device may have shown some of it already; what stays for its files is "again" the next time.
    const messages = peek ? whole : await this.#inbox.printing(...whole);
    if (messages.length === 0) return;
    const records: Uint8Array[] = [];
    const names = await this.#contacts.names();
    for (const message of messages) {
      const files = await this.#save(message);
      records.push(messageRecord(message, files, this.#style, (account) => names.get(account.toHex())));
    }
    let flushed = messages.length;
    try {
      await this.#call.out.bytes(concatAll(records));
    } catch (thrown) {
      if (!(thrown instanceof ReaderGone)) throw thrown;
      flushed = wholeRecords(records, thrown.written);
      this.#fail(thrown);
    }
    this.printed += flushed;
    this.#bar?.update(this.printed, this.#wishes.max);
    const out = messages.slice(0, flushed);
    if (!peek) await this.#inbox.shown(...out.filter((message) => !this.#leavesFiles(message)));
    for (const message of out) if (!peek) this.#tellOfFiles(message);
  }

  /** A NUL in the body of a `--null` record would make two of it for whoever reads them. */
  #fitsARecord(message: InboxMessage): boolean {
    if (!this.#style.nul || this.#style.json || !bodyBytes(message).includes(0)) return true;
    this.#call.out.note(`${message.id.toHex()} has a NUL in its body: kept at the relay until fetched without --null`);
    return false;
  }

  /** Files that go nowhere: acknowledging their message would throw them away. */
  #leavesFiles(message: InboxMessage): boolean {
    if (this.#call.options.saveDir !== undefined) return false;
    // The command gets the body alone: it could not know that there is more.
    if (this.#wishes.command) return message.content.files.length > 0;
    return message.content.files.some(({ blob }) => blob ? !this.#keepsFiles : !this.#style.json);
  }

  /** Writes the files where the user said; those at the relay are fetched for that. */
  async #save({ content: { files } }: InboxMessage): Promise<SavedFile[]> {
    const { out, options: { saveDir: folder }, signal } = this.#call;
    const saved: SavedFile[] = [];
    for (const file of files) {
      if (!file.blob || folder === undefined) saved.push(...await saveFiles([file], folder));
      else saved.push(await download({ relay: await this.#relay(), out, signal }, file, { folder }));
    }
    return saved;
  }

  #tellOfFiles(message: InboxMessage): void {
    const { out, options } = this.#call;
    const { length } = message.content.files;
    const what = `${length === 1 ? "1 file" : `${length} files`} with ${message.id.toHex()}`;
    if (this.#leavesFiles(message)) {
      const how = this.#wishes.command ? "--save-dir DIR" : "--save-dir DIR or --json";
      out.note(`${what}: kept at the relay until fetched with ${how}`);
    } else if (options.saveDir === undefined && message.content.files.some(({ blob }) => blob)) {
      out.note(`${what}: qight file list shows what waits, qight file get NUMBER fetches it`);
    }
  }

  async #execAll(messages: readonly InboxMessage[]): Promise<void> {
    for (const message of messages) {
      if (this.#leavesFiles(message)) this.#tellOfFiles(message);
      else if (!await this.#jobs.begin(() => this.#exec(message))) return;
    }
  }

  /** Each message is acknowledged by itself, when its own command has exited 0. */
  async #exec(message: InboxMessage): Promise<void> {
    this.#call.signal.throwIfAborted();
    const [ours] = await this.#inbox.printing(message);
    if (!ours) return;
    if (isOwnCopy(ours, this.#own)) return await this.#inbox.shown(ours);
    const files = (await this.#save(ours)).flatMap(({ path }) => path ?? []);
    const name = (await this.#contacts.ofAccount(ours.from))?.name;
    await execFor(this.#wishes.command!, ours, { to: this.#style.to, name, files }, this.#call.signal);
    this.printed++;
    await this.#inbox.shown(ours);
  }

  async #tell(event: Notice): Promise<void> {
    const { out, options } = this.#call;
    if (!options.events && (event.type === "history_part" || event.type === "read_elsewhere")) return;
    if (!options.events && (event.type === "action" || event.type === "group") && !isNews(event)) return;
    const names = await this.#contacts.names();
    const people = { nameOf: (account: Uint8Array) => shownName(account, names), own: this.#own };
    if (options.events) return await out.result(await noticeFields(event), await noticeText(event, people));
    if (out.json) out.note(JSON.stringify(await noticeFields(event)));
    else out.note(await noticeText(event, people));
  }
}

/** Runs of messages and what was told between them, in order. */
function inOrder(page: readonly InboxEvent[]): (InboxMessage[] | Notice)[] {
  const parts: (InboxMessage[] | Notice)[] = [];
  for (const event of page) {
    const last = parts.at(-1);
    if (event.type === "message" && Array.isArray(last)) last.push(event);
    else if (event.type === "message") parts.push([event]);
    else if (event.type !== "caught_up") parts.push(event);
  }
  return parts;
}

/** How many records lie wholly in the first `written` bytes. */
function wholeRecords(records: readonly Uint8Array[], written: number): number {
  let end = 0;
  const cut = records.findIndex((record) => (end += record.length) > written);
  return cut < 0 ? records.length : cut;
}

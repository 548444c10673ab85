/** A chat: conversations of one identity, one of them open, and what is typed. @module */
import { systemRandom } from "../../client/clock.ts";
import { conversationId, type Conversations, conversationWith, groupOf, peerOf } from "../../client/conversations.ts";
import type { History, KeptLine } from "../../client/history.ts";
import { isLine } from "../../client/history_contents.ts";
import { newMessageId } from "../../client/message_id.ts";
import { mutedConversations } from "../../client/muted.ts";
import type { RelayClient } from "../../client/relay_client.ts";
import { contentSize } from "../../client/send.ts";
import { formatAccountId } from "../../crypto/account.ts";
import { equal } from "../../crypto/equal.ts";
import { QightError } from "../../proto/errors.ts";
import type { Content } from "../../proto/gen/qight/v1/seal_pb.ts";
import { contentOf } from "../message_input.ts";
import { knownOrMet, metByName } from "../met_by_name.ts";
import type { Connected, Messenger } from "../messenger.ts";
import type { Settings } from "../settings.ts";
import { understood } from "./commands.ts";
import type { InputHistory } from "./input_history.ts";
import { type LineStyle, messageLine } from "./message_lines.ts";
import type { Screen } from "./screen.ts";
import { sentence } from "./sender.ts";
import { textBehind, understand } from "./typed_line.ts";
import { conversationOf } from "../where.ts";
import { keyPressed, readNow } from "./doings.ts";
import { groupBehind, knownGroups } from "./group_words.ts";
import { InStep, stepNow } from "./in_step.ts";
import { Typists } from "./typists.ts";
import { whom } from "./whom.ts";

/** What a chat is made of. */
export interface ChatParts {
  readonly messenger: Messenger;
  readonly conversations: Conversations;
  readonly settings: Settings;
  readonly screen: Screen;
  readonly inputs: InputHistory;
  /** Called when there is something to send. */
  readonly wake: () => void;
  /** A live session; fails when there is none in time. */
  readonly relay: () => Promise<RelayClient>;
  /** The same; null as soon as the relay is known to be away. */
  readonly relayNow: () => Promise<RelayClient | null>;
  /** The same with what sending needs. */
  readonly room: () => Promise<Connected>;
  /** The largest message, bytes, as far as it is known. */
  readonly maxMessage: () => number;
}

/** Lines of before that opening a conversation shows. */
const LINES_BEFORE = 10;

/** Everything that typed lines and arriving messages act on. */
export class Chat {
  readonly messenger: Messenger;
  readonly settings: Settings;
  readonly screen: Screen;
  readonly history: History;
  readonly conversations: Conversations;
  /** Conversations as /list numbered them last. */
  listed: readonly string[] = [];
  /** Why the first line that was refused was. */
  refusal: QightError | null = null;
  /** The open conversation before this one. */
  previous: string | null = null;
  /** Whether the others are told while a line is being typed. */
  typingNotify = false;
  /** When they were told so last, milliseconds since 1970. */
  toldTypingAtMs = 0;
  readonly typists: Typists;
  /** Tells the own other devices a moment after something changed. */
  readonly inStep: InStep;
  readonly #parts: ChatParts;
  #open: string | null = null;
  /** Strangers whose naming was explained already, as hex. */
  readonly #hinted = new Set<string>();

  constructor(parts: ChatParts) {
    this.#parts = parts;
    const { messenger, settings, screen } = parts;
    this.messenger = messenger;
    this.settings = settings;
    this.screen = screen;
    this.history = messenger.history;
    this.typists = new Typists(messenger.clock, () => void this.refreshPrompt());
    this.inStep = new InStep(messenger.clock, () => this.courtesy((room) => stepNow(this, room)));
    screen.onKey((line) => keyPressed(this, line));
    this.conversations = parts.conversations;
  }

  /** Own account hash. */
  get own(): Uint8Array {
    return this.messenger.identity.account.hash;
  }

  /** The store's name of the open conversation; null when none is. */
  get open(): string | null {
    return this.#open;
  }

  /** A live session; `unreachable` when there is none in time. */
  async relay(): Promise<RelayClient> {
    try {
      return await this.#parts.relay();
    } catch (thrown) {
      throw new QightError("unreachable", "There is no connection to the relay", { cause: thrown, hint: "Try later." });
    }
  }

  /** A live session with what sending needs; `unreachable` when there is none in time. */
  async room(): Promise<Connected> {
    await this.relay();
    return await this.#parts.room();
  }

  /** Tells others something that is worth no wait and no word when it fails. */
  courtesy(tell: (room: Connected) => Promise<void>): void {
    void this.#parts.room().then(tell).catch((thrown) => {
      // Offline, or the group went on just now: the next one tells as much.
      if (!(thrown instanceof QightError)) throw thrown;
    });
  }

  /** There is something to send. */
  wake(): void {
    this.#parts.wake();
  }

  /** Does what a typed line says; false when it ends the chat. */
  async typed(line: string): Promise<boolean> {
    try {
      const meant = understand(line);
      if (meant.kind === "command") {
        const command = understood(meant.name, meant.words);
        if (!command.secret) await this.#parts.inputs.command(line);
        const textFrom = (word: number) => textBehind(meant.typed, 1 + word);
        return await command.run(this, meant.words, textFrom) !== "quit";
      }
      if (meant.kind === "group") await this.#say(await this.groupKey(meant.name), meant.text);
      if (meant.kind === "message") await this.#message(meant.to, meant.text);
    } catch (thrown) {
      // What is refused is said, and the chat goes on; what nobody foresaw ends it.
      if (!(thrown instanceof QightError)) throw thrown;
      this.screen.warn(sentence(thrown));
      this.refusal ??= thrown;
    }
    this.inStep.soon();
    return true;
  }

  /** Keeps a message for a conversation, or for oneself in the notes; answers its id. `message_too_large` keeps nothing. */
  async send(key: string, content: Content): Promise<Uint8Array> {
    const most = this.#parts.maxMessage();
    const size = contentSize(content);
    if (size > most) {
      throw new QightError("message_too_large", `That has ${size} bytes; this relay takes ${most} in one message`);
    }
    const createdAtMs = this.messenger.clock.now();
    const id = newMessageId(createdAtMs, systemRandom);
    const draft = { id, createdAtMs, ttlS: 0, plaintext: false, content };
    const peer = peerOf(key);
    const seconds = await this.#timer(key);
    if (seconds > 0 && isLine(content)) content.disappearAfterS = seconds;
    if (peer && equal(peer, this.own) && !await this.messenger.hasOtherDevices()) await this.history.note(draft);
    else {
      if (peer && !equal(peer, this.own)) await this.refuseUnreachable(peer);
      await this.history.send(this.messenger.outbox, key, draft);
      this.#parts.wake();
    }
    if (isLine(content) && content.files.length === 0) await this.#parts.inputs.message(id);
    return id;
  }

  /** `key_changed` or `blocked` (77) where a contact says that nothing may be sent. */
  async refuseUnreachable(account: Uint8Array): Promise<void> {
    const contact = await this.messenger.contacts.ofAccount(account);
    if (contact) await this.messenger.contacts.reachable(contact.name);
  }

  /** Whom a word means: a contact, an id, or oneself by `me` and `notes`. */
  who(word: string): Promise<Uint8Array> {
    return whom(word, this.messenger.contacts, this.own);
  }

  /** The same for who is about to be met: a name that is no contact's is asked of the relay, and pinned. */
  async whoNow(word: string): Promise<Uint8Array> {
    const asking = { contacts: this.messenger.contacts, own: this.own, note: (text: string) => this.screen.note(text) };
    return await knownOrMet(word, (known) => this.who(known), async () => {
      const relay = await this.#parts.relayNow();
      return relay && await metByName(relay, word, asking);
    });
  }

  /** The conversation that `#NAME` names; `no_such_group` says that nothing was sent. */
  async groupKey(name: string): Promise<string> {
    try {
      return await conversationOf(`#${name}`, { ...this.messenger, own: this.own });
    } catch (thrown) {
      if (!(thrown instanceof QightError) || thrown.code !== "no_such_group") throw thrown;
      throw new QightError("no_such_group", `There is no group #${name}; nothing was sent`, {
        cause: thrown,
        hint: "/list shows yours. A text that begins with # may begin with a space instead.",
      });
    }
  }

  /** The open conversation; `usage` when none is open. */
  openKey(): string {
    if (this.#open !== null) return this.#open;
    throw new QightError("usage", "No conversation is open; nothing was sent", {
      hint: "/dm NAME opens one, @NAME TEXT writes to somebody.",
    });
  }

  /** The other side of the open conversation; `usage` when none with one person is open. */
  async openPeer(): Promise<Uint8Array> {
    const peer = peerOf(this.openKey());
    if (peer) return peer;
    const title = await this.titleOf(this.openKey());
    throw new QightError("usage", `${title} is open, and that is about one person`, { hint: "Say the name as well." });
  }

  /** The group that is open, 32 bytes, or the one that is named; `usage` when neither is. */
  async openGroup(name?: string): Promise<Uint8Array> {
    const group = name === undefined ? groupOf(this.openKey()) : groupOf(await this.groupKey(name.replace(/^#/, "")));
    if (group) return group;
    const title = await this.titleOf(this.openKey());
    throw new QightError("usage", `${title} is open, and that is no group`, { hint: "Say its name as well: #NAME." });
  }

  /** Opens the conversation with an account. */
  openWith(account: Uint8Array): Promise<void> {
    return this.openPlace(conversationWith(account));
  }

  /** Opens a conversation: shows its last lines and what is unread, which then is read. */
  async openPlace(key: string): Promise<void> {
    const unread = await this.history.unread(key);
    const last = (await this.history.last(key, LINES_BEFORE + unread.length)).filter(({ state }) => state !== "unread");
    this.#switchTo(key);
    await this.showLines(last.slice(-LINES_BEFORE));
    if (unread.length > 0) {
      this.screen.note(`-- ${unread.length} unread --`);
      await this.showLines(unread);
      await readNow(this, unread);
    }
    await this.refreshPrompt();
  }

  /** Shows lines of conversations; where it says `elsewhere`, lines of others than the open one are marked. */
  async showLines(lines: readonly KeptLine[], options: { elsewhere?: boolean } = {}): Promise<void> {
    if (lines.length === 0) return;
    const [style, titleOf] = [await this.lineStyle(), await this.conversations.titlesOfKeys()];
    const shown = (line: KeptLine) => {
      if (!options.elsewhere || line.conversation === this.#open) return messageLine(line, style);
      const where = peerOf(line.conversation) ? {} : { where: titleOf(line.conversation) };
      return messageLine(line, { ...style, ...where, elsewhere: true });
    };
    await this.screen.show(lines.map(shown).join("\n"));
  }

  /** How lines look now. */
  async lineStyle(): Promise<LineStyle> {
    return {
      paint: this.screen.paint,
      own: this.own,
      title: await this.conversations.titles(),
      utc: this.settings.utc,
      timestamps: this.settings.repl.timestamps,
      nowMs: this.messenger.clock.now(),
    };
  }

  /** Shows what arrived and was kept; what belongs to the open conversation is read now. */
  async arrived(lines: readonly KeptLine[]): Promise<void> {
    await this.showLines(lines, { elsewhere: true });
    await readNow(this, lines.filter(({ conversation }) => conversation === this.#open));
    for (const { author } of lines) await this.#explainStranger(author);
    if (this.settings.repl.notify && await this.#isHeard(lines)) this.screen.ring();
    await this.refreshPrompt();
  }

  /** What an account is called. */
  async title(account: Uint8Array): Promise<string> {
    return (await this.conversations.titles())(account);
  }

  /** What a conversation is called. */
  async titleOf(key: string): Promise<string> {
    return (await this.conversations.titlesOfKeys())(key);
  }

  /** The prompt names whom a plain text goes to, and how much is unread. */
  async refreshPrompt(): Promise<void> {
    const list = await this.conversations.list();
    const unread = list.reduce((sum, each) => sum + each.unread, 0);
    // "to", because a line that begins with a name alone looks as if that person had said it.
    const to = this.#open === null ? "" : `to ${await this.titleOf(this.#open)}`;
    this.screen.setPrompt(`${this.typists.text(this.#open)}${unread > 0 ? `[${unread}] ` : ""}${to}> `);
  }

  /** Asks to type the name of what will be gone; `not_allowed` when it was not typed. */
  async confirm(what: string, name: string): Promise<void> {
    if (this.settings.yes) return;
    const answer = this.settings.mayAsk ? await this.screen.ask(`${what} Type ${name} to go on:`) : null;
    if (answer?.trim() === name) return;
    throw new QightError("not_allowed", "Nothing was changed", { hint: "" });
  }

  /** How long lines of a conversation stay after they were read, seconds; 0 = they stay. */
  async #timer(key: string): Promise<number> {
    const told = await groupBehind(this, key);
    return told ? (await knownGroups(this).show(told.group)).disappearAfterS : 0;
  }

  #switchTo(key: string): void {
    if (key === this.#open) return;
    this.previous = this.#open;
    this.#open = key;
  }

  async #message(to: string | undefined, text: string): Promise<void> {
    await this.#say(to === undefined ? this.openKey() : conversationWith(await this.who(to)), text);
  }

  async #say(key: string, text: string): Promise<void> {
    if (text.trim() === "") return await this.openPlace(key);
    await this.send(key, contentOf({ case: "text", value: text }));
    // Plain text goes to the last place; the prompt says which that is.
    this.#switchTo(key);
    await this.refreshPrompt();
  }

  /** Whether any of these lines is somebody else's, in a conversation that is not muted. */
  async #isHeard(lines: readonly KeptLine[]): Promise<boolean> {
    const others = lines.filter(({ author }) => !equal(author, this.own));
    if (others.length === 0) return false;
    const mutedUntil = await mutedConversations(this.messenger.store);
    const nowMs = this.messenger.clock.now();
    return others.some(({ conversation }) => mutedUntil(conversationId(conversation)!) <= nowMs);
  }

  async #explainStranger(account: Uint8Array): Promise<void> {
    const hex = account.toHex();
    if (this.#hinted.has(hex) || equal(account, this.own)) return;
    this.#hinted.add(hex);
    if (await this.messenger.contacts.ofAccount(account)) return;
    this.screen.note(`  this sender has no name here; to give one: /contacts add NAME ${formatAccountId(account)}`);
  }
}

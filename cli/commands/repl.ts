/** `qight repl`: conversations on a terminal, or over pipes. @module */
import { join } from "node:path";
import { Conversations, conversationWith, shortId } from "../../client/conversations.ts";
import { QightError } from "../../proto/errors.ts";
import { Messenger } from "../messenger.ts";
import { clientStateDir } from "../paths.ts";
import { Chat } from "../repl/chat.ts";
import { complete } from "../repl/completion.ts";
import { converse, lastMessages } from "../repl/converse.ts";
import { InputHistory } from "../repl/input_history.ts";
import { Link } from "../repl/link.ts";
import { openScreen } from "../repl/open_screen.ts";
import { receive } from "../repl/receiver.ts";
import { Sender } from "../repl/sender.ts";
import { typedText } from "../repl/typed_line.ts";
import { orAborted } from "../send_one.ts";
import { EndedAsAsked } from "../signals.ts";
import type { replSpec } from "../tree/repl.ts";
import type { Call } from "../tree/spec.ts";
import { conversationOf, groupTitles } from "../where.ts";

/** What a relay takes in one message unless it says otherwise, bytes (docs/operations.md, max_message). */
const USUAL_MAX_MESSAGE = 256 * 1024;

/** Runs the chat until ^D, /quit, ^C twice or a signal; what could not be sent by then waits on disk. */
export async function run(call: Call<typeof replSpec>): Promise<void> {
  const { options, settings, out, signal } = call;
  if (settings.json && settings.origins.json.origin === "flag") {
    throw new QightError("usage", "repl has no JSON form", {
      hint: "For scripts: qight send, and qight fetch --json.",
    });
  }
  await using messenger = await Messenger.open(settings, out);
  const own = messenger.identity.account.hash;
  const { store, contacts } = messenger;
  const conversations = new Conversations({ store, contacts, own, groupTitles: groupTitles(store) });
  const people = { messenger, settings, conversations };
  const inputs = new InputHistory(
    settings.repl.history ? join(clientStateDir(settings.env), `repl_history.${shortId(own)}`) : null,
  );
  const stop = new AbortController();
  await using screen = await openScreen({
    settings,
    out,
    signal,
    complete: (line) => complete(people, line),
    history: () => inputs.load((id) => typedText(people, id)),
  });
  await using link: Link = new Link(messenger, {
    tell: (text) => screen.note(text),
    connected: () => {
      sender.wake();
      chat.inStep.soon();
    },
  });
  const sessionInTime = () => orAborted(link.client(stop.signal), AbortSignal.timeout(settings.timeoutMs));
  const chat: Chat = new Chat({
    ...people,
    screen,
    inputs,
    wake: () => sender.wake(),
    relay: sessionInTime,
    relayNow: () => Promise.race([sessionInTime(), link.untilOffline().then(() => null)]),
    room: () => orAborted(link.room(stop.signal), AbortSignal.timeout(settings.timeoutMs)),
    maxMessage: () => link.maxMessage ?? USUAL_MAX_MESSAGE,
  });
  const sender: Sender = new Sender({
    link,
    outbox: messenger.outbox,
    history: chat.history,
    clock: messenger.clock,
    title: (conversation) => chat.titleOf(conversation),
    note: (text) => screen.note(text),
    warn: (text) => screen.warn(text),
  });
  const key = options.with === undefined
    ? null
    : options.with.startsWith("#")
    ? await conversationOf(options.with, { store, contacts, own })
    : conversationWith(await orAborted(chat.whoNow(options.with), signal));
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined); // it is looked at below, unless the chat has ended already
  const background = [receive(chat, link, stop.signal), sender.run(stop.signal)];
  for (const work of background) work.catch(failed.reject);
  try {
    await Promise.race([converse(chat, key, signal), failed.promise]);
    await Promise.race([lastMessages(chat, sender, link, signal), failed.promise]);
    signal.throwIfAborted();
    // A person has read it; a script asks for the exit code.
    if (chat.refusal && !Deno.stdin.isTerminal()) throw new EndedAsAsked(chat.refusal);
  } catch (thrown) {
    throw thrown === signal.reason ? new EndedAsAsked(signal.reason) : thrown;
  } finally {
    chat.typists.stop();
    chat.inStep.stop();
    stop.abort(new QightError("interrupted", "The chat ended"));
    await Promise.allSettled(background);
  }
}

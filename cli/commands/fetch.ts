/** `qight fetch`: reads the own mailbox. @module */
import { systemRandom } from "../../client/clock.ts";
import { Inbox, type InboxOptions } from "../../client/inbox.ts";
import { Reconnector } from "../../client/reconnect.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import { parseDuration } from "../../relay/config/durations.ts";
import { FetchRun, type FetchWishes } from "../fetch_run.ts";
import { type ConversationParts, conversationParts } from "../inbox_parts.ts";
import { lateModule } from "../late_module.ts";
import { Messenger } from "../messenger.ts";
import { orAborted } from "../send_one.ts";
import { EndedAsAsked } from "../signals.ts";
import type { fetchSpec } from "../tree/messages.ts";
import type { Call } from "../tree/spec.ts";
import { conversationOf } from "../where.ts";
import { accountOf, parseWho } from "../who.ts";

/** Prints (or hands to `--exec`) what is there, acknowledging only what got out. */
export async function run(call: Call<typeof fetchSpec>): Promise<void> {
  const asked = readOptions(call);
  try {
    await read(call, asked);
  } catch (thrown) {
    if (asked.follow && thrown === call.signal.reason) throw new EndedAsAsked(call.signal.reason);
    if (!(thrown instanceof QightError) || thrown.code !== "lease_lost") throw thrown;
    throw new QightError("lease_lost", "Another fetch reads this mailbox now, and this one ended", {
      cause: thrown,
      hint: "A mailbox has one reader at a time, the newest. To look without taking over: qight fetch --peek.",
    });
  }
}

async function read(call: Call<typeof fetchSpec>, asked: FetchWishes): Promise<void> {
  const { options, settings, out, signal } = call;
  await using messenger = await Messenger.open(settings, out);
  const { contacts, identity } = messenger;
  const from = asked.from && await accountOf(asked.from, contacts);
  const connect = async () => (await messenger.connect()).relay;
  const room = await orAborted(messenger.connect(), signal);
  await using source = new Reconnector({
    connect,
    timeoutMs: asked.follow ? Infinity : settings.timeoutMs,
    clock: messenger.clock,
    random: systemRandom,
  }, room.relay);
  try {
    await orAborted(messenger.flush(room), signal);
  } catch (thrown) {
    signal.throwIfAborted();
    out.note(`queued messages wait: ${asQightError(thrown).message}`);
  }
  const parts = await conversationParts(messenger, source, room, settings);
  const where = options.in === undefined ? undefined : await conversationNow(options.in, messenger, parts);
  const inbox = new Inbox({
    source,
    store: messenger.store,
    directory: messenger.directory,
    device: messenger.identity.device.publicKey,
    clock: messenger.clock,
    onShown: settings.history.keep ? keepPrinted(messenger, options.saveDir === undefined) : undefined,
    ...parts,
  });
  const relay = () => source.client();
  const keepInStep = async () => {
    const now = { ...room, relay: await relay() };
    if ((await messenger.devices()).length < 2) return void await orAborted(messenger.keepInStep(now), signal);
    const { keepInStep } = await lateModule<typeof import("../keep_in_step.ts")>("keep_in_step.ts");
    await orAborted(keepInStep(messenger, now, { out, signal }), signal);
  };
  const running = new FetchRun(
    { inbox, contacts, identity, from, where, relay, keepsFiles: settings.history.keep, keepInStep },
    asked,
    call,
  );
  await running.toTheEnd();
  if (options.failEmpty && running.printed === 0) throw new QightError("nothing_to_fetch");
}

/** The store's name of a conversation, also of a group whose Welcome waits to be taken in. */
async function conversationNow(word: string, messenger: Messenger, { groups }: ConversationParts): Promise<string> {
  const { store, contacts, identity } = messenger;
  const places = { store, contacts, own: identity.account.hash };
  try {
    return await conversationOf(word, places);
  } catch (thrown) {
    if (asQightError(thrown).code !== "no_such_group") throw thrown;
    await groups?.tend();
    return await conversationOf(word, places);
  }
}

/** What was printed is read; the bytes of its files went elsewhere, or with `refs` those at the relay are there still. */
function keepPrinted({ history }: Messenger, refs: boolean): InboxOptions["onShown"] {
  return (tables, messages) => history.arrived(tables, messages, { state: "read", bytes: false, refs });
}

const MOST_JOBS = 64;

function readOptions({ args, options }: Call<typeof fetchSpec>): FetchWishes {
  const refuse = (why: string) => new QightError("usage", why, { hint: "See qight help fetch." });
  if (options.exec && args.length === 0) throw refuse("--exec needs a command after --");
  if (!options.exec && args.length > 0) throw refuse(`fetch takes no arguments; did you mean --exec -- ${args[0]}?`);
  if (options.exec && options.peek) throw refuse("--exec and --peek contradict each other");
  if (options.jobs !== undefined && !options.exec) throw refuse("--jobs is for the commands of --exec");
  const max = options.max === undefined ? undefined : Number(options.max);
  if (max !== undefined && !(Number.isSafeInteger(max) && max > 0)) {
    throw refuse(`--max takes a whole number from 1, not "${options.max}"`);
  }
  const jobs = Number(options.jobs ?? 1);
  if (!(Number.isSafeInteger(jobs) && jobs > 0 && jobs <= MOST_JOBS)) {
    throw refuse(`--jobs takes a whole number from 1 to ${MOST_JOBS}, not "${options.jobs}"`);
  }
  return {
    follow: (options.follow ?? false) || options.idle !== undefined,
    jobs,
    ...(options.wait === undefined ? {} : { waitMs: parseDuration(options.wait) }),
    ...(options.idle === undefined ? {} : { idleMs: parseDuration(options.idle) }),
    ...(max === undefined ? {} : { max }),
    ...(options.from === undefined ? {} : { from: parseWho(options.from) }),
    ...(options.exec ? { command: args } : {}),
  };
}

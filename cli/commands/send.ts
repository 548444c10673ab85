/** `qight send`: one message, or every line of stdin as one. @module */
import { systemRandom } from "../../client/clock.ts";
import { newMessageId, parseMessageId } from "../../client/message_id.ts";
import type { Draft } from "../../client/messages.ts";
import { QightError } from "../../proto/errors.ts";
import type { Content } from "../../proto/gen/qight/v1/seal_pb.ts";
import { parseDuration } from "../../relay/config/durations.ts";
import { checkDestination, type Destination } from "../destination.ts";
import { destinationNow } from "../destination_now.ts";
import { lateModule } from "../late_module.ts";
import { readContent } from "../message_input.ts";
import { Messenger } from "../messenger.ts";
import { type Progress, startProgress } from "../progress.ts";
import { sendNow, sendQueued } from "../send_one.ts";
import type { sendSpec } from "../tree/messages.ts";
import type { Call } from "../tree/spec.ts";

/** Sends and prints the id; what each failure leaves behind is written in docs/operations.md, Settled, Outbox. */
export async function run(call: Call<typeof sendSpec>): Promise<void> {
  const { args, options, settings, out } = call;
  checkDestination(args[0], options);
  refuseContradictions(call);
  const ttlS = options.ttl === undefined ? 0 : wholeSeconds(options.ttl);
  const replyTo = messageId("--reply-to", options.replyTo);
  const id = messageId("--id", options.id);
  const plaintext = options.plaintext ?? false;
  if (options.lines) {
    await using messenger = await Messenger.open(settings, out);
    const destination = await destinationNow(args[0], messenger, options, call);
    const { sendLines } = await lateModule<typeof import("../send_lines.ts")>("send_lines.ts");
    return await sendLines(messenger, destination, { ttlS, plaintext, replyTo }, call);
  }
  const content = await readContent({ message: args[1], files: options.file ?? [], replyTo });
  if (!content && id === undefined) throw new QightError("empty_message");
  await using messenger = await Messenger.open(settings, out);
  const destination = await destinationNow(args[0], messenger, options, call);
  const draft = content && draftOf(content, id, { ttlS, plaintext }, destination);
  if (options.queue) {
    if (!draft) throw new QightError("empty_message");
    return await sendQueued(messenger, destination, draft, call);
  }
  using bar = content && content.files.length > 0 ? startProgress(out, "sending", "bytes") : null;
  const watch = bar && bytesSent(content!, bar);
  if (watch) messenger.onWritten = watch.written;
  const whole = draft ?? { id: id! };
  if (!options.wait) return await sendNow(messenger, destination, whole, call, undefined, watch?.brought);
  if (!destination.conversation) throw new QightError("usage", "--wait: nobody else gets a note to oneself");
  const { awaitArrival } = await lateModule<typeof import("../await_arrival.ts")>("await_arrival.ts");
  await sendNow(
    messenger,
    destination,
    whole,
    call,
    (room) => awaitArrival(messenger, room, whole.id, call),
    watch?.brought,
  );
}

/** Seals and frames add little, other devices of the recipient as much again: the sum grows with what is written. */
function bytesSent({ files }: Content, bar: Progress) {
  const all = files.reduce((sum, { data }) => sum + data.length, 0);
  let done = 0;
  let counted = false;
  return {
    written(bytes: number): void {
      if (!counted) bar.update(done += bytes, Math.max(all, done));
    },
    /** A file that goes by itself says how much of it is there, also from an earlier try. */
    brought(there: number, whole: number): void {
      counted = true;
      bar.update(there, whole);
    },
  };
}

function draftOf(
  content: Content,
  id: Uint8Array | undefined,
  shape: { ttlS: number; plaintext: boolean },
  { conversation, disappearAfterS }: Destination,
): Draft {
  const createdAtMs = Date.now();
  content.disappearAfterS = disappearAfterS;
  const draft = { id: id ?? newMessageId(createdAtMs, systemRandom), createdAtMs, content, ...shape };
  return conversation ? { ...draft, conversation } : draft;
}

function refuseContradictions({ args, options }: Call<typeof sendSpec>): void {
  const refuse = (why: string) => {
    throw new QightError("usage", why, { hint: "See qight help send." });
  };
  if (options.sealed && options.plaintext) refuse("--sealed and --plaintext contradict each other");
  if (options.wait && (options.sealed || options.plaintext || options.queue || options.lines)) {
    refuse("--wait is for one message in a conversation: without --sealed, --plaintext, --queue and --lines");
  }
  if (!options.lines) return;
  if (args[1] !== undefined) refuse("--lines takes its messages from stdin: leave MESSAGE out");
  if (options.file || options.id || options.queue) refuse("--lines goes with neither -f, --id nor --queue");
}

function messageId(flag: string, text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined;
  try {
    return parseMessageId(text);
  } catch (cause) {
    throw new QightError("bad_id", `${flag} "${text}" is no message id`, {
      cause,
      hint: "A message id is 32 hex digits, as send prints it and fetch --json shows it.",
    });
  }
}

/** TTL on the wire is whole seconds. */
function wholeSeconds(duration: string): number {
  const seconds = Math.ceil(parseDuration(duration) / 1000);
  if (seconds < 1 || seconds > 0xffffffff) throw new QightError("bad_duration", `--ttl ${duration} is out of range`);
  return seconds;
}

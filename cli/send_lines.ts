/** Every line of stdin becomes one message; ids are printed in input order as the relay has them. @module */
import { systemRandom } from "../client/clock.ts";
import { sendLines as sendAll } from "../client/line_sender.ts";
import { formatMessageId } from "../client/message_id.ts";
import { Reconnector } from "../client/reconnect.ts";
import type { Reached } from "../client/send_target.ts";
import type { QightError } from "../proto/errors.ts";
import type { Content } from "../proto/gen/qight/v1/seal_pb.ts";
import { readLines } from "./lines.ts";
import { bodyOf, contentOf } from "./message_input.ts";
import { type Destination, missedLines } from "./destination.ts";
import type { Messenger } from "./messenger.ts";
import { startProgress } from "./progress.ts";
import { orAborted, remarkOnSealed } from "./send_one.ts";
import { badReceipt, sentObject } from "./sent_output.ts";
import type { Call } from "./tree/spec.ts";
import { remarkOnTtl } from "./ttl_remark.ts";
import { waitRemarks } from "./wait_remark.ts";

/** How each line is sent. */
export interface LineShape {
  readonly ttlS: number;
  readonly plaintext: boolean;
  readonly replyTo?: Uint8Array;
}

/** Sends until stdin ends; exit 0 only when all are accepted. A signal ends the input, what is under way is finished. */
export async function sendLines(
  messenger: Messenger,
  { recipient, conversation, to, via: meant, disappearAfterS }: Destination,
  { ttlS, plaintext, replyTo }: LineShape,
  { out, settings, signal }: Pick<Call, "out" | "settings" | "signal">,
): Promise<void> {
  const room = await orAborted(messenger.connect(), signal);
  await using source = new Reconnector({
    connect: async () => (await messenger.connect()).relay,
    timeoutMs: settings.timeoutMs,
    clock: messenger.clock,
    random: systemRandom,
  }, room.relay);
  remarkOnTtl(out, ttlS, room.relay.session);
  await orAborted(messenger.flush(room), signal);
  let via = meant;
  const options = {
    source,
    groups: messenger.reach(source),
    ...(conversation ? { conversation } : {}),
    onTarget: ({ to, sealedBecause }: Reached) => {
      if (!sealedBecause || "group" in to) return;
      via = "sealed";
      remarkOnSealed(out, sealedBecause);
    },
    outbox: messenger.outbox,
    directory: messenger.directory,
    author: room.author,
    recipient,
    ttlS,
    plaintext,
    receipts: out.json,
    stallMs: settings.timeoutMs,
    onWait: waitRemarks((text) => out.note(text), messenger.clock),
    clock: messenger.clock,
    random: systemRandom,
  };
  /** Members that somebody was told of: one line for each is enough. */
  const told = new Set<string>();
  let bad: QightError | null = null;
  const size = await sizeOfInput();
  using bar = size === null ? null : startProgress(out, "sending", "bytes");
  /** Where in the input each line under way ends. */
  const ends: number[] = [];
  for await (const page of sendAll(options, contents(signal, ends, { replyTo, disappearAfterS }))) {
    const done = ends.splice(0, page.length).at(-1) ?? 0;
    if (!out.json) await out.line(page.map(({ id }) => formatMessageId(id)).join("\n"));
    bar?.update(done, size!);
    const missed = page.flatMap(({ missed }) => missed).filter(({ device }) => !told.has(device.toHex()));
    for (const { device } of missed) told.add(device.toHex());
    for (const line of await missedLines(messenger, conversation === "group" ? recipient : null, missed)) {
      out.note(`some lines: ${line}`);
    }
    if (!out.json) continue;
    for (const { id, receipts } of page) {
      bad ??= badReceipt(receipts);
      await out.object(await sentObject(id, { to, via }, receipts));
    }
  }
  signal.throwIfAborted();
  if (bad) throw bad;
}

/** Empty lines carry nothing and are passed over. */
async function* contents(
  signal: AbortSignal,
  ends: number[],
  { replyTo, disappearAfterS }: Pick<LineShape, "replyTo"> & Pick<Destination, "disappearAfterS">,
): AsyncGenerator<Content> {
  let at = 0;
  for await (const line of readLines(Deno.stdin.readable, signal)) {
    at += line.length + 1;
    const body = bodyOf(line);
    if (body.value.length === 0) continue;
    ends.push(at);
    const content = contentOf(body, replyTo);
    content.disappearAfterS = disappearAfterS;
    yield content;
  }
}

/** Bytes on stdin when that is a file; null when nobody knows where it ends. */
async function sizeOfInput(): Promise<number | null> {
  try {
    const { isFile, size } = await Deno.stat("/dev/stdin");
    return isFile ? size : null;
  } catch (error) {
    // No such name on Windows; and a closed stdin has nothing behind it.
    if (error instanceof Deno.errors.NotFound || Deno.build.os === "windows") return null;
    throw error;
  }
}

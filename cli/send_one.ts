/** Sends one message and says what became of it. @module */
import { pause } from "../client/clock.ts";
import { formatMessageId } from "../client/message_id.ts";
import type { Draft } from "../client/messages.ts";
import { contentSize, type Delivery, isUnknown, repeatMessage, sendMessage } from "../client/send.ts";
import { deviceFingerprint } from "../crypto/account.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import { type Destination, missedLines } from "./destination.ts";
import type { FileRoom } from "../client/files.ts";
import { lateModule } from "./late_module.ts";
import type { Connected, Messenger } from "./messenger.ts";
import { badReceipt, sentObject } from "./sent_output.ts";
import type { Call } from "./tree/spec.ts";
import { remarkOnTtl } from "./ttl_remark.ts";

/** Pause between attempts after a connection broke, milliseconds. */
const RETRY_MS = 200;
/** What any relay takes in one message unless its operator says less (`storage.max_message`), bytes. */
const QUEUED_BYTES = 256 * 1024;

type Words = Pick<Call, "out" | "settings" | "signal">;

/**
 * Sends now and prints the id when all devices have it, or some members of a group; who has not is said on stderr. A draft
 * without content repeats the bytes kept under its id. When the outcome is unknown the id is printed too, and the error
 * says so. `andThen` is run over the same session when the message is accepted; it then goes in its conversation or not
 * at all.
 */
export async function sendNow(
  messenger: Messenger,
  destination: Destination,
  draft: Draft | { id: Uint8Array },
  { out, settings, signal }: Words,
  andThen?: (room: Connected) => Promise<void>,
  onProgress?: (done: number, all: number) => void,
): Promise<void> {
  const deadline = performance.now() + settings.timeoutMs;
  const print = (delivery?: Delivery) => printSent(out, destination, draft.id, delivery);
  let hadSession = false;
  for (let attempt = 0;; attempt++) {
    try {
      signal.throwIfAborted();
      // A conversation with one person asks for their devices too, unless it must not go sealed.
      const { conversation } = destination;
      const asksForKeys = !conversation || (conversation === "direct" && andThen === undefined);
      const sealingTo = "content" in draft && asksForKeys ? destination.recipient : undefined;
      const session = await orAborted(messenger.connect({ sealingTo }), signal);
      const room = { ...session, receipts: out.json, neverSealed: andThen !== undefined };
      if (!hadSession && "ttlS" in draft) remarkOnTtl(out, draft.ttlS, room.relay.session);
      hadSession = true;
      await using _relay = room.relay;
      const delivery = await orAborted(
        sendOver(room, messenger, destination, draft, { attempt, signal, onProgress }),
        signal,
      );
      const accepted = delivery.devices.filter(({ receipt }) => receipt !== null);
      if (delivery.sealedBecause) remarkOnSealed(out, delivery.sealedBecause);
      if (!delivery.error) {
        await print(delivery);
        await remarkOnMissed(messenger, destination, delivery, out);
        await andThen?.(room);
        await orAborted(messenger.keepInStep(room), signal);
        return;
      }
      if (accepted.length > 0) await print(delivery);
      throw await namingDevice(delivery);
    } catch (thrown) {
      const error = asQightError(thrown);
      const kept = isUnknown(error) && hadSession ? await messenger.outbox.get(draft.id) : null;
      if (!hadSession && signal.aborted) throw new QightError(error.code, error.message, { hint: "Nothing was sent." });
      if (!kept || kept.row.state !== "held") throw error;
      // The connection broke on the way: the same bytes may go again until the time runs out.
      if (error.code === "unreachable" && performance.now() < deadline && !signal.aborted) {
        await pause(messenger.clock, RETRY_MS, signal);
        continue;
      }
      await print();
      throw error.code === "unreachable" ? new QightError("timeout", undefined, { cause: error }) : error;
    }
  }
}

/** Keeps the message on disk, prints its id, and tries to send what is queued; a relay that is away is no error. */
export async function sendQueued(
  messenger: Messenger,
  { recipient, to, via }: Destination,
  whole: Draft,
  { out, signal }: Words,
): Promise<void> {
  const draft = await fitForQueue(messenger, recipient, whole, signal);
  await messenger.outbox.queue(recipient, draft);
  const id = formatMessageId(draft.id);
  await out.result({ id, to, via, seq: null, queued: true, expires_at: null, receipt: null }, id);
  try {
    const room = await orAborted(messenger.connect(), signal);
    await using _relay = room.relay;
    remarkOnTtl(out, draft.ttlS, room.relay.session);
    await orAborted(messenger.flush(room), signal);
  } catch (thrown) {
    out.note(`the message waits on disk: ${asQightError(thrown).message}`);
  }
}

/** What waits must fit one message when its time comes: its large files go to the relay now, or it is refused now. */
async function fitForQueue(messenger: Messenger, recipient: Uint8Array, draft: Draft, signal: AbortSignal) {
  const size = contentSize(draft.content);
  if (size <= QUEUED_BYTES) return draft;
  let room: Connected;
  try {
    room = await orAborted(messenger.connect(), signal);
  } catch (thrown) {
    signal.throwIfAborted();
    const why = `The message has ${size} bytes; while the relay is away --queue keeps up to ${QUEUED_BYTES}`;
    throw new QightError("message_too_large", `${why} (${asQightError(thrown).message})`, {
      cause: thrown,
      hint: "Give the command again when the relay can be reached: large files go there by themselves.",
    });
  }
  await using relay = room.relay;
  if (size <= relay.session.maxMessage) return draft;
  const { bringFiles } = await lateModule<typeof import("./bring_files.ts")>("bring_files.ts");
  const small = await bringFiles({ relay, messenger, signal }, recipient, draft);
  if (contentSize(small.content) <= relay.session.maxMessage) return small;
  throw new QightError(
    "message_too_large",
    `The message has ${size} bytes; this relay takes ${relay.session.maxMessage}`,
  );
}

async function sendOver(
  room: Connected,
  messenger: Messenger,
  { recipient }: Destination,
  draft: Draft | { id: Uint8Array },
  { attempt, signal, onProgress }: { attempt: number; signal: AbortSignal; onProgress?: FileRoom["onProgress"] },
): Promise<Delivery> {
  if (attempt > 0 || !("content" in draft)) return await repeatMessage(room, draft.id);
  await messenger.flush({ ...room, receipts: false });
  if (contentSize(draft.content) <= room.relay.session.maxMessage) return await sendMessage(room, recipient, draft);
  const { bringFiles } = await lateModule<typeof import("./bring_files.ts")>("bring_files.ts");
  const small = await bringFiles({ relay: room.relay, messenger, signal, onProgress }, recipient, draft);
  return await sendMessage(room, recipient, small);
}

/** What was meant for a conversation and went sealed, with the reason. */
export function remarkOnSealed(out: Call["out"], { message }: QightError): void {
  out.note(`sent sealed, not in a conversation: ${message}`);
}

async function remarkOnMissed(
  messenger: Messenger,
  { to }: Destination,
  { id, group, devices }: Delivery,
  out: Call["out"],
): Promise<void> {
  const lines = await missedLines(messenger, group, devices);
  for (const line of lines) out.note(line);
  if (lines.length > 0) out.note(`to try again for them: qight send '${to}' --id ${formatMessageId(id)}`);
}

async function printSent(
  out: Call["out"],
  { to, via }: Destination,
  id: Uint8Array,
  delivery?: Delivery,
): Promise<void> {
  if (!out.json) return await out.line(formatMessageId(id));
  const accepted = (delivery?.devices ?? []).flatMap(({ device, receipt }) => receipt ? [{ device, receipt }] : []);
  await out.object(await sentObject(id, { to, via: delivery?.via ?? via }, accepted));
  // The message is accepted and said to be; that the relay's word on it is worth nothing must not go unseen.
  const bad = badReceipt(accepted);
  if (bad) throw bad;
}

async function namingDevice({ devices, error }: Delivery): Promise<QightError> {
  const refused = devices.find((each) => each.error === error);
  if (!refused || devices.length === 1) return error!;
  const { code, message, hint, retryAfterMs } = error!;
  const name = await deviceFingerprint(refused.device);
  return new QightError(code, `${message} (device ${name})`, {
    hint,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Waits for work, or rejects with the signal's reason; the work itself ends with its connection. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // Whoever loses the race, or was begun when it was lost already, must not become an unhandled rejection.
  work.catch(() => undefined);
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  aborted.promise.catch(() => undefined);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

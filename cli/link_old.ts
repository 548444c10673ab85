/** The old device's end of a link: shows who is there, asks, and lets the new device in. @module */
import { approveLink, awaitDone, checkRoomFor, type LinkRoom, lookAtOffer, type SeenOffer } from "../client/link.ts";
import { noteDeviceNews } from "../client/device_news.ts";
import type { MovedHistory } from "../client/history_move.ts";
import { Reconnector } from "../client/reconnect.ts";
import { systemRandom } from "../client/clock.ts";
import { deviceFingerprint } from "../crypto/account.ts";
import type { BundleDevice } from "../crypto/bundle.ts";
import { asQightError, QightError } from "../proto/errors.ts";
import { counted } from "./counted.ts";
import { inConversations } from "./device_command.ts";
import { LINK, readInvite } from "./invite_code.ts";
import { settingsAt } from "./link_relay.ts";
import { type Connected, Messenger } from "./messenger.ts";
import { startProgress } from "./progress.ts";
import { orAborted } from "./send_one.ts";
import type { deviceLinkSpec } from "./tree/device.ts";
import type { Call } from "./tree/spec.ts";
import { wantYes } from "./yes.ts";

type LinkCall = Call<typeof deviceLinkSpec>;

/** Answers a code: asks for a yes, waits until the new device is on the list, and brings it into the conversations. */
export async function letDeviceIn(call: LinkCall): Promise<void> {
  const { args, settings, out, signal } = call;
  const code = await readInvite(args, settings, out, LINK);
  await using messenger = await Messenger.open(settingsAt(code, settings, out), out);
  const connected = await orAborted(messenger.connect(), signal);
  await using _relay = connected.relay;
  // Before the code is looked at: what cannot be done is said first.
  checkRoomFor(connected.published.bundle);
  await using source = new Reconnector({
    connect: () => messenger.dial(),
    timeoutMs: settings.timeoutMs,
    clock: messenger.clock,
    random: systemRandom,
  }, connected.relay);
  const room = { source, signal };
  const seen = await orAborted(lookAtOffer(room, code.secret), signal);
  checkRoomFor(connected.published.bundle, seen.offer.device);
  const fingerprint = await deviceFingerprint(seen.offer.device);
  out.note(`new device   ${fingerprint}  ${seen.offer.name}`);
  out.note(`this device  ${messenger.identity.fingerprint}`);
  await wantYes(settings, {
    question: "The new device shows its fingerprint too: are they the same, and shall it be one of yours? Type yes: ",
    refused: "Nothing was changed; the code is good until its ten minutes are over",
  });
  const history = call.options.history !== false;
  const added = await orAborted(approve(messenger, connected, room, seen, history), signal);
  const fields = { device: fingerprint, name: added.name, account: messenger.identity.account.id };
  // Out before the rest, which may take long and is gone on with by later commands.
  await out.result(fields, fingerprint);
  const talk: LinkTalk = {
    signal,
    note: (text) => out.note(text),
    error: (text) => out.error(text),
    bar: () => startProgress(out, "history", "lines"),
  };
  await orAborted(bringIn(talk, messenger, room, seen.offer.device, history), signal);
}

/** Where it is said how far a link is. */
export interface LinkTalk {
  readonly signal: AbortSignal;
  note(text: string): void;
  error(text: string): void;
  /** How far the history is. */
  bar(): Disposable & { update(done: number, all: number): void };
}

/** Signs the list with the new device, and waits until it is in force; answers how the device stands on it. */
export async function approve(
  messenger: Messenger,
  { published }: Connected,
  room: LinkRoom,
  seen: SeenOffer,
  history: boolean,
): Promise<BundleDevice> {
  const { self: identity, store, clock, identity: { secrets: { accountSeed }, account } } = messenger;
  const approval = { identity, accountSeed, current: published.bundle, history, clock };
  const added = await approveLink(room, seen, approval);
  messenger.detail("waiting for the new device to come onto the list");
  const bundle = await awaitDone(room, seen, account.hash);
  await store.write(async (tables) => {
    const known = await messenger.directory.latestIn(tables, account.hash);
    tables.directory.putBundle(bundle);
    // What its owner just said yes to is no news; what else came onto the list meanwhile is.
    if (known && known.version < bundle.version) noteDeviceNews(tables, known, bundle, seen.offer.device);
  });
  return added;
}

/** Conversations, contacts and history for the new device. Nothing of it can undo the link. */
export async function bringIn(
  talk: LinkTalk,
  messenger: Messenger,
  { source, signal }: LinkRoom,
  device: Uint8Array,
  history: boolean,
): Promise<void> {
  try {
    const relay = await source.client(signal);
    const published = await messenger.publish(relay);
    const author = { signer: messenger.self.signer, bundle: published.bundle };
    const groups = messenger.reach({ client: () => Promise.resolve(relay) });
    const room = { relay, outbox: messenger.outbox, directory: messenger.directory, author, published, groups };
    await inConversations({ messenger, room }, "bringInOwnDevices");
    await messenger.keepInStep(room);
    if (!history) return;
    const { lines, leftOut } = await historyTo(talk, messenger, room, device);
    if (lines > 0) talk.note(`history: ${counted(lines, "line")} went to the new device, for its next fetch`);
    else if (leftOut === 0) talk.note("history: there is none on this device");
    if (leftOut > 0) talk.note(`history: ${counted(leftOut, "line")} stayed here: too large to travel`);
  } catch (thrown) {
    talk.signal.throwIfAborted();
    const { message, hint } = asQightError(thrown);
    talk.error(`warning: the device is linked, but not all has reached it yet (${message}). ${hint}`);
  }
}

async function historyTo(
  { bar: start, signal }: LinkTalk,
  messenger: Messenger,
  room: Connected,
  toDevice: Uint8Array,
): Promise<MovedHistory> {
  const [{ sendHistory }, { ownRoomOf }] = await Promise.all([
    import("../client/history_move.ts"),
    import("../client/own_sync.ts"),
  ]);
  using bar = start();
  const onProgress = (done: number, all: number) => bar.update(done, all);
  try {
    return await sendHistory({ own: ownRoomOf(messenger, room), toDevice, onProgress, signal });
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asQightError(thrown);
    throw new QightError(error.code, `its history: ${error.message}`, { cause: thrown, hint: error.hint });
  }
}

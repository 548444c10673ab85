/** The new device's end of a link: shows a code, waits, and comes into the account that lets it in. @module */
import { keepSession } from "../client/accounts/session_token.ts";
import { systemClock, systemRandom } from "../client/clock.ts";
import { deviceName, PLAIN_DEVICE_NAME } from "../client/device_name.ts";
import { leaveFormer } from "../client/groups/former.ts";
import {
  awaitGrant,
  type LinkedAccount,
  type LinkRoom,
  type OfferedLink,
  offerLink,
  publishGrant,
  reportDone,
} from "../client/link.ts";
import { followAccount, isOfAccount } from "../client/own_account.ts";
import { Reconnector } from "../client/reconnect.ts";
import { RelayClient } from "../client/relay_client.ts";
import { deviceFingerprint } from "../crypto/account.ts";
import { formatInviteLink, formatInviteWords, LINK_CODE } from "../crypto/invite_code.ts";
import { asQightError } from "../proto/errors.ts";
import { confirmLeaving } from "./leave_account.ts";
import { Messenger, openStore } from "./messenger.ts";
import { openOrMakeKey, type OwnKey } from "./own_key.ts";
import type { Identity } from "./identity.ts";
import { qrCode } from "./qr_code.ts";
import { recoveredIdentity, savedBefore } from "./recovered_key.ts";
import { chosenOrOfferedRelay } from "./relay_choice.ts";
import { orAborted } from "./send_one.ts";
import type { Settings } from "./settings.ts";
import { accessToken } from "./token.ts";
import type { deviceLinkSpec } from "./tree/device.ts";
import type { Call } from "./tree/spec.ts";
import { VERSION } from "./version.ts";

type LinkCall = Call<typeof deviceLinkSpec>;

/** Prints the code, waits for the answer, publishes, and says which account this device is of now. */
export async function linkThisDevice(call: LinkCall): Promise<void> {
  const { options, out, signal } = call;
  const name = deviceName(options.name ?? PLAIN_DEVICE_NAME);
  const relay = await chosenOrOfferedRelay(call.settings, out);
  const at = { ...call, settings: { ...call.settings, relay } };
  const present = await openOrMakeKey(at.settings, out, options);
  const left = present.isNew ? null : await confirmLeaving(at, present.identity);
  await using source = new Reconnector({
    connect: () => dial(at.settings, present),
    timeoutMs: at.settings.timeoutMs,
    clock: systemClock,
    random: systemRandom,
  });
  const room = { source, signal };
  const signer = present.identity.device;
  const offered = await orAborted(offerLink(room, { signer, name, random: systemRandom }), signal);
  await show(at, relay, offered, present.identity.fingerprint);
  const linked = await orAborted(awaitGrant(room, offered), signal);
  const by = await deviceFingerprint(linked.by);
  out.note(`${by} lets this device into ${linked.account.id}`);
  const next = await recoveredIdentity(present, linked.accountSeed);
  const token = await comeIn(at.settings, room, offered, linked, { present, next });
  await settle(at, room, offered, { linked, next, token, queued: left?.queued ?? [] });
  await out.result(
    { account: linked.account.id, device: next.fingerprint, linked_by: by },
    `${linked.account.id}  linked by ${by}`,
  );
  out.note(
    linked.history
      ? "Contacts and history come with qight fetch, once the other device has sent them."
      : "Contacts come with qight fetch.",
  );
}

/** Nobody has to know this device yet, so it says nothing of an account. */
async function dial(settings: Settings, { identity }: OwnKey): Promise<RelayClient> {
  const token = await accessToken(settings);
  return await RelayClient.connect(settings.relay!, {
    signer: identity.device,
    timeoutMs: settings.timeoutMs,
    program: `qight/${VERSION}`,
    ...(token === undefined ? {} : { token }),
  });
}

async function show(
  { out, options }: LinkCall,
  relay: string,
  { secret, expiresAtMs }: OfferedLink,
  fingerprint: string,
): Promise<void> {
  const words = formatInviteWords(secret);
  const link = formatInviteLink(relay, secret, LINK_CODE);
  const expires = new Date(expiresAtMs).toISOString();
  await out.result({ code: words, expires_at: expires, link, device: fingerprint }, words);
  if (options.qr && !out.json) await out.line(await qrCode(link));
  out.note("On a device that has the account, within ten minutes:");
  out.note(`  qight device link ${words}`);
  out.note(`This device is ${fingerprint}: compare it there.`);
}

/** The key file before the list: whatever is cut off in between, the file has the account. */
async function comeIn(
  settings: Settings,
  room: LinkRoom,
  offered: OfferedLink,
  linked: LinkedAccount,
  { present, next }: { readonly present: OwnKey; readonly next: Identity },
): Promise<string> {
  try {
    return await savedBefore(present, next, async (save) => {
      await leaveWhatItLost(settings, next);
      await save();
      return await publishGrant(room, linked);
    }, UNKNOWN);
  } catch (thrown) {
    // The other device need not wait for the ten minutes to be over; what counts is what was thrown.
    await reportDone(room, offered, asQightError(thrown).message).catch(() => undefined);
    throw thrown;
  }
}

/** Back in the account that it was removed from: what it has of conversations and KeyPackages counts for nothing. */
async function leaveWhatItLost(settings: Settings, next: Identity): Promise<void> {
  await using store = await openStore(settings, next);
  await store.write((tables) => isOfAccount(tables, next.account.hash) && leaveFormer(tables, systemRandom));
}

const UNKNOWN = {
  what: "whether this device is on the list now",
  hint: "This machine has the account's key now: qight device list says it; if it is not in, link it again.",
};

/** Everything that the account's other devices want to find here, before they are told that this one is in. */
async function settle(
  { settings, out, signal }: LinkCall,
  room: LinkRoom,
  offered: OfferedLink,
  { linked, next, token, queued }: {
    readonly linked: LinkedAccount;
    readonly next: Identity;
    readonly token: string;
    readonly queued: readonly Uint8Array[];
  },
): Promise<void> {
  await using messenger = await Messenger.open(settings, out, next);
  const { store, relayName, outbox } = messenger;
  for (const id of queued) await outbox.discard(id);
  await store.write((tables) => {
    keepSession(tables, relayName, token);
    followAccount(tables, linked.account.hash, systemRandom);
    tables.directory.putBundle(linked.bundle);
  });
  try {
    const { relay } = await orAborted(messenger.connect(), signal);
    await relay[Symbol.asyncDispose]();
  } catch (thrown) {
    signal.throwIfAborted();
    out.error(
      `warning: this device is in, but not all is done yet (${asQightError(thrown).message}); qight fetch goes on`,
    );
  }
  await orAborted(reportDone(room, offered, ""), signal);
}

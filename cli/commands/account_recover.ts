/** `qight account recover`: the way back in with a recovery code. @module */
import { beginRecovery, endRecovery } from "../../client/accounts/begun.ts";
import { bringBack } from "../../client/accounts/bring_back.ts";
import {
  type FinishedRecovery,
  finishRecovery,
  type OpenedRecovery,
  openWithCode,
} from "../../client/accounts/recover.ts";
import { systemClock, systemRandom } from "../../client/clock.ts";
import { PLAIN_DEVICE_NAME } from "../../client/device_name.ts";
import { OpaqueThread } from "../../client/opaque_thread.ts";
import { RelayClient } from "../../client/relay_client.ts";
import { dialledName } from "../../client/session.ts";
import { readName } from "../../crypto/account_name.ts";
import { parseAccountId } from "../../crypto/account.ts";
import { lists } from "../../crypto/bundle.ts";
import { equal } from "../../crypto/equal.ts";
import { looksLikeId } from "../../client/contacts.ts";
import { parseRelayAddress } from "../../net/address.ts";
import { QightError } from "../../proto/errors.ts";
import { comeBackInto, revokeLost } from "../after_recovery.ts";
import { giveCodes, refuseCodesFile } from "../account_work.ts";
import type { Identity } from "../identity.ts";
import { Messenger, openStore } from "../messenger.ts";
import { confirmLeaving } from "../leave_account.ts";
import { openOrMakeKey, type OwnKey } from "../own_key.ts";
import { newPassword } from "../password.ts";
import { readRecoveryCode } from "../recovery_code.ts";
import { recoveredIdentity, savedBefore } from "../recovered_key.ts";
import { goOnRecovering } from "../recovery_cut_off.ts";
import { chosenOrOfferedRelay } from "../relay_choice.ts";
import { orAborted } from "../send_one.ts";
import { accessToken } from "../token.ts";
import type { Settings } from "../settings.ts";
import type { accountRecoverSpec } from "../tree/account.ts";
import type { Call } from "../tree/spec.ts";
import { VERSION } from "../version.ts";
import { wantYes } from "../yes.ts";

type RecoverCall = Call<typeof accountRecoverSpec>;

/** Asks for code, yes and password, puts this device on the list, gives the new codes, and goes back into the groups. */
export async function run(call: RecoverCall): Promise<void> {
  const { args: [word], options, settings, out } = call;
  const isMeant = meaningOf(word);
  await refuseCodesFile(options.codesFile);
  const relay = await chosenOrOfferedRelay(settings, out);
  const at = { ...call, settings: { ...settings, relay } };
  const secret = await readRecoveryCode(settings, out, options.codeFile);
  const present = await openOrMakeKey(settings, out, options);
  const opened = await over(at, present, (connection) => openWithCode(connection, secret))
    .catch((thrown) => goOnRecovering(at, present, isMeant, thrown));
  if (opened === null) return;
  if (!isMeant(opened)) throw otherAccount(opened, word);
  const moves = !present.isNew && !equal(present.identity.account.hash, opened.account.hash);
  const left = moves ? await confirmLeaving(at, present.identity, "Recover another account on this machine?") : null;
  await confirm(call, opened, present.identity.device.publicKey);
  const of = opened.name;
  const password = of === "" ? null : await newPassword(settings, out, { of, file: options.passwordFile });
  const next = await recoveredIdentity(present, opened.kept.accountSeed);
  const done = await savedBefore(present, next, (save) => {
    const beforeUse = async (codes: readonly string[]) => {
      await keepBegun(at.settings, next, opened, codes);
      await save();
    };
    return over(at, present, (connection) => finish(connection, next, opened, { call, password, beforeUse }));
  });
  await using messenger = await Messenger.open(at.settings, out, next);
  for (const id of left?.queued ?? []) await messenger.outbox.discard(id); // they were written as somebody else
  const contacts = await messenger.store.write((tables) => bringBack(tables, roomOf(messenger), opened, done));
  const about = { name: of === "" ? null : of, id: next.account.id, device: next.fingerprint, contacts };
  await giveCodes(out, done.codes, about, options.codesFile);
  await messenger.store.write((tables) => endRecovery(tables, messenger.relayName));
  await comeBackInto(messenger, opened.kept.groups.map(({ group }) => group), call);
  if (options.revokeOthers && done.bundle.devices.length > 1) await revokeLost(messenger, call);
}

/** A connection of its own for each step: people take their time in between. */
async function over<T>(
  { settings, signal }: RecoverCall,
  { identity }: OwnKey,
  work: (connection: RelayClient) => Promise<T>,
): Promise<T> {
  const token = await accessToken(settings);
  await using connection = await orAborted(
    RelayClient.connect(settings.relay!, {
      signer: identity.device,
      timeoutMs: settings.timeoutMs,
      program: `qight/${VERSION}`,
      ...(token === undefined ? {} : { token }),
    }),
    signal,
  );
  return await orAborted(work(connection), signal);
}

async function finish(
  relay: RelayClient,
  { account, device: signer }: Identity,
  opened: OpenedRecovery,
  { call, ...more }: {
    readonly call: RecoverCall;
    readonly password: string | null;
    readonly beforeUse: (codes: readonly string[]) => Promise<void>;
  },
): Promise<FinishedRecovery> {
  using opaque = more.password === null ? null : new OpaqueThread();
  const identity = { account, signer, deviceName: PLAIN_DEVICE_NAME };
  const room = { relay, identity, clock: systemClock, random: systemRandom, opaque };
  const { revokeOthers = false } = call.options;
  return await finishRecovery(room, opened, { ...more, revokeOthers });
}

/** Before the key file, which makes them this machine's. */
async function keepBegun(settings: Settings, next: Identity, { bundle }: OpenedRecovery, codes: readonly string[]) {
  await using store = await openStore(settings, next);
  const relay = dialledName(parseRelayAddress(settings.relay!));
  const about = { account: next.account.hash, codes, wasListed: lists(bundle, next.device.publicKey) };
  await store.write((tables) => beginRecovery(tables, relay, about, systemRandom));
}

/** What was typed names the account that it should be; `bad_id` or `bad_name` for a word that can be neither. */
function meaningOf(word: string): (whose: Pick<OpenedRecovery, "account" | "name">) => boolean {
  if (looksLikeId(word)) {
    const hash = parseAccountId(word);
    return ({ account }) => equal(account.hash, hash);
  }
  const folded = readName(word);
  return ({ name }) => name !== "" && readName(name) === folded;
}

function otherAccount({ account, name }: OpenedRecovery, word: string): QightError {
  const whose = name === "" ? account.id : `${name}, ${account.id}`;
  return new QightError("bad_code", `This code is not of ${word}: it is of ${whose}`, {
    hint: `If that is you: qight account recover ${name === "" ? account.id : name}. Nothing was changed.`,
  });
}

async function confirm(call: RecoverCall, { account, bundle, kept, name }: OpenedRecovery, own: Uint8Array) {
  const { settings, out, options } = call;
  const others = (bundle?.devices ?? []).filter(({ key }) => !equal(key, own)).length;
  const made = new Date(Number(kept.madeAtMs)).toISOString().slice(0, 10);
  out.note(`${name === "" ? "" : `${name}  `}${account.id}`);
  out.note(
    `Comes back: the account, contacts (${kept.contacts.length}) and conversations (${kept.groups.length}) as of ${made}.`,
  );
  out.note("Does not: history, files, and what still waits for the lost devices.");
  if (others > 0 && options.revokeOthers) out.note(`Devices that lose their place on the list: ${others}.`);
  else if (others > 0) out.note(`Devices that stay until they are revoked: ${others} (--revoke-others does it now).`);
  if (name !== "" && others > 0 && !options.revokeOthers) {
    out.note("They have to sign in again, with the new password.");
  }
  await wantYes(settings, {
    question: "Recover it on this machine? Type yes: ",
    needs: "Recovering needs a yes",
    refused: "Nothing was changed, and the code is still good",
  });
}

function roomOf({ relayName, self: identity, clock }: Messenger) {
  return { relayName, identity, clock, random: systemRandom };
}

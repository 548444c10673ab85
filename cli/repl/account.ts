/** The own account in a chat: its devices, its recovery codes, its end; loaded when that is first wanted. @module */
import { AccountCalls } from "../../client/account_calls.ts";
import { renewCodes } from "../../client/accounts/codes.ts";
import { endAccount } from "../../client/accounts/end.ts";
import { currentList, type DeviceRoom, findDevice, lastSeen, ownDevices, revokeDevice } from "../../client/devices.ts";
import { freeDeviceName } from "../../client/device_name.ts";
import { checkRoomFor, lookAtOffer } from "../../client/link.ts";
import { deviceFingerprint } from "../../crypto/account.ts";
import { accountText } from "../account_output.ts";
import { accountRoom } from "../account_work.ts";
import { codesAt, codesEnded, inConversations } from "../device_command.ts";
import { deviceLines } from "../device_output.ts";
import { LINK, parseInvite } from "../invite_code.ts";
import { approve, bringIn, type LinkTalk } from "../link_old.ts";
import { settingsAt } from "../link_relay.ts";
import { Output } from "../output.ts";
import { escapeLine } from "../escape.ts";
import type { Connected } from "../messenger.ts";
import type { Chat } from "./chat.ts";

const SILENT = new Output({ json: false, quiet: true, verbose: 0 });

/** Shows name, id, how many devices, and how many recovery codes are left. */
export async function showAccount(chat: Chat): Promise<void> {
  const { relay, published } = await chat.room();
  const shown = await new AccountCalls(relay.rpc).show();
  const { id } = chat.messenger.identity.account;
  await chat.screen.show(escapeText(accountText(shown, id, published.bundle.devices.length, "/recovery")));
}

/** Lists the devices of the account. */
export async function showDevices(chat: Chat): Promise<void> {
  const room = await chat.room();
  const [devices, seen] = await Promise.all([ownDevices(devicesOf(chat, room)), lastSeen(room.relay)]);
  await chat.screen.show(escapeText(deviceLines(devices, seen).join("\n")));
}

/**
 * Lets the device behind a code in, after its name was typed. `words`: the code, `--no-history` at its end to keep the
 * history here.
 */
export async function letDeviceIn(chat: Chat, words: readonly string[]): Promise<void> {
  const { messenger, screen, settings } = chat;
  const history = words.at(-1) !== "--no-history";
  const code = parseInvite((history ? words : words.slice(0, -1)).join(" "), LINK.kind);
  settingsAt(code, { ...settings, relay: messenger.relayAddress }, SILENT);
  const known = await chat.room();
  // The session may be older than the last change of the list.
  const bundle = await currentList(devicesOf(chat, known));
  const connected = { ...known, published: { ...known.published, bundle } };
  checkRoomFor(bundle);
  const room = { source: { client: () => chat.relay() }, signal: new AbortController().signal };
  const seen = await lookAtOffer(room, code.secret);
  const { device, name } = seen.offer;
  checkRoomFor(bundle, device);
  screen.note(`new device   ${await deviceFingerprint(device)}  ${name}`);
  screen.note(`this device  ${messenger.identity.fingerprint}`);
  await chat.confirm("The new device shows its fingerprint too. If they are the same, it will be one of yours.", name);
  const added = await approve(messenger, connected, room, seen, history);
  screen.note(`${added.name} is one of your devices now`);
  const talk: LinkTalk = {
    signal: room.signal,
    note: (text) => screen.note(text),
    error: (text) => screen.warn(text),
    // The line being typed stands where a bar would be.
    bar: () => ({ update() {}, [Symbol.dispose]() {} }),
  };
  await bringIn(talk, messenger, room, device, history);
}

/** Takes a device off the account after its name was typed. */
export async function revoke(chat: Chat, word: string): Promise<void> {
  const room = await chat.room();
  const work = devicesOf(chat, room);
  const { key, name, fingerprint, current } = findDevice(await ownDevices(work), word);
  chat.screen.note(`${escapeLine(name)}  ${fingerprint}`);
  const what =
    "It may do nothing more at the relay, for good, and leaves all conversations; contacts see that it went.";
  // Whoever had the device last may have given it a name that nobody can type.
  if (!current) await chat.confirm(what, freeDeviceName([], name));
  const codes = await codesAt(room);
  await revokeDevice(work, key);
  const ended = await codesEnded(room, codes, "/recovery");
  await inConversations({ messenger: chat.messenger, room }, "removeGoneDevices");
  chat.screen.note(`${escapeLine(name)} is off your account`);
  if (ended) chat.screen.note(ended);
}

/** Makes eight new recovery codes and shows them, once. */
export async function newRecoveryCodes(chat: Chat): Promise<void> {
  const { relay } = await chat.room();
  const { messenger } = chat;
  await chat.confirm("The recovery codes that you have are worth nothing afterwards.", "new");
  const { codes, left } = await renewCodes(accountRoom(messenger, relay), messenger.identity.secrets.accountSeed);
  await chat.screen.show(codes.join("\n"));
  if (left > 0) chat.screen.note(`${left} contacts or groups do not fit into what the codes bring back`);
  chat.screen.note(`these ${codes.length} are shown once: keep them where this machine is not`);
}

/** Ends the account at the relay after its name (or id) was typed. */
export async function deleteAccount(chat: Chat): Promise<void> {
  const { relay } = await chat.room();
  const { messenger } = chat;
  const { name } = await new AccountCalls(relay.rpc).show();
  const what = "This ends the account at this relay for ever: all devices, what waits for them, the recovery codes.";
  await chat.confirm(what, name === "" ? messenger.identity.account.id : name);
  await endAccount(accountRoom(messenger, relay));
  chat.screen.note("the account is deleted; key and messages are still on this machine: qight key delete removes them");
}

function devicesOf({ messenger }: Chat, { relay }: Connected): DeviceRoom {
  const { store, self: identity, clock } = messenger;
  return { relay, store, identity, clock };
}

/** Names of devices and accounts are others' words too. */
function escapeText(text: string): string {
  return text.split("\n").map(escapeLine).join("\n");
}

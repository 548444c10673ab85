/** Invites in a chat; loaded when they are first wanted, with their words and their cryptography. @module */
import { contactName } from "../../client/contacts.ts";
import {
  answerInvite,
  claimInvite,
  confirmInvite,
  forgetInvite,
  ownInvites,
  revokeInvite,
} from "../../client/invites.ts";
import { formatAccountId } from "../../crypto/account.ts";
import { INVITE_WORDS } from "../../crypto/invite_code.ts";
import { parseRelayAddress } from "../../net/address.ts";
import { asQightError, QightError } from "../../proto/errors.ts";
import { parseInvite } from "../invite_code.ts";
import { findInvite, inviteId, inviteLine } from "../invite_output.ts";
import { parseDuration } from "../../relay/config/durations.ts";
import { INVITE_TTL, newInvite } from "../new_invite.ts";
import type { Chat } from "./chat.ts";
import { groupsOf } from "./group_words.ts";

/** The words that an invite is made of, for TAB. */
export const inviteWords = INVITE_WORDS;

/** Makes an invite and shows it; with `group` (id) it lets its taker into that group. */
export async function make(chat: Chat, name: string | undefined, group?: Uint8Array): Promise<void> {
  const ttlS = parseDuration(INVITE_TTL) / 1000;
  const pass = group && await groupsOf(chat).pass(group, ttlS);
  const { words, link, command } = await newInvite(chat.messenger, await chat.relay(), {
    ttlS,
    name: "",
    contactName: name === undefined ? "" : contactName(name),
    ...(pass ? { group: pass } : {}),
  });
  await chat.screen.show(`words  ${words}\nlink   ${link}\n${command}`);
  chat.screen.note("good for 10 minutes, once; whoever gets it pastes the last line, or types /accept and the words");
}

/** Shows the own invites. */
export async function list(chat: Chat): Promise<void> {
  const { store, clock } = chat.messenger;
  const all = await ownInvites(store, clock.now());
  if (all.length === 0) return chat.screen.note("you have made no invites");
  await chat.screen.show(all.map(inviteLine).join("\n"));
}

/** Takes an own invite back. */
export async function revoke(chat: Chat, id: string): Promise<void> {
  const { store, clock } = chat.messenger;
  const found = findInvite(await ownInvites(store, clock.now()), id);
  await forgetInvite(store, found.locator);
  const revoked = await revokeInvite({ relay: await chat.relay() }, found.locator);
  const late = revoked || found.state !== "open" ? "" : "; the relay had given it out already, to nobody whom you know";
  chat.screen.note(`invite ${inviteId(found.locator)} is revoked${late}`);
}

/** Takes somebody's invite, by words or link; both sides are verified contacts then. */
export async function take(chat: Chat, words: readonly string[]): Promise<void> {
  const { store, clock, outbox, relayAddress } = chat.messenger;
  const code = parseInvite(words.join(" "));
  if (code.relay !== undefined && parseRelayAddress(code.relay).text !== relayAddress) {
    throw new QightError("bad_invite", "The link is for another relay than this chat's", {
      hint: `qight invite accept 'LINK' --relay ${parseRelayAddress(code.relay).text}`,
    });
  }
  const room = { relay: await chat.relay(), store, clock, outbox };
  const claimed = await claimInvite(room, code.secret, chat.own);
  const { contact } = await answerInvite(room, claimed, { own: chat.own, ownName: "", name: "" });
  chat.wake();
  chat.screen.note(`${contact.name} is a verified contact now: ${formatAccountId(contact.account)}`);
  const { group } = claimed.record;
  if (group) chat.screen.note(`you are in #${(await groupsOf(chat).joinBy(group)).name} now; /group opens it`);
  // The answer is on disk and goes out by itself; without the confirmation only this device could use the invite again.
  await confirmInvite(room, claimed.keys).catch((thrown) => chat.screen.note(asQightError(thrown).message));
  await chat.refreshPrompt();
}

/** Groups and people as words of slash commands mean them. @module */
import { groupOf, peerOf } from "../../client/conversations.ts";
import type { GroupRow, Groups } from "../../client/groups.ts";
import { groupsAt } from "../../client/participant_groups.ts";
import { dialledName } from "../../client/session.ts";
import { equal, isOneOf } from "../../crypto/equal.ts";
import { parseRelayAddress } from "../../net/address.ts";
import { QightError } from "../../proto/errors.ts";
import { eachWord } from "../met_by_name.ts";
import type { Chat } from "./chat.ts";

/** The groups of the chat's identity, over its session. */
export function groupsOf(chat: Chat): Groups {
  return groupsAt(chat.messenger, { client: () => chat.relay() });
}

/** The accounts of names and ids, each once; `key_changed` and `blocked` as for writing to them. */
export async function peopleNamed(chat: Chat, words: readonly string[]): Promise<Uint8Array[]> {
  const accounts: Uint8Array[] = [];
  for (const account of await eachNamed(chat, words)) {
    await chat.refuseUnreachable(account);
    if (!isOneOf(account, accounts)) accounts.push(account);
  }
  return accounts;
}

/** Whom each word means, in their order; a name that is no contact's is asked of the relay, and pinned. */
export function eachNamed(chat: Chat, words: readonly string[]): Promise<Uint8Array[]> {
  return eachWord(words, (word) => chat.whoNow(word));
}

/** The group behind the open conversation, also of two people; begun when there is none. `usage` for the notes. */
export async function conversationGroup(chat: Chat): Promise<Uint8Array> {
  const key = chat.openKey();
  const peer = peerOf(key);
  if (peer && equal(peer, chat.own)) throw new QightError("usage", "Notes go nowhere", { hint: "" });
  return groupOf(key) ?? await groupsOf(chat).direct(peer!);
}

/** The groups as they are known here, without asking anybody. */
export function knownGroups({ messenger }: Chat): Groups {
  return groupsAt(messenger, {
    client: () => Promise.reject(new QightError("invariant", "A look at a group wanted a relay")),
  });
}

/** The group behind a conversation, also of two people, in which this device is active; null when there is none. */
export async function groupBehind({ messenger }: Chat, key: string): Promise<GroupRow | null> {
  const relay = dialledName(parseRelayAddress(messenger.relayAddress));
  const [group, peer] = [groupOf(key), peerOf(key)];
  const row = await messenger.store.read(({ groups }) =>
    group ? groups.get(relay, group) : peer && groups.ofPeer(relay, peer)
  );
  return row?.status === "active" ? row : null;
}

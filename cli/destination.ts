/** Where a message goes: TO of `qight send`. @module */
import type { Draft } from "../client/messages.ts";
import type { Delivery, Via } from "../client/send.ts";
import { dialledName } from "../client/session.ts";
import { formatAccountId } from "../crypto/account.ts";
import { parseRelayAddress } from "../net/address.ts";
import { QightError } from "../proto/errors.ts";
import type { Messenger } from "./messenger.ts";
import { shownName } from "./shown_name.ts";
import { parseWho, recipientOf } from "./who.ts";

/** A recipient as sending needs it. */
export interface Destination {
  /** Account hash, or with `conversation` "group" the id of the group; 32 bytes. */
  readonly recipient: Uint8Array;
  /** As in a Draft: absent for sealed and plain mail. */
  readonly conversation: Draft["conversation"];
  /** As scripts see it: an id, or `#NAME`. */
  readonly to: string;
  /** How it will go if nothing comes between. */
  readonly via: Via;
  /** Lines of this conversation go so many seconds after they were read; 0 = they stay. */
  readonly disappearAfterS: number;
}

/** What a message is to be outside of conversations, by explicit wish. */
export interface Outside {
  readonly sealed?: boolean;
  readonly plaintext?: boolean;
}

/** Refuses a word that can be no recipient, before anything is opened; `bad_id`, or `usage` for a group's mail. */
export function checkDestination(word: string, { sealed, plaintext }: Outside): void {
  if (!word.startsWith("#")) return void parseWho(word);
  if (!sealed && !plaintext) return;
  throw new QightError(
    "usage",
    `--${sealed ? "sealed" : "plaintext"} is for people: a group is always a conversation`,
    {
      hint: "See qight help send.",
    },
  );
}

/**
 * Finds a recipient: `#NAME` is a group, everything else an account, whose conversation is meant unless something else
 * was asked for. `no_such_group`, `no_such_contact`, `key_changed`, `blocked`.
 */
export async function destinationOf(
  word: string,
  messenger: Messenger,
  { sealed = false, plaintext = false }: Outside,
): Promise<Destination> {
  if (word.startsWith("#")) {
    const { group, name } = await messenger.groups(NO_RELAY).find(word);
    const disappearAfterS = await timerOf(messenger, group);
    return { recipient: group, conversation: "group", to: `#${name}`, via: "mls", disappearAfterS };
  }
  const recipient = await recipientOf(parseWho(word), messenger.contacts);
  const own = recipient.toHex() === messenger.identity.account.hash.toHex();
  const direct = !sealed && !plaintext && !own;
  return {
    recipient,
    conversation: direct ? "direct" : undefined,
    to: formatAccountId(recipient),
    via: plaintext ? "plain" : direct ? "mls" : "sealed",
    disappearAfterS: direct ? await directTimer(messenger, recipient) : 0,
  };
}

/** Of the conversation with an account; 0 when none has begun. */
async function directTimer(messenger: Messenger, peer: Uint8Array): Promise<number> {
  const relay = dialledName(parseRelayAddress(messenger.relayAddress));
  const row = await messenger.store.read(({ groups }) => groups.ofPeer(relay, peer));
  return row ? await timerOf(messenger, row.group) : 0;
}

async function timerOf(messenger: Messenger, group: Uint8Array): Promise<number> {
  return (await messenger.groups(NO_RELAY).show(group)).disappearAfterS;
}

/** Which members did not get a message that others have, a line each; empty when all have it. */
export async function missedLines(
  messenger: Messenger,
  group: Uint8Array | null,
  devices: Delivery["devices"],
): Promise<string[]> {
  const missed = devices.filter(({ error }) => error !== null);
  if (missed.length === 0 || group === null) return [];
  const { members } = await messenger.groups(NO_RELAY).show(group);
  const names = await messenger.contacts.names();
  return missed.map(({ device, error }) => {
    const hex = device.toHex();
    const member = members.find(({ devices }) => devices.some((one) => one.toHex() === hex));
    const who = member ? shownName(member.account, names) : `device ${hex.slice(0, 16)}`;
    return `${who} did not get it: ${error!.message}`;
  });
}

/** For what is asked of the store alone. */
const NO_RELAY = {
  client: () => Promise.reject(new QightError("invariant", "A look at the own groups wanted the relay")),
};

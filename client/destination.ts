/**
 * Where a message goes: a group by its name, a person by name or id.
 * @module
 */
import { formatAccountId } from "../crypto/account.ts";
import { equal } from "../crypto/equal.ts";
import { findKnownGroup, knownGroup } from "./known_group.ts";
import type { Draft } from "./messages.ts";
import type { Participant } from "./participant.ts";
import type { Via } from "./send.ts";
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

/**
 * Finds a recipient: `#NAME` is a group, everything else an account, whose conversation is meant unless something else
 * was asked for. `no_such_group`, `no_such_contact`, `key_changed`, `blocked`.
 */
export async function destinationOf(
  word: string,
  participant: Participant,
  { sealed = false, plaintext = false }: Outside,
): Promise<Destination> {
  if (word.startsWith("#")) {
    const { group, name } = await findKnownGroup(participant, word);
    const disappearAfterS = await timerOf(participant, group);
    return { recipient: group, conversation: "group", to: `#${name}`, via: "mls", disappearAfterS };
  }
  const recipient = await recipientOf(parseWho(word), participant.contacts);
  const direct = !sealed && !plaintext && !await isAlone(participant, recipient);
  return {
    recipient,
    conversation: direct ? "direct" : undefined,
    to: formatAccountId(recipient),
    via: plaintext ? "plain" : direct ? "mls" : "sealed",
    disappearAfterS: direct ? await directTimer(participant, recipient) : 0,
  };
}

/** Whether it is the own account, and this its only device: nobody else would be in a conversation with oneself. */
async function isAlone(participant: Participant, recipient: Uint8Array): Promise<boolean> {
  return equal(recipient, participant.self.account.hash) && !await participant.hasOtherDevices();
}

/** Of the conversation with an account; 0 when none has begun. */
async function directTimer(participant: Participant, peer: Uint8Array): Promise<number> {
  const row = await participant.store.read(({ groups }) => groups.ofPeer(participant.relayName, peer));
  return row ? await timerOf(participant, row.group) : 0;
}

async function timerOf(participant: Participant, group: Uint8Array): Promise<number> {
  return (await knownGroup(participant, group)).disappearAfterS;
}

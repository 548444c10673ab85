/** Where a message goes: TO of `qight send`. @module */
import type { Outside } from "../client/destination.ts";
import { knownGroup } from "../client/known_group.ts";
import type { Delivery } from "../client/send.ts";
import { QightError } from "../proto/errors.ts";
import type { Messenger } from "./messenger.ts";
import { shownName } from "./shown_name.ts";
import { parseWho } from "./who.ts";

export { type Destination, destinationOf } from "../client/destination.ts";

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

/** Which members did not get a message that others have, a line each; empty when all have it. */
export async function missedLines(
  messenger: Messenger,
  group: Uint8Array | null,
  devices: Delivery["devices"],
): Promise<string[]> {
  const missed = devices.filter(({ error }) => error !== null);
  if (missed.length === 0 || group === null) return [];
  const { members } = await knownGroup(messenger, group);
  const names = await messenger.contacts.names();
  return missed.map(({ device, error }) => {
    const hex = device.toHex();
    const member = members.find(({ devices }) => devices.some((one) => one.toHex() === hex));
    const who = member ? shownName(member.account, names) : `device ${hex.slice(0, 16)}`;
    return `${who} did not get it: ${error!.message}`;
  });
}

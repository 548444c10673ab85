/** What `qight group …` commands share: a session, the groups over it, and whom words mean. @module */
import type { Groups, GroupView } from "../client/groups.ts";
import { groupsAt } from "../client/participant_groups.ts";
import type { RelayClient } from "../client/relay_client.ts";
import { asQightError } from "../proto/errors.ts";
import { groupFields } from "./group_output.ts";
import { eachWord, knownOrMet, metByName } from "./met_by_name.ts";
import { type Connected, Messenger } from "./messenger.ts";
import { orAborted } from "./send_one.ts";
import type { Call } from "./tree/spec.ts";
import { parseWho, recipientOf } from "./who.ts";

type Words = Pick<Call, "settings" | "out" | "signal">;

/** What a command about groups works with. */
export interface GroupWork {
  readonly messenger: Messenger;
  readonly groups: Groups;
  readonly room: Connected;
}

/** Runs `work` over a session, after what others did to the groups was taken in. */
export async function withGroups<T>(words: Words, work: (with_: GroupWork) => Promise<T>): Promise<T> {
  const { settings, out, signal } = words;
  await using messenger = await Messenger.open(settings, out);
  const room = await orAborted(messenger.connect(), signal);
  await using _relay = room.relay;
  const groups = groupsAt(messenger, { client: () => Promise.resolve<RelayClient>(room.relay) });
  // A member that is away longer sees here what an invite or a removal made of its groups.
  for (const error of await orAborted(groups.tend(), signal)) out.detail(asQightError(error).message);
  return await orAborted(work({ messenger, groups, room }), signal);
}

/** Runs `work` on what is known here: no relay is asked. */
export async function withKnownGroups<T>(
  { settings, out }: Pick<Words, "settings" | "out">,
  work: (with_: Pick<GroupWork, "messenger" | "groups">) => Promise<T>,
): Promise<T> {
  await using messenger = await Messenger.open(settings, out);
  const away = { client: () => Promise.reject<RelayClient>(new Error("What is known here needs no relay")) };
  return await work({ messenger, groups: groupsAt(messenger, away) });
}

/**
 * The accounts of members by name or id, each once; `key_changed` and `blocked` as for writing to them. A name that is no
 * contact's is asked of the relay, and pinned.
 */
export async function accountsOf(words: readonly string[], with_: GroupWork, call: Words): Promise<Uint8Array[]> {
  const { contacts } = with_.messenger;
  const accounts = await eachNamed(words, (word) => recipientOf(parseWho(word), contacts), with_, call);
  return [...new Map(accounts.map((account) => [account.toHex(), account])).values()];
}

/** What `find` answers for each word, in their order; a name that is no contact's is asked of the relay, and pinned. */
export async function eachNamed<T>(
  words: readonly string[],
  find: (word: string) => Promise<T>,
  { messenger, room }: GroupWork,
  { out }: Pick<Words, "out">,
): Promise<T[]> {
  const { contacts, self: { account } } = messenger;
  const asking = { contacts, own: account.hash, note: (text: string) => out.note(text) };
  return await eachWord(words, (word) => knownOrMet(word, find, () => metByName(room.relay, word, asking)));
}

/** Prints what became of a group: its object with `--json`, else a line. */
export async function printGroup({ out }: Pick<Words, "out">, view: GroupView, text: string): Promise<void> {
  await out.result(groupFields(view), text);
}

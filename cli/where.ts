/** Which conversation a word means: `#NAME` of a group, a contact, an id, or oneself. @module */
import type { Contacts } from "../client/contacts.ts";
import { conversationOfGroup, conversationWith, type GroupTitles, shortGroupId } from "../client/conversations.ts";
import type { ClientStore } from "../client/storage/store.ts";
import { hex } from "../crypto/hex.ts";
import { QightError } from "../proto/errors.ts";
import { whom } from "./repl/whom.ts";

/** What knows conversations by their names. */
export interface Places {
  readonly store: ClientStore;
  readonly contacts: Contacts;
  /** Own account hash, 32 bytes. */
  readonly own: Uint8Array;
}

/** The store's name of the conversation that a word means; `no_such_group`, `no_such_contact` or `bad_id` otherwise. */
export async function conversationOf(word: string, { store, contacts, own }: Places): Promise<string> {
  if (word.startsWith("#")) return conversationOfGroup(await groupNamed(word, store));
  return conversationWith(await whom(word, contacts, own));
}

/** The id (32 bytes) of the group that is called so here, with `#` or without, or by the digits of its id. */
async function groupNamed(word: string, store: ClientStore): Promise<Uint8Array> {
  const name = word.replace(/^#/, "");
  const found = await store.read(({ groups }) => {
    const here = groups.ofName(name);
    // A group that is over has lines still, and perhaps a name that another one has by now.
    const all = here ? [here] : groups.all().filter(({ kind }) => kind === "group");
    return all.findLast((row) => row.name.toLowerCase() === name.toLowerCase()) ??
      all.find(({ group }) => isIdOf(group, name));
  });
  if (found) return found.group;
  throw new QightError("no_such_group", `There is no group #${name}`);
}

/** What groups are called here, `#name` each. */
export function groupTitles(store: ClientStore): GroupTitles {
  return async () => {
    const all = await store.read(({ groups }) => groups.all());
    const names = new Map(all.map(({ group, name }) => [hex(group), name]));
    return (group) => {
      const name = names.get(hex(group));
      return name ? `#${name}` : shortGroupId(group);
    };
  };
}

/** Eight digits are enough, as `shortGroupId` shows them. */
function isIdOf(group: Uint8Array, word: string): boolean {
  return /^[0-9a-f]{8,64}$/i.test(word) && hex(group).startsWith(word.toLowerCase());
}

/** Names for completion: what only the own key and settings know. Asks nobody, and says nothing when it cannot know. @module */
import { systemClock } from "../../client/clock.ts";
import { Contacts } from "../../client/contacts.ts";
import { contextNames } from "../contexts.ts";
import { openIdentityUnasked, storePath } from "../identity.ts";
import { openStore } from "../messenger.ts";
import type { Output } from "../output.ts";
import { exists } from "../paths.ts";
import type { Settings } from "../settings.ts";
import type { NameList } from "./kinds.ts";

/** The names of a list that no shell would take apart; none when the key has a passphrase that was not handed in. */
export async function namesOf(list: NameList, settings: Settings, out: Output): Promise<string[]> {
  const names = list === "contexts" ? contextNames(settings) : await ownNames(list, settings, out);
  return names.filter((name) => PLAIN.test(name)).sort();
}

// No quote, no space, no dollar, no leading dash: a script puts the name on the line as it is, but for the # of a group.
const PLAIN = /^#?[\p{L}\p{N}_][\p{L}\p{M}\p{N}._-]*$/u;

async function ownNames(list: Exclude<NameList, "contexts">, settings: Settings, out: Output): Promise<string[]> {
  const identity = await openIdentityUnasked(settings, out);
  if (identity === "absent" || identity === "locked") return [];
  // Pressing TAB makes no files.
  if (!await exists(storePath(settings.dataDir, identity.device.publicKey))) return [];
  await using store = await openStore(settings, identity);
  const all = await store.read(({ groups }) => groups.all());
  const groups = all.flatMap(({ name }) => name === "" ? [] : [name]);
  if (list === "groups") return groups;
  const contacts = (await new Contacts(store, systemClock).list()).map(({ name }) => name);
  return list === "contacts" ? contacts : [...contacts, ...groups.map((name) => `#${name}`)];
}

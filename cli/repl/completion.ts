/** What TAB offers in a chat: commands, names, files. @module */
import { join } from "node:path";
import { formatAccountId } from "../../crypto/account.ts";
import { escapeLine } from "../escape.ts";
import type { People } from "./typed_line.ts";
import type { WordKind } from "./command.ts";
import { commandNamed, commands } from "./commands.ts";
import { loadInvites } from "./late.ts";
import { withHome } from "./files.ts";
import { quoted, splitWords } from "./typed_line.ts";

/** More candidates than a screen shows help nobody. */
const MOST = 500;

/** The candidates for the end of a line, and that end. */
export async function complete(people: People, line: string): Promise<[candidates: string[], replaced: string]> {
  const named = /^@(\S*)$/.exec(line);
  if (named) return matching((await names(people)).map((name) => `@${name} `), line);
  if (/^#\S*$/.test(line)) return matching((await groups(people)).map((title) => `${title} `), line);
  if (!line.startsWith("/") || line.startsWith("//")) return [[], line];
  const { words, last } = splitWords(line.slice(1));
  if (words.length <= 1 && last !== "" || line === "/") {
    return matching(commands.flatMap(({ name, aliases = [] }) => [name, ...aliases]).map((name) => `/${name} `), line);
  }
  const kinds = commandNamed(words[0].toLowerCase())?.words ?? [];
  const place = last === "" ? words.length - 1 : words.length - 2;
  const kind = kinds[Math.min(place, kinds.length - 1)];
  if (kind === undefined) return [[], line];
  const typed = last === "" ? "" : words.at(-1)!;
  const candidates = kind === "path" ? await paths(people, typed) : (await of(people, kind)).map((word) => `${word} `);
  const fitting = candidates.filter((word) => beginsWith(word, kind === "path" ? quoted(typed) : typed));
  return [fitting.length > MOST ? [] : fitting, last];
}

async function of(people: People, kind: Exclude<WordKind, "path">): Promise<readonly string[]> {
  if (kind === "contact") return await names(people);
  if (kind === "group") return await groups(people);
  if (kind === "command") return commands.map(({ name }) => name);
  if (kind === "invite word") return (await loadInvites()).inviteWords;
  if (kind !== "conversation") return kind;
  const named = await names(people);
  const all = await people.conversations.list();
  const strangers = all.flatMap(({ title, peer }) => peer && title.startsWith("qid1") ? [formatAccountId(peer)] : []);
  return [...named, ...await groups(people), ...strangers];
}

/** Groups by name, `#name`: also those where nothing was said yet. */
async function groups({ messenger }: People): Promise<string[]> {
  const all = await messenger.store.read(({ groups }) => groups.all());
  return all.flatMap(({ name, status }) =>
    name !== "" && status !== "left" && status !== "removed" ? [`#${name}`] : []
  );
}

async function names(people: People): Promise<string[]> {
  return (await people.messenger.contacts.list()).map(({ name }) => name);
}

/** Entries of the folder that is typed so far; a folder ends with a slash, so that typing goes on inside. */
async function paths(people: People, typed: string): Promise<string[]> {
  const folder = typed.slice(0, typed.lastIndexOf("/") + 1);
  const begin = typed.slice(folder.length);
  const found: string[] = [];
  const place = withHome(folder === "" ? "." : folder, people.settings.env);
  try {
    for await (const { name, isDirectory, isSymlink } of Deno.readDir(place)) {
      // A name that would steer the terminal is not offered, hidden ones only when they are asked for.
      if (!name.startsWith(begin) || name !== escapeLine(name) || (name.startsWith(".") && begin === "")) continue;
      const opens = isDirectory || (isSymlink && await leadsToFolder(join(place, name)));
      found.push(`${quoted(folder + name)}${opens ? "/" : " "}`);
      if (found.length >= MOST) break;
    }
  } catch (error) {
    // What cannot be listed has nothing to offer; the command itself says why.
    if (!(error instanceof Error)) throw error;
    return [];
  }
  return found.sort();
}

async function leadsToFolder(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
}

function matching(all: readonly string[], line: string): [string[], string] {
  return [all.filter((each) => beginsWith(each, line)).slice(0, MOST), line];
}

function beginsWith(word: string, typed: string): boolean {
  return word.toLowerCase().startsWith(typed.toLowerCase());
}

/** What a value on the command line is, for completion: read from the word that stands for it in the tree. @module */

/** Lists that only the own key and settings know; the binary prints them. */
export const nameLists = ["contacts", "contexts", "groups", "conversations"] as const;

/** One of these lists. */
export type NameList = typeof nameLists[number];

/**
 * What completes a value; "text" is nothing that could be known, a list is all that there is, "commands" are those of
 * qight itself.
 */
export type Kind = "text" | "file" | "folder" | "program" | "commands" | NameList | readonly string[];

/** Shells that have a script. */
export const shells = ["bash", "zsh", "fish"] as const;

const byWord: Readonly<Record<string, Kind>> = {
  file: "file",
  path: "file",
  dir: "folder",
  to: "conversations",
  who: "contacts",
  where: "conversations",
  member: "contacts",
  peer: "conversations",
  shell: shells,
};

/** Where the word alone does not say it. */
const byPlace: Readonly<Record<string, Kind>> = {
  "--context name": "contexts",
  "--log-format format": ["text", "json"],
  "contact show name": "contacts",
  "contact verify name": "contacts",
  "contact block name": "contacts",
  "contact remove name": "contacts",
  "invite create --group name": "groups",
  "group invite name": "groups",
  "group remove name": "groups",
  "group show name": "groups",
  "group members name": "groups",
  "group rename name": "groups",
  "group admin name": "groups",
  "group timer name": "groups",
  "group join name": "groups",
  "group leave name": "groups",
  "context use name": "contexts",
  "context show name": "contexts",
  "context remove name": "contexts",
  "fetch command": "program",
  "man page": "commands",
  "config schema relay": ["relay"],
};

/** What an argument of a command is; `word` is its name in the tree without brackets. */
export function argumentKind(path: string, word: string): Kind {
  return look(`${path} ${word}`, word);
}

/** What the value of an option is; `path` is empty for the global ones. */
export function optionKind(path: string, name: string, word: string): Kind {
  return look(`${path} ${name} ${word}`.trim(), word);
}

function look(place: string, word: string): Kind {
  if (Object.hasOwn(byPlace, place)) return byPlace[place];
  return Object.hasOwn(byWord, word) ? byWord[word] : "text";
}

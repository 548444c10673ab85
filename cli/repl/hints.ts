/** Hints name commands of the shell; a chat has most of them under a slash. @module */

/** A command of the shell, and what does the same in a chat. */
const SAME: readonly (readonly [RegExp, string])[] = [
  [/\bqight contact (add|remove)\b/g, "/contacts $1"],
  [/\bqight contact list\b/g, "/contacts"],
  [/\bqight contact (?:verify|show)\b/g, "/verify"],
  [/\bqight contact block\b/g, "/block"],
  [/\bqight invite create\b/g, "/invite"],
  [/\bqight invite (list|revoke)\b/g, "/invite $1"],
  [/\bqight invite accept\b/g, "/accept"],
  [/\bqight whoami\b/g, "/whoami"],
];

/** The same hint for whoever is in a chat; one with an option needs the shell, and stays as it is. */
export function hintInChat(hint: string): string {
  if (/ --(?!undo\b)\w/.test(hint)) return hint;
  return SAME.reduce((text, [shell, chat]) => text.replace(shell, chat), hint);
}

/** Under which title a command stands on the first page of the help, in what order. @module */
import type { CommandSpec } from "./spec.ts";

/** Titles and names; a name that is not built yet is passed over, one that is nowhere stands under the last title. */
export const groups: readonly (readonly [title: string, names: readonly string[]])[] = [
  ["Messages", ["send", "fetch", "repl", "history", "file", "transcript"]],
  ["People", ["contact", "invite", "group", "report", "check-key"]],
  ["Keys", ["key", "whoami", "device", "account"]],
  ["Relay", ["relay", "discover", "ping", "health", "mesh"]],
  [
    "This machine",
    ["context", "config", "doctor", "daemon", "selftest", "completion", "man", "version", "uninstall", "help"],
  ],
];

/** The commands under each title that has any. */
export function grouped(tree: CommandSpec): { title: string; commands: CommandSpec[] }[] {
  const left = new Set(tree.commands);
  const found = groups.map(([title, names]) => {
    const commands = names.flatMap((name) => [...left].filter((spec) => spec.name === name));
    for (const spec of commands) left.delete(spec);
    return { title, commands };
  });
  found.at(-1)!.commands.push(...left);
  return found.filter(({ commands }) => commands.length > 0);
}

/** Row of `qight repl`. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight repl`. */
export const replSpec = {
  name: "repl",
  aliases: ["chat"],
  summary: "chat: conversations with contacts",
  options: [["--with <peer>", "open the conversation with a contact or an id, or #NAME"]],
  more: [
    "Plain text goes to whoever is open, @NAME TEXT to NAME, #NAME TEXT to a group; /help lists the commands, // begins a text with a slash.",
    "Lines and files are kept encrypted on this machine. What cannot go out waits on disk. ^D ends.",
    "Without a terminal it reads lines from stdin and prints conversations on stdout, remarks on stderr.",
  ],
  examples: ["qight repl --with bob", 'echo "@bob see you at eight" | qight repl'],
  module: "repl",
  encrypts: true,
} as const satisfies CommandSpec;

/** Rows of `qight history` and `qight transcript`. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight history`. */
export const historySpec = {
  name: "history",
  summary: "show what was said, and search it",
  options: [
    ["--in <where>", "only this conversation: a contact, a public id, #NAME of a group, or me"],
    ["--search <text>", "only lines with these words; the beginning of a word is enough"],
    ["--max <n>", "the newest so many lines (default 50)"],
  ],
  more: [
    "send, fetch and repl keep what they carried, encrypted, on this machine: the newest 10,000 lines or 16 MiB of each",
    "conversation. [history] keep = false in config.toml turns that off for send and fetch. No relay is asked.",
    "A line of yours is waiting, sent, accepted (by the relay), delivered, read, or refused.",
  ],
  examples: ["qight history --in bob --max 10", 'qight history --search "disk full" --json'],
  module: "history",
} as const satisfies CommandSpec;

const passphrase = [
  "The passphrase is asked for, or read with --passphrase-file.",
] as const;

/** `qight transcript export`. */
export const transcriptExportSpec = {
  name: "export",
  summary: "write a conversation down, sealed to a passphrase",
  args: "<where> <file>",
  more: [
    "Words, files' names, reactions and marks; not the files themselves. Each line is chained to the one before, and",
    "this device signs the end: whoever changes, drops, moves or cuts off a line is found out. Nothing is overwritten.",
    ...passphrase,
  ],
  examples: ["qight transcript export bob bob.transcript", "qight transcript export '#ops' ops.transcript"],
  module: "transcript_export",
} as const satisfies CommandSpec;

/** `qight transcript` and what is below it. */
export const transcriptSpec = {
  name: "transcript",
  summary: "conversations as files that show every change",
  commands: [
    transcriptExportSpec,
    {
      name: "verify",
      summary: "say whether a transcript is whole, and whose word it is",
      args: "<file>",
      more: ["No relay and no key is needed. Exit 65 names each line that was changed.", ...passphrase],
      examples: ["qight transcript verify bob.transcript"],
      module: "transcript_verify",
    },
    {
      name: "show",
      summary: "print the lines of a transcript that is whole",
      args: "<file>",
      more: [...passphrase],
      examples: ["qight transcript show bob.transcript", "qight transcript show bob.transcript --json"],
      module: "transcript_show",
    },
    {
      name: "import",
      summary: "take an own transcript into the history",
      args: "<file>",
      more: [
        "Only one that this account wrote down. Lines that are here already stay as they are; the others go before them.",
        ...passphrase,
      ],
      examples: ["qight transcript import bob.transcript"],
      module: "transcript_import",
    },
  ],
  examples: ["qight transcript export bob bob.transcript", "qight transcript verify bob.transcript"],
} as const satisfies CommandSpec;

/** Rows of `qight context`. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight context add`. */
export const contextAddSpec = {
  name: "add",
  summary: "name a relay, and the key, time and files to use with it",
  args: "<name>",
  options: [["--force", "change what is given when the name exists; the rest of it stays"]],
  more: [
    "Takes --relay, --identity, --timeout, --passphrase-file and --token-file from this line alone, not from the",
    "environment, and writes them into config.toml. The first context is in use at once.",
  ],
  examples: [
    "qight context add home --relay qight://…",
    "qight context add work --relay qight://… --identity ~/work.key",
  ],
  module: "context_add",
  config: "creates",
} as const satisfies CommandSpec;

/** `qight context` and what is below it. */
export const contextSpec = {
  name: "context",
  aliases: ["ctx"],
  summary: "named sets of settings: relay, key, files",
  commands: [
    contextAddSpec,
    {
      name: "list",
      summary: "list the contexts; * marks the one in use",
      examples: ["qight context list", "qight context list --json | jq -r .name"],
      module: "context_list",
      config: "repairs",
    },
    {
      name: "use",
      summary: "use a context from now on; - is the one before",
      args: "<name>",
      more: ["Writes default_context. --context NAME chooses for one command, QIGHT_CONTEXT for one shell."],
      examples: ["qight context use work", "qight context use -"],
      module: "context_use",
      config: "repairs",
    },
    {
      name: "show",
      summary: "show what a context says; without NAME the one in use",
      args: "[name]",
      examples: ["qight context show work"],
      module: "context_show",
      config: "repairs",
    },
    {
      name: "remove",
      summary: "take a context out of config.toml; keys and messages stay",
      args: "<name>",
      examples: ["qight context remove work"],
      module: "context_remove",
      config: "repairs",
    },
  ],
  examples: ["qight context add home --relay qight://…", "qight context use work", "qight context use -"],
} as const satisfies CommandSpec;

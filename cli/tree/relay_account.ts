/** Rows of `qight relay account`. @module */
import type { CommandSpec } from "./spec.ts";

const REASON = ["--reason <text>", "what its owner is told"] as const;

/** `qight relay account suspend`. */
export const relayAccountSuspendSpec = {
  name: "suspend",
  summary: "keep an account out for a time",
  args: "<account>",
  options: [["--for <duration>", "how long; without it, until it is reopened"], REASON],
  examples: ["qight relay account suspend mallory --for 7d --reason spam"],
  module: "relay_account_suspend",
} as const satisfies CommandSpec;

/** `qight relay account ban`. */
export const relayAccountBanSpec = {
  name: "ban",
  summary: "keep an account out for good",
  args: "<account>",
  options: [REASON],
  examples: ["qight relay account ban mallory"],
  module: "relay_account_ban",
} as const satisfies CommandSpec;

/** `qight relay account`. */
export const relayAccountSpec = {
  name: "account",
  summary: "names at this relay, and whom it keeps out",
  commands: [
    { name: "list", summary: "list the names", module: "relay_account_list" },
    {
      name: "show",
      summary: "what the relay knows of an account",
      args: "<account>",
      examples: ["qight relay account show ada"],
      module: "relay_account_show",
    },
    relayAccountSuspendSpec,
    relayAccountBanSpec,
    {
      name: "reopen",
      summary: "take a suspension or a ban back",
      args: "<account>",
      examples: ["qight relay account reopen mallory"],
      module: "relay_account_reopen",
    },
  ],
  examples: ["qight relay account list", "qight relay account suspend mallory --for 7d"],
} as const satisfies CommandSpec;

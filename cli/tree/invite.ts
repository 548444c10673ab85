/** Rows of `qight invite`. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight invite create`. */
export const inviteCreateSpec = {
  name: "create",
  summary: "make an invite for one other person",
  options: [
    ["--ttl <duration>", "how long it is good for (default 10m)"],
    ["--name <name>", "your name, as they will see it"],
    ["--for <name>", "what you will call them (default: the name they give)"],
    ["--group <name>", "let them into this group too, also while all its members are away"],
    ["--qr", "the link as a QR code too"],
  ],
  more: [
    "Prints twelve words to read aloud, a link that carries the relay too, and the command that takes it. Whoever has",
    "one of them first becomes your verified contact: hand it to one person, by a way that you trust.",
  ],
  examples: [
    "qight invite create --name ada",
    "qight invite create --ttl 1d --for bob --qr",
    "qight invite create --group ops",
  ],
  module: "invite_create",
  encrypts: true,
} as const satisfies CommandSpec;

/** `qight invite accept`. */
export const inviteAcceptSpec = {
  name: "accept",
  summary: "take an invite: you and its maker become verified contacts",
  args: "[code...]",
  shownArgs: "[CODE | -]",
  options: [
    ["--name <name>", "what you will call them (default: the name they gave)"],
    ["--as <name>", "your name, as they will see it"],
  ],
  more: [
    "CODE is the words or the link. Without CODE asks for it (TAB completes words) or reads standard input; - is stdin.",
    "On a machine that others use prefer that to CODE: its users can read command lines while they run, and an invite",
    "belongs to who is first. Words do not carry the relay (--relay, QIGHT_RELAY); a link does, and its relay is used",
    "when no other is chosen. An invite works once: then 65.",
  ],
  examples: ["qight invite accept", "qight invite accept - < invite.txt"],
  module: "invite_accept",
  encrypts: true,
} as const satisfies CommandSpec;

/** `qight invite` and what is below it. */
export const inviteSpec = {
  name: "invite",
  summary: "become verified contacts by twelve words or a link",
  commands: [
    inviteCreateSpec,
    inviteAcceptSpec,
    { name: "list", summary: "list your invites", module: "invite_list" },
    {
      name: "revoke",
      summary: "take an invite back",
      args: "<id>",
      examples: ["qight invite revoke 1f2e3d4c"],
      module: "invite_revoke",
      encrypts: true,
    },
  ],
  examples: ["qight invite create --name ada", "qight invite accept"],
} as const satisfies CommandSpec;

/** Rows of `qight contact`. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight contact show`. */
export const contactShowSpec = {
  name: "show",
  summary: "show a contact, its devices and the digits to compare",
  args: "<name>",
  options: [["--qr", "the digits as a QR code too"]],
  examples: ["qight contact show bob", "qight contact show bob --json"],
  module: "contact_show",
} as const satisfies CommandSpec;

/** `qight contact verify`. */
export const contactVerifySpec = {
  name: "verify",
  summary: "say that the digits were compared and are the same",
  args: "<name> [digits...]",
  options: [["--qr", "the digits as a QR code too"]],
  more: [
    "Shows 60 digits; your contact sees the same ones with qight contact show. Compare them aloud or side by side.",
    "With DIGITS (spaces do not matter) compares them itself: exit 77 when they differ.",
  ],
  examples: ["qight contact verify bob", "qight contact verify bob 30035 44776 …"],
  module: "contact_verify",
} as const satisfies CommandSpec;

/** `qight contact block`. */
export const contactBlockSpec = {
  name: "block",
  summary: "show nothing more of them, and send them nothing",
  args: "<name>",
  options: [["--undo", "lift the block"]],
  more: [
    "The relay then refuses what they send to you, and their qight says so (exit 77). What they say in a group is thrown",
    "away here, unseen, and so is all of it where the relay does not know of the block.",
  ],
  examples: ["qight contact block mallory", "qight contact block mallory --undo"],
  module: "contact_block",
} as const satisfies CommandSpec;

/** `qight contact` and what is below it. */
export const contactSpec = {
  name: "contact",
  summary: "names for people",
  commands: [
    {
      name: "add",
      summary: "give an id a name, or a contact another one",
      args: "<name> [id]",
      shownArgs: "NAME [ID|OLD-NAME]",
      more: [
        "The name then stands for that account wherever TO or WHO is asked for. Another id under the same name is",
        "refused (77) until qight contact verify. With the name of a contact in the place of the id that contact is renamed,",
        "and stays verified. With neither, at a relay with names, the account that is called NAME there.",
      ],
      examples: ["qight contact add bob qid1…", "qight contact add robert bob"],
      module: "contact_add",
    },
    { name: "list", summary: "list the contacts", module: "contact_list" },
    contactShowSpec,
    contactVerifySpec,
    contactBlockSpec,
    {
      name: "remove",
      summary: "forget a name",
      args: "<name>",
      examples: ["qight contact remove bob"],
      module: "contact_remove",
    },
  ],
  examples: ["qight contact add bob qid1…", 'qight send bob "see you at eight"', "qight contact verify bob"],
} as const satisfies CommandSpec;

/** Rows of `qight group`. @module */
import type { CommandSpec } from "./spec.ts";

/** `qight group admin`. */
export const groupAdminSpec = {
  name: "admin",
  summary: "let members remove others, rename, and set the timer",
  args: "<name> <member...>",
  options: [["--off", "take that back"], ["--owner", "hand the group over to one member; you stay an admin"]],
  more: [
    "Only the owner names admins: who made the group, or whom it was handed to. When the owner is gone it is the admin who was",
    "named first; with no admin left, whoever is named first by any member.",
  ],
  examples: ["qight group admin ops bob", "qight group admin ops bob --off", "qight group admin ops bob --owner"],
  module: "group_admin",
} as const satisfies CommandSpec;

/** `qight group` and what is below it. */
export const groupSpec = {
  name: "group",
  summary: "conversations of several people",
  commands: [
    {
      name: "create",
      summary: "make a group, with members or alone",
      args: "<name> [member...]",
      more: [
        "Prints the group id. '#NAME' then stands for the group wherever TO or WHERE is asked for (quote the #, which begins",
        "a comment in a shell). MEMBER is a contact, a public id, or a name at a relay that has them (kept as a contact, as",
        "send does); they are in as soon as they fetch.",
      ],
      examples: ["qight group create ops bob carol", "qight send '#ops' \"deploying now\""],
      module: "group_create",
    },
    {
      name: "invite",
      summary: "add members",
      args: "<name> <member...>",
      more: [
        "For people whose id you do not have: qight invite create --group NAME makes words and a link for one of them.",
      ],
      examples: ["qight group invite ops dave"],
      module: "group_invite",
    },
    {
      name: "remove",
      summary: "remove members; they read nothing that comes after",
      args: "<name> <member...>",
      more: ["The owner and admins may do it."],
      examples: ["qight group remove ops dave"],
      module: "group_remove",
    },
    { name: "list", summary: "list your groups", module: "group_list" },
    {
      name: "show",
      summary: "show a group: its id, its owner, its members",
      args: "<name>",
      examples: ["qight group show ops", "qight group show ops --json"],
      module: "group_show",
    },
    {
      name: "members",
      summary: "list the members of a group",
      args: "<name>",
      examples: ["qight group members ops"],
      module: "group_members",
    },
    {
      name: "rename",
      summary: "give a group another name, for all its members",
      args: "<name> <new-name>",
      examples: ["qight group rename ops operations"],
      module: "group_rename",
    },
    groupAdminSpec,
    {
      name: "timer",
      summary: "let lines disappear so long after they were read",
      args: "<name> <duration>",
      shownArgs: "NAME DURATION|off",
      more: ["Each member's qight removes them; nobody can make others forget."],
      examples: ["qight group timer ops 1d", "qight group timer ops off"],
      module: "group_timer",
    },
    {
      name: "join",
      summary: "say yes to a group that somebody added you to",
      args: "<name>",
      more: ["Needed with [groups] ask = true in config.toml. To say no: qight group leave NAME."],
      examples: ["qight group join ops"],
      module: "group_join",
    },
    {
      name: "leave",
      summary: "leave a group; its lines stay in your history",
      args: "<name>",
      examples: ["qight group leave ops"],
      module: "group_leave",
    },
  ],
  examples: ["qight group create ops bob carol", "qight send '#ops' \"deploying now\"", "qight group members ops"],
} as const satisfies CommandSpec;

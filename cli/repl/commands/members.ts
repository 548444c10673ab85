/** `/members`: who is in a group. @module */
import { QightError } from "../../../proto/errors.ts";
import { memberLine } from "../../group_output.ts";
import type { SlashCommand } from "../command.ts";
import { groupsOf } from "../group_words.ts";

/** The owner, then admins, then members. */
export const members: SlashCommand = {
  name: "members",
  args: "[#name]",
  summary: "list who is in a group",
  words: ["group"],
  count: [0, 1],
  async run(chat, [name]) {
    const view = await groupsOf(chat).show(await chat.openGroup(name));
    if (view.members.length === 0) {
      throw new QightError("not_a_member", `You are no member of #${view.name} any more`, { hint: "" });
    }
    const names = await chat.messenger.contacts.names();
    await chat.screen.show(view.members.map((member) => memberLine(member, names)).join("\n"));
  },
};

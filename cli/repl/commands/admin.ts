/** `/admin`: who may remove, rename and set the timer besides the owner. @module */
import { QightError } from "../../../proto/errors.ts";
import type { SlashCommand } from "../command.ts";
import { groupsOf, peopleNamed } from "../group_words.ts";

/** Of the open group; only its owner may. */
export const admin: SlashCommand = {
  name: "admin",
  args: "<member> [--off]",
  summary: "let a member remove others, rename, set the timer",
  more: ["Only the owner, who made the group, names admins; --off takes it back."],
  words: ["contact", ["--off"]],
  count: [1, 2],
  async run(chat, [name, off]) {
    if (off !== undefined && off !== "--off") throw new QightError("usage", `It is /admin ${name} --off`, { hint: "" });
    const [account] = await peopleNamed(chat, [name]);
    await groupsOf(chat).setAdmin(await chat.openGroup(), account, off === undefined);
    chat.screen.note(off === undefined ? `${name} is an admin now` : `${name} is no admin any more`);
  },
};

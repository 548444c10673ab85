/** `/admin`: who may remove, rename and set the timer besides the owner. @module */
import { QightError } from "../../../proto/errors.ts";
import type { SlashCommand } from "../command.ts";
import { groupsOf, peopleNamed } from "../group_words.ts";

/** Of the open group; only its owner may. */
export const admin: SlashCommand = {
  name: "admin",
  args: "<member> [--off|--owner]",
  summary: "let a member remove others, rename, set the timer",
  more: ["Only the owner names admins; --off takes it back, --owner hands the group over to the member."],
  words: ["contact", ["--off", "--owner"]],
  count: [1, 2],
  async run(chat, [name, flag]) {
    if (flag !== undefined && flag !== "--off" && flag !== "--owner") {
      throw new QightError("usage", `It is /admin ${name} --off, or --owner`, { hint: "" });
    }
    const [account] = await peopleNamed(chat, [name]);
    const group = await chat.openGroup();
    if (flag === "--owner") await groupsOf(chat).setOwner(group, account);
    else await groupsOf(chat).setAdmin(group, account, flag === undefined);
    chat.screen.note(
      flag === "--owner"
        ? `${name} is the owner now`
        : flag === undefined
        ? `${name} is an admin now`
        : `${name} is no admin any more`,
    );
  },
};

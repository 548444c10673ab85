/** `/remove`: members out of the open group. @module */
import { QightError } from "../../../proto/errors.ts";
import type { SlashCommand } from "../command.ts";
import { eachNamed, groupsOf } from "../group_words.ts";

/** Asks for the group's name; who is out reads nothing that comes after. */
export const remove: SlashCommand = {
  name: "remove",
  args: "<member...>",
  summary: "remove members from the open group",
  more: ["The owner and admins may do it. Who is removed reads nothing that is said afterwards."],
  words: ["contact"],
  count: [1, Infinity],
  async run(chat, words) {
    const group = await chat.openGroup();
    const groups = groupsOf(chat);
    const view = await groups.show(group);
    const people = await eachNamed(chat, words);
    for (const [at, account] of people.entries()) {
      if (view.members.some((member) => member.account.toHex() === account.toHex())) continue;
      throw new QightError("no_such_recipient", `${words[at]} is no member of #${view.name}`, {
        hint: "/members lists them.",
      });
    }
    await chat.confirm(`${words.join(", ")} will be removed from #${view.name}.`, view.name);
    await groups.remove(group, people);
    chat.screen.note(`${words.join(", ")} removed from #${view.name}`);
  },
};

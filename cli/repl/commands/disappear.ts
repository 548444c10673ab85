/** `/disappear`: lines of the open conversation go after they were read. @module */
import { timerSeconds } from "../../timer_word.ts";
import type { SlashCommand } from "../command.ts";
import { conversationGroup, groupsOf } from "../group_words.ts";

/** Sets the timer for everybody in it. */
export const disappear: SlashCommand = {
  name: "disappear",
  args: "<duration|off>",
  summary: "let lines here go so long after they were read",
  more: [
    "Like /disappear 1d. It holds for what is said from then on, for everybody here; each one's qight removes the lines.",
    "In a group the owner and admins may set it. Nobody can make somebody forget.",
  ],
  words: [["1h", "1d", "7d", "off"]],
  count: [1, 1],
  async run(chat, [word]) {
    const seconds = timerSeconds(word);
    await groupsOf(chat).setTimer(await conversationGroup(chat), seconds);
    chat.screen.note(seconds === 0 ? "lines stay" : `lines go ${word} after they were read`);
  },
};

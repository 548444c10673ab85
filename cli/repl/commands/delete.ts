/** `/delete`: takes an own line back. @module */
import { actionContent } from "../action_content.ts";
import { escapeLine } from "../../escape.ts";
import type { SlashCommand } from "../command.ts";
import { act } from "../doings.ts";
import { lineNumbered } from "../line_words.ts";

/** The newest own line unless another one is named; asks. */
export const deleteCommand: SlashCommand = {
  name: "delete",
  args: "[-line]",
  summary: "take your newest line here back, or an older one",
  more: ["The programs of the others take it away too; nobody can make somebody forget."],
  words: [[]],
  count: [0, 1],
  async run(chat, [which]) {
    const line = await lineNumbered(chat, which, "own");
    const begin = [...line.text].slice(0, 40).join("");
    await chat.confirm(`"${escapeLine(begin)}" will be taken back.`, "delete");
    await act(chat, actionContent("deletion", { target: line.id }), line);
  },
};

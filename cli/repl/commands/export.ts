/** `/export`: the open conversation as a text file. @module */
import { CONVERSATION_LIMITS } from "../../../client/history.ts";
import { plainPaint } from "../screen.ts";
import type { SlashCommand } from "../command.ts";
import { withHome } from "../files.ts";
import { messageLine } from "../message_lines.ts";
import { writePrivateFile } from "../../paths.ts";

/** Every kept line with its date (0600, never over another file). Whoever reads the file reads the conversation. */
export const exportCommand: SlashCommand = {
  name: "export",
  args: "[path]",
  summary: "write this conversation into a readable file",
  more: [
    "The file (0600) is not encrypted; qight transcript export seals one. Without a path it is qight-NAME.txt here. Nothing is overwritten.",
  ],
  words: ["path"],
  count: [0, 1],
  async run(chat, [path]) {
    const key = chat.openKey();
    const lines = await chat.history.last(key, CONVERSATION_LIMITS.messages);
    const into = path === undefined
      ? `qight-${(await chat.titleOf(key)).replace("#", "")}.txt`
      : withHome(path, chat.settings.env);
    // Of another day than all lines, so that each shows its date.
    const style = { ...await chat.lineStyle(), paint: plainPaint, timestamps: true, nowMs: 0 };
    const text = lines.map((line) => `${messageLine(line, style)}\n`).join("");
    await writePrivateFile(into, text, { overwrite: false });
    chat.screen.note(`${lines.length} lines in ${into}`);
  },
};

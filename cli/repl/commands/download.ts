/** `/download`: files that came with messages. @module */
import { QightError } from "../../../proto/errors.ts";
import { escapeLine } from "../../escape.ts";
import type { SlashCommand } from "../command.ts";
import { saveFolder, saveKept, withHome } from "../files.ts";

/** Without a number it lists what waits; with one (or `all`) it saves. */
export const download: SlashCommand = {
  name: "download",
  aliases: ["dl"],
  args: "[number|all] [folder]",
  summary: "list the files that came, or save them",
  more: [
    "The folder is save_dir of config.toml, else the one qight was started in. Names are made safe, nothing is",
    "overwritten. Until then a file stays in the encrypted history; all files together may take 256 MiB there.",
  ],
  words: [["all"], "path"],
  count: [0, 2],
  async run(chat, [which, folder]) {
    const waiting = await chat.history.files();
    if (which === undefined) {
      if (waiting.length === 0) return chat.screen.note("no files wait");
      const lines = waiting.map(({ number, name, size, blob }) =>
        `[file ${number}] ${escapeLine(name)}  ${size} bytes${blob ? "  at the relay" : ""}`
      );
      return await chat.screen.show(lines.join("\n"));
    }
    const into = folder === undefined ? saveFolder(chat) : withHome(folder, chat.settings.env);
    if (which !== "all" && !/^\d{1,9}$/.test(which)) {
      throw new QightError("usage", `"${which}" is no number of a file`, { hint: "/download shows the numbers." });
    }
    const numbers = which === "all" ? waiting.map(({ number }) => number) : [Number(which)];
    for (const number of numbers) await chat.screen.show(`saved ${escapeLine(await saveKept(chat, number, into))}`);
  },
};

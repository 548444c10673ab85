/** `/list`: the conversations. @module */
import { mutedWords } from "../../muted_output.ts";
import { localTime } from "../message_lines.ts";
import type { SlashCommand } from "../command.ts";

/** The liveliest first, with numbers for `/switch`. */
export const list: SlashCommand = {
  name: "list",
  aliases: ["ls"],
  summary: "list the conversations, numbered for /switch",
  async run(chat) {
    const all = await chat.conversations.list();
    chat.listed = all.map(({ key }) => key);
    if (all.length === 0) return chat.screen.note("there are no conversations yet; /dm NAME begins one");
    const lines = all.map(({ key, title, unread, messages, lastAtMs, mutedUntilMs }, at) => {
      const mark = key === chat.open ? ">" : " ";
      const what = unread > 0 ? `${unread} unread of ${messages}` : `${messages} ${messages === 1 ? "line" : "lines"}`;
      const [day, time] = localTime(lastAtMs, chat.settings.utc);
      const muted = mutedWords(mutedUntilMs, { nowMs: chat.messenger.clock.now(), utc: chat.settings.utc });
      const { name, faint } = chat.screen.paint;
      return `${mark}${at + 1}  ${[name(title), what, faint(`${day} ${time}`), ...muted.map(faint)].join("  ")}`;
    });
    await chat.screen.show(lines.join("\n"));
  },
};

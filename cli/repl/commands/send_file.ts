/** `/send-file`: a file for whoever the open conversation is with. @module */
import { peerOf } from "../../../client/conversations.ts";
import { readContent } from "../../message_input.ts";
import type { SlashCommand } from "../command.ts";
import { withHome } from "../files.ts";

/** One file, with words of one's own or without. */
export const sendFile: SlashCommand = {
  name: "send-file",
  aliases: ["sf"],
  args: "<path> [text]",
  summary: "send a file, with a text if you like",
  more: ["A message with its file is a little under 256 KiB, unless the relay takes more."],
  words: ["path", []],
  count: [1, Infinity],
  async run(chat, [path, ...text]) {
    const key = chat.openKey();
    const peer = peerOf(key);
    if (peer) await chat.refuseUnreachable(peer);
    const content = await readContent({ message: text.join(" "), files: [withHome(path, chat.settings.env)] });
    await chat.send(key, content!);
    const [{ name, data }] = content!.files;
    chat.screen.note(`sending ${name}, ${data.length} bytes, to ${await chat.titleOf(key)}`);
  },
};

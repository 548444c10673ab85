/** `/send-file`: a file for whoever the open conversation is with. @module */
import { equal } from "../../../crypto/equal.ts";
import { groupOf, peerOf } from "../../../client/conversations.ts";
import { readContent } from "../../message_input.ts";
import type { SlashCommand } from "../command.ts";
import { fitting, withHome } from "../files.ts";

/** Files below this many bytes wait for the relay with their message. */
const SURELY_FITS = 128 * 1024;

/** One file, with words of one's own or without. */
export const sendFile: SlashCommand = {
  name: "send-file",
  aliases: ["sf"],
  args: "<path> [text]",
  summary: "send a file, with a text if you like",
  more: ["Up to 50 MiB; the relay must be reached when it does not fit a message (a little under 256 KiB)."],
  words: ["path", []],
  count: [1, Infinity],
  async run(chat, [path], textFrom) {
    const key = chat.openKey();
    const peer = peerOf(key);
    if (peer) await chat.refuseUnreachable(peer);
    const content = await readContent({ message: textFrom(1), files: [withHome(path, chat.settings.env)] });
    const [{ name, data }] = content!.files;
    const stays = data.length < SURELY_FITS || (peer !== null && equal(peer, chat.own));
    const fits = stays ? content! : await fitting(chat, peer ?? groupOf(key)!, content!);
    await chat.send(key, fits);
    chat.screen.note(`sending ${name}, ${data.length} bytes, to ${await chat.titleOf(key)}`);
  },
};

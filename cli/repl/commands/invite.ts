/** `/invite`: how somebody becomes a verified contact without comparing anything. @module */
import { QightError } from "../../../proto/errors.ts";
import type { SlashCommand } from "../command.ts";
import { loadInvites } from "../late.ts";
import { accept } from "./accept.ts";

/** Makes one, lists them, takes one back; taking somebody else's is `/accept`. */
export const invite: SlashCommand = {
  name: "invite",
  args: "[name]",
  summary: "make an invite: words and a link for one person",
  more: [
    "/invite NAME calls whoever takes it so; both of you are verified contacts then. It is good for 10 minutes, once.",
    "/invite list shows yours, /invite revoke ID takes one back, /accept WORDS takes somebody else's.",
  ],
  words: [["list", "revoke", "accept"]],
  count: [0, Infinity],
  secret: true,
  async run(chat, words) {
    const [what, word] = words;
    if (what === "accept") return await accept.run(chat, words.slice(1));
    if (words.length > (what === "revoke" || what === "create" ? 2 : 1) || what === "revoke" && word === undefined) {
      throw new QightError("usage", "It is /invite [name], /invite list or /invite revoke ID", { hint: "" });
    }
    const { list, make, revoke } = await loadInvites();
    if (what === "list") await list(chat);
    else if (what === "revoke") await revoke(chat, word);
    else await make(chat, what === "create" ? word : what);
  },
};

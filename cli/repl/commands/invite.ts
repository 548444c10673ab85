/** `/invite`: how somebody becomes a verified contact without comparing anything. @module */
import { QightError } from "../../../proto/errors.ts";
import { groupOf } from "../../../client/conversations.ts";
import type { Chat } from "../chat.ts";
import type { SlashCommand } from "../command.ts";
import { groupsOf, peopleNamed } from "../group_words.ts";
import { loadInvites } from "../late.ts";
import { accept } from "./accept.ts";

/** Makes one, lists them, takes one back; taking somebody else's is `/accept`. */
export const invite: SlashCommand = {
  name: "invite",
  args: "[name...]",
  summary: "words and a link for one person; in a group: add members",
  more: [
    "/invite NAME calls whoever takes it so; both of you are verified contacts then. It is good for 10 minutes, once.",
    "In a group /invite NAME... adds contacts at once, and /invite alone makes words and a link that let one person in.",
    "/invite list shows yours, /invite revoke ID takes one back, /accept WORDS takes somebody else's.",
  ],
  words: ["contact"],
  count: [0, Infinity],
  secret: true,
  async run(chat, words, textFrom) {
    const [what, word] = words;
    const group = chat.open === null ? null : groupOf(chat.open);
    if (group && what !== "accept" && what !== "list" && what !== "revoke") return await intoGroup(chat, group, words);
    if (what === "accept") return await accept.run(chat, words.slice(1), (word) => textFrom(1 + word));
    if (words.length > (what === "revoke" || what === "create" ? 2 : 1) || what === "revoke" && word === undefined) {
      throw new QightError("usage", "It is /invite [name], /invite list or /invite revoke ID", { hint: "" });
    }
    const { list, make, revoke } = await loadInvites();
    if (what === "list") await list(chat);
    else if (what === "revoke") await revoke(chat, word);
    else await make(chat, what === "create" ? word : what);
  },
};

/** Adds contacts; without any, the words and the link carry the way into the group. */
async function intoGroup(chat: Chat, group: Uint8Array, words: readonly string[]): Promise<void> {
  const groups = groupsOf(chat);
  if (words.length === 0) {
    const { make } = await loadInvites();
    return await make(chat, undefined, group);
  }
  await groups.invite(group, await peopleNamed(chat, words));
  chat.screen.note(`${words.join(", ")} added to #${(await groups.show(group)).name}`);
}

/** `/accept`: takes an invite. @module */
import { QightError } from "../../../proto/errors.ts";
import type { SlashCommand } from "../command.ts";
import { loadInvites } from "../late.ts";

/** Whoever made it and this account are verified contacts then. */
export const accept: SlashCommand = {
  name: "accept",
  args: "<words|link>",
  summary: "take an invite; TAB completes its words",
  words: ["invite word"],
  count: [1, 24],
  secret: true,
  async run(chat, words) {
    if (words.length === 0) throw new QightError("usage", "It is /accept WORDS or /accept LINK", { hint: "" });
    const { take } = await loadInvites();
    await take(chat, words);
  },
};

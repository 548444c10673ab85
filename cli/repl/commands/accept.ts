/** `/accept`: takes an invite. @module */
import { answerInvite, claimInvite, confirmInvite } from "../../../client/invites.ts";
import { formatAccountId } from "../../../crypto/account.ts";
import { INVITE_WORDS } from "../../../crypto/invite_code.ts";
import { parseRelayAddress } from "../../../net/address.ts";
import { asQightError, QightError } from "../../../proto/errors.ts";
import { parseInvite } from "../../invite_code.ts";
import type { SlashCommand } from "../command.ts";

/** Whoever made it and this account are verified contacts then. */
export const accept: SlashCommand = {
  name: "accept",
  args: "<words|link>",
  summary: "take an invite; TAB completes its words",
  words: [INVITE_WORDS],
  count: [1, 24],
  secret: true,
  async run(chat, words) {
    if (words.length === 0) throw new QightError("usage", "It is /accept WORDS or /accept LINK", { hint: "" });
    const { store, clock, outbox, relayAddress } = chat.messenger;
    const code = parseInvite(words.join(" "));
    if (code.relay !== undefined && parseRelayAddress(code.relay).text !== relayAddress) {
      throw new QightError("bad_invite", "The link is for another relay than this chat's", {
        hint: `qight invite accept 'LINK' --relay ${parseRelayAddress(code.relay).text}`,
      });
    }
    const room = { relay: await chat.relay(), store, clock, outbox };
    const claimed = await claimInvite(room, code.secret, chat.own);
    const { contact } = await answerInvite(room, claimed, { own: chat.own, ownName: "", name: "" });
    chat.wake();
    chat.screen.note(`${contact.name} is a verified contact now: ${formatAccountId(contact.account)}`);
    // The answer is on disk and goes out by itself; without the confirmation only this device could use the invite again.
    await confirmInvite(room, claimed.keys).catch((thrown) => chat.screen.note(asQightError(thrown).message));
    await chat.refreshPrompt();
  },
};

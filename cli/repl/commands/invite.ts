/** `/invite`: how somebody becomes a verified contact without comparing anything. @module */
import { contactName } from "../../../client/contacts.ts";
import { systemRandom } from "../../../client/clock.ts";
import { forgetInvite, makeInvite, ownInvites, revokeInvite } from "../../../client/invites.ts";
import { dialledName } from "../../../client/session.ts";
import { INVITE_SECRET_BYTES } from "../../../crypto/invite.ts";
import { formatInviteLink, formatInviteWords } from "../../../crypto/invite_code.ts";
import { parseRelayAddress } from "../../../net/address.ts";
import { QightError } from "../../../proto/errors.ts";
import { findInvite, inviteId, inviteLine } from "../../invite_output.ts";
import type { Chat } from "../chat.ts";
import type { SlashCommand } from "../command.ts";
import { accept } from "./accept.ts";

/** How long an invite of a chat is good, seconds: as long as that of `qight invite create`. */
const TTL_S = 10 * 60;

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
    if (what === "list") await list(chat);
    else if (what === "revoke") await revoke(chat, word);
    else await make(chat, what === "create" ? word : what);
  },
};

async function make(chat: Chat, name: string | undefined): Promise<void> {
  const { store, clock, relayAddress } = chat.messenger;
  const secret = systemRandom(INVITE_SECRET_BYTES);
  await makeInvite({ relay: await chat.relay(), store, clock }, {
    secret,
    ttlS: TTL_S,
    name: "",
    contactName: name === undefined ? "" : contactName(name),
    maker: chat.own,
    relayName: dialledName(parseRelayAddress(relayAddress)),
  });
  const link = formatInviteLink(relayAddress, secret);
  await chat.screen.show(`words  ${formatInviteWords(secret)}\nlink   ${link}\nqight invite accept '${link}'`);
  chat.screen.note("good for 10 minutes, once; whoever gets it pastes the last line, or types /accept and the words");
}

async function list(chat: Chat): Promise<void> {
  const { store, clock } = chat.messenger;
  const all = await ownInvites(store, clock.now());
  if (all.length === 0) return chat.screen.note("you have made no invites");
  await chat.screen.show(all.map(inviteLine).join("\n"));
}

async function revoke(chat: Chat, id: string): Promise<void> {
  const { store, clock } = chat.messenger;
  const found = findInvite(await ownInvites(store, clock.now()), id);
  await forgetInvite(store, found.locator);
  const revoked = await revokeInvite({ relay: await chat.relay() }, found.locator);
  const late = revoked || found.state !== "open" ? "" : "; the relay had given it out already, to nobody whom you know";
  chat.screen.note(`invite ${inviteId(found.locator)} is revoked${late}`);
}

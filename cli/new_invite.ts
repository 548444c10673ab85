/** A new invite as people hand it on: words, link, and the command of who gets it. @module */
import { systemRandom } from "../client/clock.ts";
import { makeInvite, type NewInvite } from "../client/invites.ts";
import type { RelayClient } from "../client/relay_client.ts";
import { dialledName } from "../client/session.ts";
import type { InviteRow } from "../client/storage/store.ts";
import { INVITE_SECRET_BYTES } from "../crypto/invite.ts";
import { formatInviteLink, formatInviteWords } from "../crypto/invite_code.ts";
import { parseRelayAddress } from "../net/address.ts";
import type { Messenger } from "./messenger.ts";

/** How long an invite is good unless something else is said. */
export const INVITE_TTL = "10m";

/** An invite that lies at the relay. */
export interface MadeInvite {
  readonly invite: InviteRow;
  readonly words: string;
  readonly link: string;
  /** For a shell. */
  readonly command: string;
}

/** Makes a secret and leaves its record at the relay; throws what `makeInvite` throws. */
export async function newInvite(
  { store, clock, identity, relayAddress }: Messenger,
  relay: RelayClient,
  wish: Pick<NewInvite, "ttlS" | "name" | "contactName" | "group">,
): Promise<MadeInvite> {
  const secret = systemRandom(INVITE_SECRET_BYTES);
  const invite = await makeInvite({ relay, store, clock }, {
    ...wish,
    secret,
    maker: identity.account.hash,
    relayName: dialledName(parseRelayAddress(relayAddress)),
  });
  const link = formatInviteLink(relayAddress, secret);
  return { invite, words: formatInviteWords(secret), link, command: `qight invite accept '${link}'` };
}

/**
 * The answer to an invite: made by who took it, checked by who made it.
 * @module
 */
import { create } from "@bufbuild/protobuf";
import { acceptMac, acceptMessageId, type InviteKeys, isAcceptMac } from "../crypto/invite.ts";
import { equal } from "../crypto/equal.ts";
import { type Content, ContentSchema, type InviteAccept } from "../proto/gen/qight/v1/seal_pb.ts";
import type { UnreadableReason } from "./inbox_events.ts";
import { meetVerified } from "./invite_contact.ts";
import type { Draft } from "./messages.ts";
import type { ContactRow, Tables } from "./storage/store.ts";

/** The message that answers an invite; the same one however often it is made. `maker`, `taker`: account hashes. */
export function answerDraft(
  { locator, macKey }: Pick<InviteKeys, "locator" | "macKey">,
  facts: { maker: Uint8Array; taker: Uint8Array; name: string },
  createdAtMs: number,
): Draft {
  const inviteAccept = { locator, mac: acceptMac(macKey, facts), name: facts.name };
  const content = create(ContentSchema, { inviteAccept });
  return { id: acceptMessageId(macKey), createdAtMs, ttlS: 0, plaintext: false, content };
}

/** The answer in a content, or null when it is an ordinary message. */
export function answerIn({ inviteAccept, body, files }: Content): InviteAccept | null {
  return inviteAccept && body.case === undefined && files.length === 0 ? inviteAccept : null;
}

/** What an answer did: `nothing` when it was counted before. */
export type Taken =
  | { readonly kind: "contact"; readonly contact: ContactRow }
  | { readonly kind: "fault"; readonly reason: UnreadableReason }
  | { readonly kind: "nothing" };

/** Inside a transaction: whoever took the invite (account hash, 32 bytes) becomes a verified contact, the first alone. */
export function takeAnswer(
  { invites, contacts }: Pick<Tables, "invites" | "contacts">,
  { locator, mac, name }: InviteAccept,
  taker: Uint8Array,
  nowMs: number,
): Taken {
  const invite = invites.get(locator);
  if (!invite || invite.state === "revoked") return { kind: "fault", reason: "bad_invite" };
  if (!isAcceptMac(invite.macKey, { maker: invite.maker, taker, name }, mac)) {
    return { kind: "fault", reason: "bad_invite" };
  }
  if (invite.taker) {
    return equal(invite.taker, taker) ? { kind: "nothing" } : { kind: "fault", reason: "invite_used" };
  }
  invites.put({ ...invite, state: "accepted", taker });
  return { kind: "contact", contact: meetVerified(contacts, taker, [invite.contactName, name], nowMs) };
}

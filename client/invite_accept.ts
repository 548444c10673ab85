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
import type { ContactRow, InviteTable, Tables } from "./storage/store.ts";

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

/** Why an answer of this account counts for nothing; null when it is good, or was counted already. */
export function faultOfAnswer(invites: InviteTable, answer: InviteAccept, taker: Uint8Array): UnreadableReason | null {
  const invite = invites.get(answer.locator);
  if (!invite || invite.state === "revoked") return "bad_invite";
  const facts = { maker: invite.maker, taker, name: answer.name };
  if (!isAcceptMac(invite.macKey, facts, answer.mac)) return "bad_invite";
  return invite.taker && !equal(invite.taker, taker) ? "invite_used" : null;
}

/** Inside a transaction: whoever took the invite becomes a verified contact. Null when nothing changes any more. */
export function takeAnswer(
  { invites, contacts }: Pick<Tables, "invites" | "contacts">,
  answer: InviteAccept,
  taker: Uint8Array,
  nowMs: number,
): ContactRow | null {
  const invite = invites.get(answer.locator);
  // Another process of this identity may have been faster, or revoked it meanwhile.
  if (invite?.state !== "open" || faultOfAnswer(invites, answer, taker)) return null;
  invites.put({ ...invite, state: "accepted", taker });
  return meetVerified(contacts, taker, [invite.contactName, answer.name], nowMs);
}

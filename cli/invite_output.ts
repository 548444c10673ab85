/** An own invite as people and scripts see it. @module */
import { cleanName } from "../client/invite_contact.ts";
import type { InviteRow } from "../client/storage/store.ts";
import { formatAccountId } from "../crypto/account.ts";
import { hex } from "../crypto/hex.ts";
import { QightError } from "../proto/errors.ts";

/** An invite with its state as of now. */
export type ShownInvite = Omit<InviteRow, "state"> & { readonly state: InviteRow["state"] | "expired" };

/** The short handle of an invite: the first 8 hex digits of its locator, which let nobody claim it. */
export function inviteId(locator: Uint8Array): string {
  return hex(locator).slice(0, 8);
}

/** The JSON form of an own invite; fields are only ever added. */
export function inviteFields({ locator, state, createdAtMs, expiresAtMs, contactName, taker }: ShownInvite) {
  return {
    id: inviteId(locator),
    state,
    created_at: new Date(createdAtMs).toISOString(),
    expires_at: new Date(expiresAtMs).toISOString(),
    for: contactName || null,
    accepted_by: taker && formatAccountId(taker),
  };
}

/** One line for people. */
export function inviteLine(invite: ShownInvite): string {
  const { id, state, expires_at, for: name, accepted_by } = inviteFields(invite);
  return [id, state, expires_at, ...(name ? [`for ${name}`] : []), ...(accepted_by ? [accepted_by] : [])].join("  ");
}

/** The invite with that handle; `invite_unknown` when there is none. */
export function findInvite(invites: readonly ShownInvite[], id: string): ShownInvite {
  const found = invites.findLast(({ locator }) => inviteId(locator) === id.toLowerCase());
  if (found) return found;
  throw new QightError("invite_unknown", `You have made no invite ${id}`, { hint: "qight invite list shows them." });
}

/** The own name in the form in which the other side will keep it; `bad_name` when nothing of it can be kept. */
export function ownName(text: string): string {
  const name = cleanName(text);
  if (name !== null) return name;
  throw new QightError("bad_name", `"${text}" cannot be a name`);
}

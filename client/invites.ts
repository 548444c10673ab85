/**
 * Invites from both ends: made, listed and taken back by one person, taken by another.
 * @module
 */
import {
  acceptMessageId,
  type GroupPass,
  type InviteKeys,
  inviteKeys,
  openInviteRecord,
  sealInviteRecord,
} from "../crypto/invite.ts";
import { equal } from "../crypto/equal.ts";
import { QightError } from "../proto/errors.ts";
import { InviteService } from "../proto/gen/qight/v1/invite_pb.ts";
import type { InviteRecord } from "../proto/gen/qight/v1/invite_pb.ts";
import type { Clock } from "./clock.ts";
import { answerDraft } from "./invite_accept.ts";
import { meetVerified } from "./invite_contact.ts";
import type { Outbox } from "./outbox.ts";
import type { RelayClient } from "./relay_client.ts";
import type { Contact } from "./contacts.ts";
import type { ClientStore, InviteRow, Tables } from "./storage/store.ts";

/** Answers come late when their readers were away: an invite is known for as long as mail can lie at a relay. */
const KEEP_MS = 90 * 24 * 3600_000;

const method = InviteService.method;

/** What inviting needs. */
export interface InviteRoom {
  readonly relay: Pick<RelayClient, "rpc">;
  readonly store: ClientStore;
  readonly clock: Pick<Clock, "now">;
}

/** What to write into an invite. */
export interface NewInvite {
  readonly secret: Uint8Array; // 16 bytes, random
  /** Own account hash, 32 bytes. */
  readonly maker: Uint8Array;
  /** The relay's name as dialled (`dialledName`). */
  readonly relayName: string;
  readonly ttlS: number;
  /** How the maker wishes to be called; may be empty. */
  readonly name: string;
  /** What to call whoever takes it; empty: as they say. */
  readonly contactName: string;
  /** Whoever takes it may come into this group too (`Groups.pass`). */
  readonly group?: GroupPass;
}

/** Leaves a sealed record at the relay, and here what its answer is checked with. */
export async function makeInvite({ relay, store, clock }: InviteRoom, wish: NewInvite): Promise<InviteRow> {
  const { secret, maker, relayName, ttlS, name, contactName, group } = wish;
  const { locator, macKey, ...rest } = inviteKeys(secret);
  const record = await sealInviteRecord({ locator, macKey, ...rest }, { account: maker, name, group });
  const { expiresAtMs } = await relay.rpc.unary(method.putInvite, { locator, record, ttlS });
  const createdAtMs = clock.now();
  const invite: InviteRow = {
    ...{ locator, relay: relayName, maker, macKey, contactName, state: "open", createdAtMs, taker: null },
    expiresAtMs: Number(expiresAtMs),
  };
  await store.write(({ invites }) => {
    invites.purge(createdAtMs - KEEP_MS);
    invites.put(invite);
  });
  return invite;
}

/** Own invites, oldest first; `expired` is an open one whose time is over. */
export async function ownInvites(
  store: ClientStore,
  nowMs: number,
): Promise<(Omit<InviteRow, "state"> & { state: InviteRow["state"] | "expired" })[]> {
  const all = await store.read(({ invites }) => invites.all());
  return all.map((row) => row.state === "open" && row.expiresAtMs <= nowMs ? { ...row, state: "expired" } : row);
}

/** From now on an answer to it counts for nothing here, whatever the relay does. `invite_used` when one has come. */
export async function forgetInvite(store: ClientStore, locator: Uint8Array): Promise<void> {
  await store.write(({ invites }) => {
    const invite = invites.get(locator);
    if (!invite) throw new QightError("invite_unknown", "There is no such invite of yours");
    if (invite.state === "accepted") {
      throw new QightError("invite_used", "This invite was accepted already", HAS_CONTACT);
    }
    invites.put({ ...invite, state: "revoked" });
  });
}

const HAS_CONTACT = { hint: "There is a contact from it: see qight contact list." };

/** Takes an invite back at the relay; false when somebody has claimed it, or it is gone. */
export async function revokeInvite({ relay }: Pick<InviteRoom, "relay">, locator: Uint8Array): Promise<boolean> {
  return (await relay.rpc.unary(method.revokeInvite, { locator })).revoked;
}

/** An invite that was claimed and may be answered. */
export interface ClaimedInvite {
  readonly keys: InviteKeys;
  readonly record: InviteRecord;
}

/**
 * Claims an invite for this device. `invite_used` when another device was first or this one has answered already,
 * `invite_unknown`, `cannot_open` when the relay gave something else, `usage` for an own one.
 */
export async function claimInvite(
  room: InviteRoom & { readonly outbox: Outbox },
  secret: Uint8Array,
  own: Uint8Array,
): Promise<ClaimedInvite> {
  const keys = inviteKeys(secret);
  const { locator } = keys;
  // Before the relay is asked: a claim would use it up.
  if (await room.store.read(({ invites }) => invites.get(locator))) throw ownInvite();
  const answered = await room.outbox.get(acceptMessageId(keys.macKey));
  if (answered?.row.state === "sent") {
    // The confirmation may have been lost on the way.
    await confirmInvite(room, keys);
    throw new QightError("invite_used", "This invite was already used, by you", HAS_CONTACT);
  }
  const { record } = await room.relay.rpc.unary(method.claimInvite, { locator });
  const opened = await openInviteRecord(keys, record);
  if (equal(opened.account, own)) throw ownInvite();
  return { keys, record: opened };
}

/**
 * Puts the answer on disk as *queued* and makes the maker a verified contact, both or neither. `name` is what to call
 * them, `ownName` how to be called. Gives the contact and the id of the answer.
 */
export async function answerInvite(
  { outbox, store, clock }: { outbox: Outbox; store: ClientStore; clock: Pick<Clock, "now"> },
  { keys, record }: ClaimedInvite,
  names: { own: Uint8Array; ownName: string; name: string },
): Promise<{ contact: Contact; id: Uint8Array }> {
  const { account: maker } = record;
  const nowMs = clock.now();
  const draft = answerDraft(keys, { maker, taker: names.own, name: names.ownName }, nowMs);
  const meet = ({ contacts }: Tables) => void meetVerified(contacts, maker, [names.name, record.name], nowMs);
  // An answer that is on disk stays as it is, whatever name is given this time.
  if (await outbox.get(draft.id)) await store.write(meet);
  else await outbox.queue(maker, draft, meet);
  const contact = await store.read(({ contacts }) => contacts.ofAccount(maker));
  return { contact: contact!, id: draft.id };
}

/** Says at the relay that the answer is on its way: nobody gets the record any more. */
export async function confirmInvite(
  { relay }: Pick<InviteRoom, "relay">,
  { locator }: Pick<InviteKeys, "locator">,
): Promise<void> {
  await relay.rpc.unary(method.confirmInvite, { locator });
}

function ownInvite(): QightError {
  return new QightError("usage", "This invite is your own", { hint: "Give it to somebody else." });
}

/**
 * A participant's groups, and what its inbox reads conversations with: the part of it that loads all of MLS.
 * @module
 */
import { DeliveryReceipts } from "./delivery_receipts.ts";
import { Groups } from "./groups.ts";
import { noticeOf, ownChangesInto } from "./history_notices.ts";
import type { InboxOptions } from "./inbox.ts";
import { takeSync } from "./own_sync/take.ts";
import type { Connected, Participant } from "./participant.ts";
import type { RelaySource } from "./reconnect.ts";

/** The parts of an inbox that have to do with conversations. */
export type ConversationParts = Pick<
  InboxOptions,
  "groups" | "arrivals" | "onAction" | "onGroups" | "onSync" | "proofs"
>;

/** The groups of a participant, over the sessions of `source`. */
export function groupsAt(participant: Participant, source: RelaySource): Groups {
  const { history, keepsHistory, self } = participant;
  const onOwnChange = keepsHistory ? ownChangesInto(history, self.account.hash) : undefined;
  return new Groups({ ...participant.groupRoom(source), onOwnChange });
}

/**
 * What an inbox reads conversations with: groups over the sessions of `source`, receipts to contacts, lines in the
 * history. `room`: a session's, for who writes the receipts; `nameOf`: what accounts are called in lines.
 */
export function conversationPartsOf(
  participant: Participant,
  source: RelaySource,
  room: Connected,
  wishes: {
    readonly sendReceipts: boolean;
    readonly keepHistory: boolean;
    readonly nameOf: (account: Uint8Array) => string;
  },
): ConversationParts {
  const { store, states, clock, history } = participant;
  const groups = groupsAt(participant, source);
  const { account, relay, random } = participant.groupRoom(source);
  const people = { nameOf: wishes.nameOf, own: account };
  const receipts = new DeliveryReceipts({
    room: { ...room, groups: groups.reach },
    ...{ store, states, account, clock, random },
    relayName: relay,
    onError: (error) => participant.detail(`receipts were not told: ${error.message}`),
  });
  const arrivals = wishes.sendReceipts ? receipts : undefined;
  const onSync: ConversationParts["onSync"] = (tables, said) =>
    takeSync(tables, {
      ...said,
      own: { account, device: participant.self.signer.publicKey },
      relay,
      nowMs: clock.now(),
      keepHistory: wishes.keepHistory,
    });
  // Who keeps no lines keeps no proofs of them either.
  if (!wishes.keepHistory) return { groups, arrivals, onSync, proofs: false };
  return {
    groups,
    arrivals,
    onSync,
    onAction: (tables, action) => void history.acted(tables, action),
    onGroups: (tables, events) => {
      history.noticed(tables, events.flatMap((event) => noticeOf(event, people) ?? []));
    },
  };
}

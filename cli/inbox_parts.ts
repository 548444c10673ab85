/** What an inbox of a command reads conversations with, and what it keeps of them. @module */
import { systemRandom } from "../client/clock.ts";
import { DeliveryReceipts } from "../client/delivery_receipts.ts";
import { noticeOf } from "../client/history_notices.ts";
import type { InboxOptions } from "../client/inbox.ts";
import type { RelaySource } from "../client/reconnect.ts";
import type { Connected, Messenger } from "./messenger.ts";
import type { Settings } from "./settings.ts";
import { shownName } from "./shown_name.ts";

/** The parts of an inbox that have to do with conversations. */
export type ConversationParts = Pick<InboxOptions, "groups" | "arrivals" | "onAction" | "onGroups">;

/**
 * Groups over the sessions of `source`; receipts to contacts and lines in the history as the settings say. `room`: a
 * session's, for who writes the receipts.
 */
export async function conversationParts(
  messenger: Messenger,
  source: RelaySource,
  room: Connected,
  settings: Pick<Settings, "history" | "receipts">,
): Promise<ConversationParts> {
  const { store, states, clock, history } = messenger;
  const groups = messenger.groups(source);
  const { relay, account } = groups;
  const names = await messenger.contacts.names();
  const people = { nameOf: (who: Uint8Array) => shownName(who, names), own: account };
  const receipts = new DeliveryReceipts({
    room: { ...room, groups: groups.reach },
    ...{ store, states, account, clock },
    relayName: relay,
    random: systemRandom,
    onError: (error) => messenger.tellDetail(`receipts were not told: ${error.message}`),
  });
  return {
    groups,
    arrivals: settings.receipts.send ? receipts : undefined,
    ...(settings.history.keep
      ? {
        onAction: (tables, action) => void history.acted(tables, action),
        onGroups: (tables, events) => {
          history.noticed(tables, events.flatMap((event) => noticeOf(event, people) ?? []));
        },
      }
      : {}),
  };
}

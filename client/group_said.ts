/**
 * What was said in a group: a message to show, or an action that is taken in without being shown.
 * @module
 */
import { equal } from "../crypto/equal.ts";
import type { Content } from "../proto/gen/qight/v1/seal_pb.ts";
import { type Clock, CLOCK_TOLERANCE_MS } from "./clock.ts";
import { refuseClockAhead } from "./clock_check.ts";
import { arrivedAtMs } from "./gap_watch.ts";
import type { GroupInbox, GroupOpened } from "./group_opener.ts";
import { countInGroup, placeOf } from "./group_sorter.ts";
import { type ActionEvent, type InboxMessage, messageName, type Said } from "./inbox_events.ts";
import { isTooOld, type Known, type Page, refuse, type SortOptions } from "./mailbox_page.ts";
import type { DeliveredEvent, Unsealed } from "./opener.ts";
import type { GroupRow } from "./storage/store.ts";

/** What the page has so far, and what it is sorted for. */
export interface Taking {
  /** By `messageName`. */
  readonly taken: ReadonlySet<string>;
  /** Accounts, as hex. */
  readonly blocked: ReadonlySet<string>;
  readonly options: SortOptions;
}

/** A delivery to a group before and after it was opened. */
export interface GroupDelivery {
  readonly delivery: DeliveredEvent;
  readonly unsealed: Extract<Unsealed, { kind: "group" }>;
  readonly opened: GroupOpened;
}

/** The message to show, the action (already on the page), or null when there is neither. */
export function takeSaid(
  page: Page,
  { delivery, unsealed, opened }: GroupDelivery,
  known: Known,
  { taken, blocked, options: { relay, only, onAction, onSync } }: Taking,
  { clock, groups }: { readonly clock: Clock; readonly groups: GroupInbox | null },
): InboxMessage | ActionEvent | null {
  const { envelope, bodyHash } = unsealed;
  const { seq, receivedAtMs } = delivery;
  const settle = () => void page.settled.push({ first: seq, last: seq });
  if (opened.kind === "later") return null;
  if (opened.kind === "shown") settle();
  if (opened.kind === "unreadable") return refuse(page, delivery, unsealed, opened.reason, clock);
  if (opened.kind !== "opened" || taken.has(messageName({ fromDevice: envelope.sender, id: envelope.id }))) {
    return null;
  }
  refuseClockAhead(clock, relay);
  if (isTooOld(envelope.createdAtMs, known, relay, clock)) return refuse(page, delivery, unsealed, "too_old", clock);
  const { row, account: from, message: { content }, franked } = opened;
  const own = groups!.account;
  if (!content || (content.sync ? !onSync || !isAmongOwn(row, from, content, own) : isEmpty(content))) {
    return refuse(page, delivery, unsealed, "unknown_content", clock);
  }
  const said: Said = {
    id: envelope.id,
    from,
    fromDevice: envelope.sender,
    seq,
    sentAtMs: envelope.createdAtMs,
    receivedAtMs,
    in: placeOf(row, from),
    via: "mls",
    content,
    bodyHash,
    franked,
  };
  const redelivered = known.mark?.state === "printing";
  const message: InboxMessage = { ...said, type: "message", verified: true, redelivered };
  const { action: { case: action }, sync } = content;
  const shows = action === undefined && !sync;
  if (shows && only && !only(message)) return null;
  const atMs = arrivedAtMs(clock.now(), relay.relayNowMs(), receivedAtMs);
  page.changes.push((tables) => page.events.push(...countInGroup(tables, said, opened, atMs)));
  const silent = blocked.has(from.toHex());
  if (shows && !silent) return message;
  // Nobody need be shown it: taken in and let go in one transaction.
  settle();
  const forgetAtMs = envelope.createdAtMs + 2 * relay.session.maxTtlS * 1000 + CLOCK_TOLERANCE_MS;
  const event: ActionEvent = { ...said, type: "action" };
  page.changes.push((tables) => {
    const times = { sentAtMs: envelope.createdAtMs, forgetAtMs };
    tables.seen.put(envelope.sender, envelope.id, { state: "shown", bodyHash }, times);
    tables.opened.remove(envelope.sender, envelope.id);
    if (action === "left") groups!.noteLeft(tables, row.group, from);
    if (sync) page.events.push(...onSync!(tables, said));
    else if (action !== undefined && !silent) onAction?.(tables, event);
  });
  if (silent || sync) return null;
  page.events.push(event);
  return event;
}

function isEmpty({ action, body, files }: Content): boolean {
  return action.case === undefined && body.case === undefined && files.length === 0;
}

/** Only the devices of this account tell each other such things, where nobody else hears it, and nothing beside them. */
function isAmongOwn({ kind, peer }: GroupRow, from: Uint8Array, { body, action }: Content, own: Uint8Array): boolean {
  return kind === "direct" && peer !== null && equal(peer, own) && equal(from, own) && body.case === undefined &&
    action.case === undefined;
}

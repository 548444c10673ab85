/** What is no message and yet must be known: gaps, expired ranges, unreadable mail, new devices, invites. @module */
import type { InboxEvent } from "../client/inbox.ts";
import { formatMessageId } from "../client/message_id.ts";
import { deviceFingerprint, formatAccountId } from "../crypto/account.ts";
import { equal } from "../crypto/equal.ts";
import { actionFields, actionText, groupFields, groupText, type People, speaker } from "./conversation_output.ts";
import { escapeLine } from "./escape.ts";
import { inviteId } from "./invite_output.ts";

/** An event of an inbox other than a message. */
export type Notice = Exclude<InboxEvent, { type: "message" } | { type: "caught_up" }>;

/** The JSON form of an event. */
export async function noticeFields(event: Notice): Promise<Record<string, unknown>> {
  const { type } = event;
  switch (type) {
    case "unreadable":
      return {
        type,
        id: event.id && formatMessageId(event.id),
        seq: event.seq,
        from_device: event.fromDevice && await deviceFingerprint(event.fromDevice),
        reason: event.reason,
      };
    case "gap":
      return {
        type,
        from: event.from && formatAccountId(event.from),
        from_device: await deviceFingerprint(event.fromDevice),
        first: event.first,
        last: event.last,
        ...(event.perhapsExpired === undefined ? {} : { perhaps_expired: event.perhapsExpired }),
      };
    case "expired":
      return { type, first: event.first, last: event.last };
    case "action":
      return actionFields(event);
    case "group":
      return groupFields(event);
    case "new_device":
    case "device_gone":
      return {
        type,
        id: formatAccountId(event.account),
        device: await deviceFingerprint(event.device),
        name: event.name,
      };
    case "contact_offered":
      return { type, id: formatAccountId(event.account), name: event.name };
    case "read_elsewhere":
      return { type, lines: event.lines };
    case "history_part":
      return { type, part: event.part, parts: event.parts };
    case "invite_accepted":
      return { type, id: formatAccountId(event.account), name: event.name, invite: inviteId(event.invite) };
    case "lineage":
      return { type, from: formatAccountId(event.from), from_device: await deviceFingerprint(event.fromDevice) };
  }
}

/** People by their ids: nobody is called anything, and nobody is oneself. */
const STRANGERS: People = { nameOf: formatAccountId, own: new Uint8Array(0) };

/** One sentence for people, who are called as `people` says. */
export async function noticeText(event: Notice, people: People = STRANGERS): Promise<string> {
  const fields = await noticeFields(event);
  switch (event.type) {
    case "unreadable":
      return `message ${fields.seq} could not be read (${fields.reason}); its bytes are kept for a week`;
    case "gap":
      return `missing: ${numbers(event)} of ${
        event.from ? speaker(event.from, people) : fields.from_device
      } never came` +
        perhapsExpired(event);
    case "action":
      return actionText(event, people);
    case "group":
      return groupText(event, people);
    case "expired":
      return `missing: ${numbers(event)} of this mailbox expired unread`;
    case "new_device":
      return `${whose(event, people)} has a new device: ${fields.device} ${escapeLine(event.name)}`;
    case "device_gone":
      return `${whose(event, people)} has removed a device: ${fields.device} ${escapeLine(event.name)}`;
    case "contact_offered":
      return `another device of yours calls ${fields.id} "${event.name}", who is somebody else here: ` +
        `qight contact verify ${event.name} compares digits`;
    case "read_elsewhere":
      return `${event.lines === 1 ? "1 line was" : `${event.lines} lines were`} read on another device of yours`;
    case "history_part":
      return `part ${event.part} of ${event.parts} of a history came from another device of yours`;
    case "invite_accepted":
      return `${event.name} took your invite ${fields.invite} and is a verified contact now: ${fields.id}`;
    case "lineage":
      return `${
        speaker(event.from, people)
      } began to count anew (restored or another relay): losses just before that are not seen`;
  }
}

/** Own devices are the reader's to know: a new one that is none of theirs is a thief's. */
function whose({ account }: { readonly account: Uint8Array }, { nameOf, own }: People): string {
  return equal(account, own) ? "your account" : nameOf(account);
}

function numbers({ first, last }: { readonly first: number; readonly last: number }): string {
  return first === last ? `message ${first}` : `messages ${first} to ${last}`;
}

/** Messages that expired were told already; whose they were only their seals could say. */
function perhapsExpired({ first, last, perhapsExpired }: Extract<Notice, { type: "gap" }>): string {
  if (perhapsExpired === undefined) return "";
  const all = perhapsExpired === last - first + 1;
  const who = !all ? `${perhapsExpired} of them` : first === last ? "it" : "they";
  return `; ${who} may be among those that expired unread, told before`;
}

/** A received message as JSON, as a line for people, or as its body alone. @module */
import { formatMessageId } from "../client/message_id.ts";
import type { InboxMessage } from "../client/inbox.ts";
import type { Where } from "../client/inbox_events.ts";
import { formatAccountId } from "../crypto/account.ts";
import { escapeControls, escapeLine, safeJson } from "./escape.ts";
import type { SavedFile } from "../client/storage/save_files.ts";

/** How messages are written. */
export interface MessageStyle {
  readonly json: boolean;
  /** Records end with NUL; without `json` they are the body alone. */
  readonly nul: boolean;
  /** A person looks at it: nothing may steer the terminal. */
  readonly terminal: boolean;
  readonly utc: boolean;
  /** Own account id. */
  readonly to: string;
}

/** What an account (hash) is called among the contacts; undefined for who is none. */
type NameOf = (account: Uint8Array) => string | undefined;

/** The bytes of one record, its end included. */
export function messageRecord(
  message: InboxMessage,
  files: readonly SavedFile[],
  style: MessageStyle,
  nameOf: NameOf,
): Uint8Array {
  if (style.json) {
    const fields = messageFields(message, files, style.to, nameOf(message.from));
    return encoder.encode(safeJson(fields) + (style.nul ? "\0" : "\n"));
  }
  if (!style.nul) return encoder.encode(messageText(message, files, style, nameOf));
  const body = bodyBytes(message);
  const shown = style.terminal ? encoder.encode(escapeControls(new TextDecoder().decode(body))) : body;
  const record = new Uint8Array(shown.length + 1);
  record.set(shown);
  return record;
}

/** The JSON form of docs/operations.md; fields are only ever added. */
function messageFields(
  message: InboxMessage,
  files: readonly SavedFile[],
  to: string,
  name: string | undefined,
): Record<string, unknown> {
  const { id, from, in: where, via, seq, sentAtMs, receivedAtMs, verified, redelivered, content } = message;
  return {
    type: "message",
    id: formatMessageId(id),
    from: formatAccountId(from),
    ...(name === undefined ? {} : { from_name: name }),
    to,
    in: whereName(where),
    via,
    seq,
    sent_at: rfc3339(sentAtMs),
    received_at: rfc3339(receivedAtMs),
    verified,
    ...(content.body.case === "data" ? { data: content.body.value.toBase64() } : { text: content.body.value ?? "" }),
    files: files.map(({ name, size, sha256, path, waits, data }) => ({
      ...{ name, size, sha256 },
      ...(path !== undefined ? { path } : waits ? {} : { data: data.toBase64() }),
    })),
    ...(content.replyTo.length > 0 ? { reply_to: formatMessageId(content.replyTo) } : {}),
    ...(redelivered ? { redelivered } : {}),
  };
}

/** Where something was said, as scripts see it: `#NAME`, or the id of the other side. */
export function whereName(where: Where): string {
  return where.kind === "group" ? `#${where.name}` : formatAccountId(where.peer);
}

/** The body's bytes, as they were sent. */
export function bodyBytes({ content }: Pick<InboxMessage, "content">): Uint8Array {
  if (content.body.case === "data") return content.body.value;
  return encoder.encode(content.body.value ?? "");
}

/** RFC 3339 in UTC; a sender's clock may say anything, so what no date can hold becomes the nearest one. */
export function rfc3339(ms: number): string {
  return new Date(Math.min(Math.max(ms, 0), LATEST_MS)).toISOString();
}

// 9999-12-31T23:59:59.999Z: RFC 3339 §5.6 has four digits for the year.
const LATEST_MS = 253_402_300_799_999;
const SHORT_ID = 12;
const encoder = new TextEncoder();

function messageText(
  message: InboxMessage,
  files: readonly SavedFile[],
  { utc, to }: MessageStyle,
  nameOf: NameOf,
): string {
  const { content, in: where, sentAtMs, verified, redelivered } = message;
  const time = clockTime(new Date(rfc3339(sentAtMs)), utc);
  const marks = `${verified ? "" : " (not verified)"}${redelivered ? " (again)" : ""}`;
  const body = content.body.case === "data"
    ? `[${content.body.value.length} bytes of data]`
    : escapeControls(content.body.value ?? "").replace(/\n/g, "\n  ");
  const place = where.kind === "group" ? `#${escapeLine(where.name)} ` : "";
  const lines = [`${time}  ${place}${speaker(message, to, nameOf)}${marks}  ${body}`];
  for (const { name, size, path } of files) {
    lines.push(`  [file] ${escapeLine(name)}  ${size} bytes${path === undefined ? "" : `  ${escapeLine(path)}`}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Who said it; what another device of one's own said to somebody names them. */
function speaker({ from, in: where }: InboxMessage, own: string, nameOf: NameOf): string {
  const called = (account: Uint8Array) => nameOf(account) ?? formatAccountId(account).slice(0, SHORT_ID);
  if (formatAccountId(from) !== own) return called(from);
  if (where.kind !== "direct") return "you";
  // A note to oneself stands there by name or id, as scripts know it.
  return formatAccountId(where.peer) === own ? called(from) : `you to ${called(where.peer)}`;
}

function clockTime(date: Date, utc: boolean): string {
  const [hours, minutes] = utc ? [date.getUTCHours(), date.getUTCMinutes()] : [date.getHours(), date.getMinutes()];
  return `${String(hours).padStart(2, "0")}:${String(minutes).padStart(2, "0")}`;
}

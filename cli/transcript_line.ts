/** A line of a transcript on its way into the history. @module */
import * as z from "zod";
import type { Arrival } from "../client/arrival.ts";
import type { ImportedLine } from "../client/history_import.ts";
import { parseMessageId } from "../client/message_id.ts";
import { parseAccountId } from "../crypto/account.ts";
import { fromHex } from "../crypto/hex.ts";
import { QightError } from "../proto/errors.ts";
import type { HistoryState } from "../client/storage/store.ts";
import type { TranscriptLine, TranscriptTitle } from "./transcript_file.ts";

const Line = z.object({
  type: z.enum(["message", "notice"]),
  id: z.string(),
  from: z.string(),
  device: z.string(),
  sent_at: z.iso.datetime(),
  text: z.string(),
  state: z.enum(["waiting", "sent", "accepted", "delivered", "read", "refused", "kept", "unread"]).default("kept"),
  verified: z.boolean().default(true),
  files: z.array(z.object({ name: z.string(), size: z.int().min(0) })).default([]),
  reactions: z.array(z.object({ from: z.string(), emoji: z.string() })).default([]),
  delivered_to: z.array(z.string()).default([]),
  read_by: z.array(z.string()).default([]),
  reply_to: z.string().optional(),
  edited: z.boolean().default(false),
  deleted: z.boolean().default(false),
});

/** A line as the history keeps it; `bad_transcript` when it lacks what every line has. What was to disappear stays. */
export function importedLine(line: TranscriptLine, { conversation, own }: TranscriptTitle): ImportedLine {
  const parsed = Line.safeParse(line);
  if (!parsed.success) {
    throw new QightError("bad_transcript", "A line of the transcript lacks what every line has", {
      cause: parsed.error,
    });
  }
  const { type, id, from, device, sent_at, text, state, verified, files, edited, deleted, ...rest } = parsed.data;
  return {
    conversation,
    author: parseAccountId(from),
    device: fromHex(device, 32),
    id: parseMessageId(id),
    atMs: Date.parse(sent_at),
    state: from === own ? OWN[state] : type === "notice" ? "note" : "read",
    verified,
    text,
    kind: type,
    replyTo: rest.reply_to === undefined ? null : parseMessageId(rest.reply_to),
    files,
    reactions: rest.reactions.map(({ from, emoji }) => ({ author: parseAccountId(from), emoji })),
    marks: rest.delivered_to.map((who) => ({
      account: parseAccountId(who),
      state: rest.read_by.includes(who) ? "read" : "delivered",
    })),
    edited,
    deleted,
  };
}

/** What each word of `arrivalOf` is in the store, for a line of one's own; nothing of before waits to go out. */
const OWN: Readonly<Record<Arrival, HistoryState>> = {
  waiting: "unknown",
  sent: "unknown",
  accepted: "sent",
  delivered: "sent",
  read: "sent",
  refused: "failed",
  kept: "note",
  unread: "read",
};

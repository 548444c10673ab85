/** A line of the history as JSON. @module */
import { arrivalOf } from "../client/arrival.ts";
import { peerOf } from "../client/conversations.ts";
import type { KeptLine } from "../client/history.ts";
import { formatMessageId } from "../client/message_id.ts";
import { formatAccountId } from "../crypto/account.ts";
import { rfc3339 } from "./message_output.ts";

/** What names need to be known for. */
export interface Names {
  /** Contact names by account hash in hex. */
  readonly contacts: ReadonlyMap<string, string>;
  /** What conversations are called, by their names in the store. */
  readonly titleOf: (key: string) => string;
}

/** The JSON form of a line; fields are only ever added. `in` is `#NAME` or the id of the other side, as in `fetch`. */
export function historyFields(line: KeptLine, names: Names): Record<string, unknown> {
  const { id, conversation, author, atMs, kind, text, replyTo, goneAtMs } = line;
  const peer = peerOf(conversation);
  const name = names.contacts.get(author.toHex());
  const about = {
    id: formatMessageId(id),
    in: peer ? formatAccountId(peer) : names.titleOf(conversation),
    from: formatAccountId(author),
    ...(name === undefined ? {} : { from_name: name }),
    sent_at: rfc3339(atMs),
  };
  if (kind === "notice") return { type: "notice", ...about, text };
  return {
    type: "message",
    ...about,
    state: arrivalOf(line, line.marks),
    verified: line.verified,
    text,
    files: line.files.map(({ number, name, size, kept, savedAs }) => ({ number, name, size, kept, path: savedAs })),
    reactions: line.reactions.map(({ author, emoji }) => ({ from: formatAccountId(author), emoji })),
    delivered_to: line.marks.map(({ account }) => formatAccountId(account)),
    read_by: line.marks.filter(({ state }) => state === "read").map(({ account }) => formatAccountId(account)),
    ...(replyTo ? { reply_to: formatMessageId(replyTo) } : {}),
    edited: line.edited,
    deleted: line.deleted,
    ...(goneAtMs === null ? {} : { goes_at: rfc3339(goneAtMs) }),
  };
}

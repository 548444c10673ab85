/** Messages that somebody is about to show to a relay's operator: as lines, and as JSON. @module */
import type { Reportable } from "../client/report.ts";
import { formatMessageId } from "../client/message_id.ts";
import { formatAccountId } from "../crypto/account.ts";
import { escapeControls, escapeLine } from "./escape.ts";
import { rfc3339 } from "./message_output.ts";
import { localTime } from "./repl/message_lines.ts";
import { shownName } from "./shown_name.ts";

/** Contact names by account hash in hex. */
type Names = ReadonlyMap<string, string>;

/** What is shown to whom, before somebody says yes to it. */
export function reportLines(messages: readonly Reportable[], relay: string, names: Names, utc: boolean): string[] {
  return [
    `Whoever runs ${relay} will see ${messages.length === 1 ? "this" : "these"}, who sent it, and that you report it:`,
    ...messages.map((message) => {
      const time = localTime(message.sentAtMs, utc).join(" ");
      const words = escapeControls(wordsOf(message)).replace(/\n/g, "\n    ");
      return `  ${time}  ${shownName(message.account, names)}${message.target ? " (changed to)" : ""}  ${words}`;
    }),
  ];
}

/** The JSON form of a message that was reported; fields are only ever added. */
export function reportedFields(message: Reportable, names: Names): Record<string, unknown> {
  const name = names.get(message.account.toHex());
  return {
    id: formatMessageId(message.id),
    from: formatAccountId(message.account),
    ...(name === undefined ? {} : { from_name: name }),
    sent_at: rfc3339(message.sentAtMs),
    text: wordsOf(message),
    ...(message.target ? { changes: formatMessageId(message.target) } : {}),
  };
}

function wordsOf({ said: { body, action, files } }: Reportable): string {
  const text = action.case === "edit" ? action.value.text : body.case === "text" ? body.value : "";
  const bytes = body.case === "data" ? [`[${body.value.length} bytes]`] : [];
  const attached = files.map(({ name, data, blob }) =>
    `[file] ${escapeLine(name)}  ${blob?.size ?? data.length} bytes`
  );
  return [...(text === "" ? [] : [text]), ...bytes, ...attached].join("\n");
}

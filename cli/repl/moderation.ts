/** Blocks and reports in a chat; loaded when they are first wanted. @module */
import { findReportable, sendReport } from "../../client/report.ts";
import { equal } from "../../crypto/equal.ts";
import { blockEverywhere } from "../block.ts";
import { reportLines } from "../report_output.ts";
import type { Chat } from "./chat.ts";
import { lineNumbered } from "./line_words.ts";

/** Blocks a contact, here and at the relay, or lifts the block; what the relay does not know is said. */
export async function blockContact(chat: Chat, name: string, blocked: boolean): Promise<void> {
  const { screen, messenger } = chat;
  const remarks = {
    note: (text: string) => screen.note(text),
    detail: (text: string) => messenger.detail(text),
  };
  const contact = await blockEverywhere(messenger, name, blocked, () => chat.relay(), remarks);
  screen.note(blocked ? `${contact.name} is blocked` : `${contact.name} is not blocked any more`);
}

/** Shows what will be seen by whom, asks, and reports it; `which` is the line as `-N` if it is not the newest. */
export async function reportLine(chat: Chat, which: string | undefined, reason: string): Promise<void> {
  const line = await lineNumbered(chat, which, "theirs");
  const { store, contacts, relayAddress } = chat.messenger;
  const messages = (await findReportable(store, [line.id])).filter(({ account }) => equal(account, line.author));
  const names = await contacts.names();
  await chat.screen.show(reportLines(messages, relayAddress, names, chat.settings.utc).join("\n"));
  const who = await chat.title(line.author);
  await chat.confirm("It will be reported.", who);
  const report = await sendReport(await chat.relay(), messages, reason);
  chat.screen.note(`reported as ${report}; /block ${who} keeps more of them away`);
}

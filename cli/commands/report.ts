/** `qight report`: chosen messages, with the proof that they were sent so, to whoever runs the relay. @module */
import { parseMessageId } from "../../client/message_id.ts";
import { findReportable, sendReport } from "../../client/report.ts";
import { QightError } from "../../proto/errors.ts";
import { Messenger } from "../messenger.ts";
import { reportedFields, reportLines } from "../report_output.ts";
import { orAborted } from "../send_one.ts";
import { askLine, hasTerminal } from "../terminal.ts";
import type { reportSpec } from "../tree/report.ts";
import type { Call } from "../tree/spec.ts";

/** Says what will be shown to whom, asks, and shows it. */
export async function run({ args, options, settings, out, signal }: Call<typeof reportSpec>): Promise<void> {
  await using messenger = await Messenger.open(settings, out);
  const { store, contacts, relayAddress } = messenger;
  const messages = await findReportable(store, args.map(parseMessageId));
  const names = await contacts.names();
  if (!settings.yes) {
    if (!settings.mayAsk || !await hasTerminal()) {
      throw new QightError("usage", "A report needs a yes and there is no terminal to ask on", {
        hint: "Use -y if you mean it.",
      });
    }
    for (const line of reportLines(messages, relayAddress, names, settings.utc)) out.error(line);
    if (await askLine("Report it? Type yes: ") !== "yes") {
      throw new QightError("not_allowed", "Nothing was reported", { hint: "" });
    }
  }
  await using relay = await orAborted(messenger.dial(), signal);
  // A report is about one sender.
  for (const ofOne of Map.groupBy(messages, ({ account }) => account.toHex()).values()) {
    const report = await orAborted(sendReport(relay, ofOne, options.reason ?? ""), signal);
    const fields = ofOne.map((message) => reportedFields(message, names));
    await out.result({ report, relay: relayAddress, messages: fields }, report);
  }
}

/** `qight report`: chosen messages, with the proof that they were sent so, to whoever runs the relay. @module */
import { parseMessageId } from "../../client/message_id.ts";
import { findReportable, sendReport } from "../../client/report.ts";
import { QightError } from "../../proto/errors.ts";
import { Messenger } from "../messenger.ts";
import { reportedFields, reportLines } from "../report_output.ts";
import { orAborted } from "../send_one.ts";
import type { reportSpec } from "../tree/report.ts";
import type { Call } from "../tree/spec.ts";
import { wantYes } from "../yes.ts";

/** Says what will be shown to whom, asks, and shows it. */
export async function run({ args, options, settings, out, signal }: Call<typeof reportSpec>): Promise<void> {
  await using messenger = await Messenger.open(settings, out);
  const { store, contacts, relayAddress } = messenger;
  const messages = await findReportable(store, args.map(messageId));
  const names = await contacts.names();
  await wantYes(settings, {
    question: "Report it? Type yes: ",
    needs: "A report needs a yes",
    refused: "Nothing was reported",
    explain() {
      for (const line of reportLines(messages, relayAddress, names, settings.utc)) out.error(line);
    },
  });
  await using relay = await orAborted(messenger.dial(), signal);
  // A report is about one sender.
  for (const ofOne of Map.groupBy(messages, ({ account }) => account.toHex()).values()) {
    const report = await orAborted(sendReport(relay, ofOne, options.reason ?? ""), signal);
    const fields = ofOne.map((message) => reportedFields(message, names));
    await out.result({ report, relay: relayAddress, messages: fields }, report);
  }
}

function messageId(word: string): Uint8Array {
  try {
    return parseMessageId(word);
  } catch (cause) {
    throw new QightError("bad_id", `"${word}" is no message id`, {
      cause,
      hint: "A message id is 32 hex digits, as qight history --json and fetch --json show it.",
    });
  }
}

/**
 * Shows chosen messages to whoever runs the relay, who can check that they were sent so.
 * @module
 */
import { fromBinary } from "@bufbuild/protobuf";
import { CONTENT_GROUP, parseEnvelope } from "../crypto/envelope.ts";
import { equal } from "../crypto/equal.ts";
import { QightError } from "../proto/errors.ts";
import { ModerationService } from "../proto/gen/qight/v1/moderation_pb.ts";
import { type Content, ContentSchema } from "../proto/gen/qight/v1/seal_pb.ts";
import { formatMessageId } from "./message_id.ts";
import type { RelayClient } from "./relay_client.ts";
import type { ClientStore, ReportableRow } from "./storage/store.ts";

/** Most messages of one report (ModerationService.Report). */
export const MAX_REPORTED = 20;
/** Of a line that was changed again and again the newest changes; else its author could make it too much to report. */
const MAX_CHANGES = 5;
/** Longest reason, bytes. */
export const MAX_REASON_BYTES = 1000;
/** Longest report, bytes: the call's limit without what stands around the messages. */
const MAX_REPORT_BYTES = 4 * 1024 * 1024 - 8 * 1024;

/** A message that can be shown to others, and proven. */
export interface Reportable extends ReportableRow {
  readonly sentAtMs: number;
  readonly said: Content;
  /** It was said to a conversation, direct or of a group; else sealed to this device. */
  readonly inConversation: boolean;
}

/**
 * What is kept of these messages of others, each with the newest changes of its words. `no_input` when nothing is kept of
 * one; `usage` when there are too many, `message_too_large` when they are too long together.
 */
export async function findReportable(store: ClientStore, ids: readonly Uint8Array[]): Promise<Reportable[]> {
  const found: Reportable[] = [];
  for (const id of ids) {
    const about = await store.read(({ reportable }) => reportable.about(id));
    // Others may give their message the same id, or say that it changes this one: only its author's change counts.
    const lines = about.filter((row) => equal(row.id, id));
    if (lines.length === 0) throw unknown(id);
    const changes = about.filter((row) =>
      !lines.includes(row) && lines.some((line) => equal(line.account, row.account))
    );
    for (const row of [...lines, ...changes.slice(-MAX_CHANGES)]) {
      if (!found.some((known) => equal(known.id, row.id) && equal(known.account, row.account))) found.push(opened(row));
    }
  }
  if (found.length > MAX_REPORTED) {
    throw new QightError("usage", `A report has at most ${MAX_REPORTED} messages, not ${found.length}`, {
      hint: "Report the worst ones.",
    });
  }
  const bytes = found.reduce((sum, { envelope, content }) => sum + envelope.length + content.length, 0);
  if (bytes > MAX_REPORT_BYTES) {
    throw new QightError(
      "message_too_large",
      `These messages have ${bytes} bytes; ${MAX_REPORT_BYTES} fit into a report`,
      {
        hint: "Report fewer at once.",
      },
    );
  }
  return found;
}

/** Shows messages of one sender to the relay; answers its handle of the report. `bad_report` when it does not accept the proof. */
export async function sendReport(
  { rpc }: Pick<RelayClient, "rpc">,
  messages: readonly ReportableRow[],
  reason: string,
): Promise<string> {
  const size = new TextEncoder().encode(reason).length;
  if (size > MAX_REASON_BYTES) {
    throw new QightError("usage", `The reason has ${size} bytes; at most ${MAX_REASON_BYTES} fit`);
  }
  const shown = messages.map(({ envelope, frankingKey, content, account }) => ({
    envelope,
    frankingKey,
    content,
    account,
  }));
  return (await rpc.unary(ModerationService.method.report, { messages: shown, reason })).report;
}

function opened(row: ReportableRow): Reportable {
  const { createdAtMs, contentType } = parseEnvelope(row.envelope);
  const said = fromBinary(ContentSchema, row.content, { readUnknownFields: false });
  return { ...row, said, sentAtMs: createdAtMs, inConversation: contentType === CONTENT_GROUP };
}

function unknown(id: Uint8Array): QightError {
  return new QightError("no_input", `Nothing is kept of a message ${formatMessageId(id)} that could prove it`, {
    hint: "What others wrote can be reported for 7 days after it was read here, unless history is not kept.",
  });
}

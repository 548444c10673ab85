/**
 * What people showed the operator: the list of reports, what each of them proves, and that one is done with.
 * @module
 */
import { fromBinary } from "@bufbuild/protobuf";
import { deviceFingerprint, formatAccountId } from "../../crypto/account.ts";
import { CONTENT_GROUP, parseEnvelope } from "../../crypto/envelope.ts";
import { QightError } from "../../proto/errors.ts";
import { type ReportedMessage, ReportRequestSchema } from "../../proto/gen/qight/v1/moderation_pb.ts";
import { type Content, ContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import type { AdminHandlers } from "../admin.ts";
import type { Audit } from "../audit.ts";
import type { ReportSummary } from "../storage/account_store.ts";
import type { Store } from "../storage/store.ts";
import { text, textOrNone } from "./params.ts";

/** Reports in one answer; who asks goes on after the last. */
const PAGE = 100;
/** Shown of one text or of one message's bytes. An answer of the admin socket has 1 MiB, and JSON makes six of one. */
const MAX_SHOWN = 4096;
/** Files shown of one message, and characters of a name. */
const MAX_FILES = 20;
const MAX_FILE_NAME = 100;

/** What administering reports needs of the relay. */
export interface ReportAdminRoom {
  readonly store: Pick<Store, "accounts">;
  readonly audit: Audit;
}

/** The admin methods by name; that a report was deleted goes to the audit log. */
export function reportHandlers({ store: { accounts }, audit }: ReportAdminRoom): AdminHandlers {
  return {
    async "report.list"(params) {
      const all = await accounts.reports();
      const last = textOrNone(params, "after", 8);
      const from = last === "" ? 0 : all.findIndex(({ id }) => id === last) + 1;
      return all.slice(from, from + PAGE).map(summary);
    },
    async "report.show"(params) {
      const id = text(params, "id");
      const report = await accounts.report(id);
      if (!report) throw noSuchReport(id);
      const { messages } = fromBinary(ReportRequestSchema, report.evidence);
      return { ...summary(report), messages: await Promise.all(messages.map(shownMessage)) };
    },
    async "report.delete"(params) {
      const id = text(params, "id");
      if (!await accounts.deleteReport(id)) throw noSuchReport(id);
      audit.record("report.delete", { id });
      return { id };
    },
  };
}

function summary({ id, reporter, accused, reason, atMs }: ReportSummary) {
  return {
    id,
    at: new Date(atMs).toISOString(),
    reporter: formatAccountId(reporter),
    accused: formatAccountId(accused),
    reason,
  };
}

async function shownMessage({ envelope: bytes, content, unlisted }: ReportedMessage) {
  const { id, sender, contentType, createdAtMs } = parseEnvelope(bytes);
  return {
    id: id.toHex(),
    device: await deviceFingerprint(sender),
    // False: the account did not list that device (any more) when this was reported, so it may be somebody else's.
    listed: !unlisted,
    sent_at: new Date(createdAtMs).toISOString(),
    to_group: contentType === CONTENT_GROUP,
    ...shownContent(content),
  };
}

/** What was said; what does not decode is shown as the bytes that its sender committed to. */
function shownContent(bytes: Uint8Array) {
  const content = decoded(bytes);
  if (!content) return { kind: "unknown", ...shownBytes(bytes) };
  const { body, files, action, inviteAccept } = content;
  const attached = files.length === 0 ? {} : {
    files: files.slice(0, MAX_FILES).map(({ name, data, blob }) => (
      { name: name.slice(0, MAX_FILE_NAME), bytes: blob ? Number(blob.size) : data.length }
    )),
  };
  if (body.case === "text") return { kind: "text", ...shownText(body.value), ...attached };
  if (body.case === "data") return { kind: "data", ...shownBytes(body.value), ...attached };
  if (action.case === "edit") return { kind: "edit", ...shownText(action.value.text) };
  if (action.case === "reaction") return { kind: "reaction", ...shownText(action.value.emoji) };
  return { kind: action.case ?? (inviteAccept ? "invite" : files.length > 0 ? "files" : "empty"), ...attached };
}

function shownText(text: string) {
  return { text: text.slice(0, MAX_SHOWN), cut: text.length > MAX_SHOWN };
}

function shownBytes(bytes: Uint8Array) {
  return { data: bytes.subarray(0, MAX_SHOWN).toBase64(), cut: bytes.length > MAX_SHOWN };
}

function decoded(bytes: Uint8Array): Content | null {
  try {
    return fromBinary(ContentSchema, bytes, { readUnknownFields: false });
  } catch {
    return null; // the caller shows the bytes
  }
}

function noSuchReport(id: string): QightError {
  return new QightError("usage", `There is no report ${id}`, { hint: "qight relay report list shows them." });
}

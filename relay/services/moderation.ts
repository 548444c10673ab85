/**
 * What people do not want to see, and what they show the operator.
 * @module
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { equal } from "../../crypto/equal.ts";
import { QightError } from "../../proto/errors.ts";
import {
  BlockRequestSchema,
  BlockResponseSchema,
  ReportRequestSchema,
  ReportResponseSchema,
} from "../../proto/gen/qight/v1/moderation_pb.ts";
import type { Audit } from "../audit.ts";
import type { Blocks } from "../blocks.ts";
import type { CallContext } from "../dispatch.ts";
import type { Limits } from "../limits.ts";
import type { Metrics } from "../metrics.ts";
import type { ReportPut, Store, StoredBundle } from "../storage/store.ts";
import { checkedEvidence } from "./evidence.ts";

/** Reports that wait for the operator. */
export const MAX_REPORTS = 10_000;
/** When the operator may have read some. */
const LATER = { retryAfterMs: 3600_000 };
/** What a report counts for beside a block. */
const REPORT_COST = 10;
/** Bytes of an account hash. */
const ACCOUNT_BYTES = 32;

/** What moderation needs of the relay. */
export interface ModerationRoom {
  readonly store: Store;
  readonly blocks: Blocks;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly audit: Audit;
  /** Reports of one account that may wait for the operator. */
  readonly openReports: () => number;
  readonly draining: () => boolean;
  readonly now: () => number;
}

/** Block: this account's mailboxes take nothing more from another account, or do again. */
export async function block(room: ModerationRoom, call: CallContext): Promise<void> {
  const { account, blocked } = await call.requests.only(BlockRequestSchema);
  const own = await admit(room, call, 1);
  if (account.length !== ACCOUNT_BYTES) throw new QightError("bad_frame", "The hash of an account has 32 bytes");
  if (equal(account, own.account)) throw new QightError("not_allowed", "Nobody blocks themselves");
  if (blocked) await room.blocks.block(own.account, account);
  else await room.blocks.unblock(own.account, account);
  await call.reply.send(toBinary(BlockResponseSchema, create(BlockResponseSchema)));
}

/** Report: keeps messages that their sender signed, for the operator; answers a handle for the reporter. */
export async function report(room: ModerationRoom, call: CallContext): Promise<void> {
  const request = await call.requests.only(ReportRequestSchema);
  const reporter = await admit(room, call, REPORT_COST);
  const { accused, evidence } = await checkedEvidence(room.store, request, { ...reporter, device: call.peer.device });
  const id = crypto.getRandomValues(new Uint8Array(4)).toHex();
  const { reason } = request;
  const stored = { id, reporter: reporter.account, accused, reason, evidence, atMs: room.now() };
  const maxOfReporter = room.openReports();
  refuseUnlessStored(await room.store.accounts.putReport(stored, { max: MAX_REPORTS, maxOfReporter }), room);
  room.audit.record("report", { id });
  await call.reply.send(toBinary(ReportResponseSchema, create(ReportResponseSchema, { report: id })));
}

function refuseUnlessStored(put: ReportPut, { metrics }: ModerationRoom): void {
  switch (put) {
    case "stored":
      return;
    case "too_many":
      metrics.rateLimited("moderation");
      throw new QightError("rate_limited", "The operator has yet to read so many reports by this account", LATER);
    case "full":
      throw new QightError("busy", "The operator has too many reports to read already", LATER);
    case "id_taken":
      throw new QightError("busy", "Another report got the same number", { retryAfterMs: 0 });
  }
}

/** The caller's list. Only accounts may do either: those are limited. */
async function admit(room: ModerationRoom, call: CallContext, cost: number): Promise<StoredBundle> {
  if (room.draining()) throw new QightError("draining", undefined, { retryAfterMs: 1000 });
  const own = await room.store.bundleOfDevice(call.peer.device);
  if (!own) throw new QightError("not_allowed", "Blocks and reports are for devices that a published list has");
  const retryAfterMs = room.limits.takeModeration(own.account, cost);
  if (retryAfterMs > 0) {
    room.metrics.rateLimited("moderation");
    throw new QightError("rate_limited", "Too many blocks and reports by this account", { retryAfterMs });
  }
  return own;
}

/**
 * Requests of many tiny parts: refused before the relay makes an object of each.
 * @module
 */
import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { ModerationService, ReportRequestSchema } from "../../proto/gen/qight/v1/moderation_pb.ts";
import { PutRecoveryRequestSchema, RecoveryService } from "../../proto/gen/qight/v1/recovery_pb.ts";
import { checkFieldCount, MAX_FIELDS } from "../../relay/field_count.ts";
import { person } from "../helpers/people.ts";
import { refusal } from "../helpers/refusal.ts";
import { testRelay } from "../helpers/test_relay.ts";

const NOW = 1_800_000_000_000;
const many = (count: number) => Array.from({ length: count }, () => ({}));

Deno.test("regression: a report of thousands of empty messages, and codes nested as deep, are refused before they are decoded", async () => {
  const ada = await person(1, NOW);
  await using relay = await testRelay({ now: () => NOW });
  await using client = await relay.join(ada);
  const report = await refusal(() => client.rpc.unary(ModerationService.method.report, { messages: many(70_000) }));
  const keeping = { sealed: new Uint8Array(9), codes: many(70_000) };
  const codes = await refusal(() => client.rpc.unary(RecoveryService.method.putRecovery, { keeping }));
  for (const { code, message } of [report, codes]) {
    assert.deepEqual([code, message], ["bad_frame", `A request has at most ${MAX_FIELDS} fields`]);
  }
});

Deno.test("fields are counted with those inside of them, and what does not parse is not passed over", () => {
  const report = (count: number) =>
    toBinary(ReportRequestSchema, create(ReportRequestSchema, { messages: many(count) }));
  checkFieldCount(ReportRequestSchema, report(MAX_FIELDS));
  assert.throws(() => checkFieldCount(ReportRequestSchema, report(MAX_FIELDS + 1)), { code: "bad_frame" });
  const nested = (count: number) =>
    toBinary(PutRecoveryRequestSchema, create(PutRecoveryRequestSchema, { keeping: { codes: many(count) } }));
  checkFieldCount(PutRecoveryRequestSchema, nested(MAX_FIELDS - 1));
  assert.throws(() => checkFieldCount(PutRecoveryRequestSchema, nested(MAX_FIELDS)), { code: "bad_frame" });
  assert.throws(() => checkFieldCount(ReportRequestSchema, Uint8Array.of(0x0a, 0x05, 0x00)), /premature EOF/);
});

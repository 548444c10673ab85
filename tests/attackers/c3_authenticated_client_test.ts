/**
 * C3, an authenticated client: what is another person's and what does not exist get one and the same answer.
 * Fetching, acknowledging and watching without a session is in tests/relay/hostile_test.ts; that both answers take the
 * same time is the row `same-time` of prove.
 * @module
 */
import assert from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import { codeOfNumber, type ErrorCode } from "../../proto/errors.ts";
import { PartSchema } from "../../proto/gen/qight/v1/frame_pb.ts";
import { InviteService } from "../../proto/gen/qight/v1/invite_pb.ts";
import { methods } from "../../proto/methods.ts";
import { testRelay } from "../helpers/test_relay.ts";
import { c3Scene, openCalls, provenConnection, rawCall } from "./c3_calls.ts";

const NOW = 1_800_000_000_000;

/** What the attacker is told; calls that are missing here answer as if the id had not been there. */
const told: Readonly<Record<string, ErrorCode>> = {
  Send: "not_allowed",
  SendForReceipt: "not_allowed",
  Ack: "lease_lost",
  PublishBundle: "not_allowed",
  PublishSealingKey: "not_allowed",
  Commit: "not_a_member",
  GetCommits: "not_a_member",
  GetGroup: "not_a_member",
  LeaveGroup: "not_a_member",
  ReportCommit: "not_a_member",
  PutJoinKey: "not_a_member",
  RevokeJoinKey: "not_a_member",
  PutBlobChunk: "no_such_file",
  // With names and passwords it is no_such_device, for both: tests/relay/login_test.ts.
  Logout: "no_accounts",
};

Deno.test("C3: every call with another person's ids gets the same bytes as with nobody's, and changes nothing", async (t) => {
  await using relay = await testRelay({ now: () => NOW });
  const { eve, bob, probes } = await c3Scene(relay.address, NOW);
  const connection = await provenConnection(relay.address, eve);
  for (const { method, forbidden, missing } of probes) {
    await t.step(`C3: ${method.name}`, async () => {
      const first = await rawCall(connection, method, forbidden);
      assert.ok(first.length > 0, "there was no answer");
      assert.deepEqual(await rawCall(connection, method, missing), first);
      const { kind } = fromBinary(PartSchema, first);
      const code = kind.case === "failure" ? codeOfNumber(kind.value.number) : undefined;
      assert.equal(code, told[method.name]);
    });
  }
  connection.close();
  await connection.closed;

  await using reader = await relay.connect(bob);
  let stored = 0;
  for await (const event of reader.fetch({ peek: true })) if (event.type === "delivered") stored++;
  assert.equal(stored, 1, "Bob's mail is untouched");
  const { claimInvite } = InviteService.method;
  const { record } = await reader.rpc.unary(claimInvite, { locator: new Uint8Array(32).fill(5) });
  assert.equal(record.length, 100, "Bob's invite is untouched");
});

Deno.test("C3: no call of the table is left out", async () => {
  await using relay = await testRelay({ now: () => NOW });
  const { probes } = await c3Scene(relay.address, NOW);
  const known = [...probes.map(({ method }) => method.name), ...Object.keys(openCalls)];
  assert.deepEqual(known.sort(), [...methods.values()].map(({ name }) => name).sort());
});

/**
 * Reports: what was really sent is proven to the operator, and nobody can make them believe anything else.
 * @module
 */
import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import type { RelayClient } from "../../client/relay_client.ts";
import { signAccountEnd } from "../../crypto/account_end.ts";
import {
  CONTENT_GROUP,
  CONTENT_PLAIN,
  CONTENT_SEALED,
  type EnvelopeFields,
  signEnvelope,
} from "../../crypto/envelope.ts";
import { commitTo } from "../../crypto/franking.ts";
import { ModerationService } from "../../proto/gen/qight/v1/moderation_pb.ts";
import { RecoveryService } from "../../proto/gen/qight/v1/recovery_pb.ts";
import { ContentSchema } from "../../proto/gen/qight/v1/seal_pb.ts";
import { adminCall } from "../../relay/admin.ts";
import { privateMessage } from "../helpers/mls_bytes.ts";
import { type Person, person } from "../helpers/people.ts";
import { refusal } from "../helpers/refusal.ts";
import { testRelay } from "../helpers/test_relay.ts";
import { alice, bob, carol, eve, GROUP, key, NOW, scene } from "./group_people.ts";

const contentOf = (text: string) =>
  toBinary(ContentSchema, create(ContentSchema, { body: { case: "text", value: text } }));
const frankingKey = new Uint8Array(32).fill(0x5a);

interface Shown {
  readonly envelope: Uint8Array;
  readonly frankingKey: Uint8Array;
  readonly content: Uint8Array;
  readonly account: Uint8Array;
}

type Said = Pick<EnvelopeFields, "contentType" | "payload" | "commitment">;

function signed(from: Person, recipient: Uint8Array, said: Said): Promise<Uint8Array> {
  const id = crypto.getRandomValues(new Uint8Array(16));
  return signEnvelope(from.device, { id, sender: key(from), recipient, createdAtMs: NOW, ttlS: 0, ...said });
}

/** What a sealed message shows when its reader opens it to others; the payload itself stays sealed. */
async function sealedTo(from: Person, to: Person, text: string, change: Partial<Shown> = {}): Promise<Shown> {
  const content = contentOf(text);
  const said = { contentType: CONTENT_SEALED, payload: new Uint8Array(100).fill(1) };
  const envelope = await signed(from, key(to), { ...said, commitment: await commitTo(frankingKey, content) });
  return { envelope, frankingKey, content, account: from.account.hash, ...change };
}

async function toGroup(from: Person, group: Uint8Array, text: string): Promise<Shown> {
  const content = contentOf(text);
  const said = { contentType: CONTENT_GROUP, payload: privateMessage(group, 1) };
  const envelope = await signed(from, group, { ...said, commitment: await commitTo(frankingKey, content) });
  return { envelope, frankingKey, content, account: from.account.hash };
}

async function plainTo(from: Person, to: Person, text: string): Promise<Shown> {
  const content = contentOf(text);
  const envelope = await signed(from, key(to), { contentType: CONTENT_PLAIN, payload: content });
  return { envelope, frankingKey: new Uint8Array(0), content, account: from.account.hash };
}

const report = (who: RelayClient, messages: readonly Shown[], reason = "") =>
  who.rpc.unary(ModerationService.method.report, { messages: [...messages], reason });

async function refused(action: () => Promise<unknown>, code: string, what = code) {
  const error = await refusal(action);
  assert.equal(error.code, code, `${what}: ${error.message}`);
  return error;
}

Deno.test("what was sent sealed, plain or to a group is proven to the operator word for word", async () => {
  await using at = await scene();
  const messages = [
    await sealedTo(eve, bob, "an insult"),
    await plainTo(eve, bob, "another one"),
  ];
  const { report: id } = await report(at.b, messages, "again and again");
  assert.match(id, /^[0-9a-f]{8}$/);
  await report(at.b, [await toGroup(alice, GROUP, "in the group")]);
});

Deno.test("nothing that was not sent so, or not to the reporter, is a report", async () => {
  let now = NOW;
  await using at = await scene({ now: () => now });
  const good = await sealedTo(eve, bob, "hello");
  const forged = good.envelope.slice();
  forged[forged.length - 1] ^= 1;
  const elsewhere = await sealedTo(eve, carol, "to Carol");
  const rows: [string, Shown[], string?][] = [
    ["nothing at all", []],
    ["too many", Array.from({ length: 21 }, () => good)],
    ["a long reason", [good], "x".repeat(1001)],
    ["other words", [{ ...good, content: contentOf("I will kill you") }]],
    ["another key", [{ ...good, frankingKey: new Uint8Array(32) }]],
    ["no key", [{ ...good, frankingKey: new Uint8Array(0) }]],
    ["a forged envelope", [{ ...good, envelope: forged }]],
    ["no envelope", [{ ...good, envelope: new Uint8Array(0) }]],
    ["a message to somebody else", [elsewhere]],
    ["a group that the reporter is not in", [await toGroup(alice, new Uint8Array(32).fill(9), "hm")]],
    ["another's name for it", [{ ...good, account: alice.account.hash }]],
    ["a name that nobody knows", [{ ...good, account: new Uint8Array(32).fill(3) }]],
    ["two senders in one", [good, await sealedTo(alice, bob, "hello")]],
    ["the reporter's own message", [await sealedTo(bob, bob, "to myself")]],
    ["a message made without a commitment", [{ ...await plainTo(eve, bob, "hello"), content: contentOf("other") }]],
  ];
  for (const [what, messages, reason] of rows) {
    await refused(() => report(at.b, messages, reason), "bad_report", what);
    now += 10 * 60_000; // tries count, whatever comes of them
  }
});

Deno.test("a frame-up: a device of nobody's is kept as a doubt, one of another account is no report", async () => {
  await using at = await scene();
  const nobody = await person(77, NOW);
  // Bob makes a device key, writes to himself with it and says that it is Eve's.
  const made = {
    ...await sealedTo({ ...eve, device: nobody.device }, bob, "said by nobody"),
    account: eve.account.hash,
  };
  await report(at.b, [made]);
  const admin = at.relay.config.dataDir + "/admin.sock";
  const [{ id }] = await adminCall(admin, "report.list") as { id: string }[];
  const { messages } = await adminCall(admin, "report.show", { id }) as { messages: { listed: boolean }[] };
  assert.deepEqual(messages.map(({ listed }) => listed), [false]);
  const carols = {
    ...await sealedTo({ ...eve, device: carol.device }, bob, "said by Carol"),
    account: eve.account.hash,
  };
  await refused(() => report(at.b, [carols]), "bad_report");
});

Deno.test("an account that ended after it wrote can still be reported", async () => {
  await using at = await scene();
  const said = await sealedTo(eve, bob, "and away");
  await at.e.rpc.unary(RecoveryService.method.deleteAccount, { end: (await signAccountEnd(eve.account, NOW)).bytes });
  await report(at.b, [said]);
});

Deno.test("the operator lists, reads and deletes reports, and nothing of them is in the audit log but a handle", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using b = await relay.join(bob);
  await using _e = await relay.join(eve);
  const { report: id } = await report(b, [await sealedTo(eve, bob, "an insult")], "rude");
  const admin = relay.config.dataDir + "/admin.sock";
  const [row] = await adminCall(admin, "report.list") as Record<string, unknown>[];
  assert.deepEqual(row, {
    ...{ id, reporter: bob.account.id, accused: eve.account.id, reason: "rude" },
    at: new Date(NOW).toISOString(),
  });
  const shown = await adminCall(admin, "report.show", { id }) as { messages: Record<string, unknown>[] };
  assert.deepEqual([shown.messages[0].text, shown.messages[0].listed], ["an insult", true]);
  await adminCall(admin, "report.delete", { id });
  assert.deepEqual(await adminCall(admin, "report.list"), []);
  await refused(() => adminCall(admin, "report.show", { id }), "usage");
  await refused(() => adminCall(admin, "report.delete", { id }), "usage");
  const audit = await Deno.readTextFile(`${relay.config.dataDir}/audit.log`);
  assert.match(audit, new RegExp(`"event":"report","id":"${id}"`));
  assert.doesNotMatch(audit, new RegExp(`insult|rude|${eve.account.id}`));
});

Deno.test("a message made to be unreadable is shown all the same: its beginning, within what an answer holds", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using b = await relay.join(bob);
  await using _e = await relay.join(eve);
  const nasty = "\u0001".repeat(40_000);
  const messages = await Promise.all(Array.from({ length: 20 }, () => sealedTo(eve, bob, nasty)));
  const { report: id } = await report(b, messages, "\u0001".repeat(1000));
  const shown = await adminCall(relay.config.dataDir + "/admin.sock", "report.show", { id }) as {
    messages: { text: string; cut: boolean }[];
  };
  assert.deepEqual(shown.messages.map(({ text, cut }) => [text.length, cut]), messages.map(() => [4096, true]));
  const large = await Promise.all(Array.from({ length: 5 }, () => sealedTo(eve, bob, "x".repeat(220_000))));
  await refused(() => report(b, large), "bad_report");
});

Deno.test("one account has only so many reports open: what the operator is done with makes room, and others have their own", async () => {
  let now = NOW;
  await using relay = await testRelay({ now: () => now, limits: { openReportsPerAccount: 2 } });
  await using b = await relay.join(bob);
  await using e = await relay.join(eve);
  const good = await sealedTo(eve, bob, "hello");
  const [{ report: first }] = [await report(b, [good]), await report(b, [good])];
  const full = await refused(() => report(b, [good]), "rate_limited");
  assert.match(full.message, /operator has yet to read/);
  assert.equal(full.retryAfterMs, 3600_000);
  await report(e, [await sealedTo(bob, eve, "a retort")]);
  await adminCall(relay.config.dataDir + "/admin.sock", "report.delete", { id: first });
  now += 3600_000;
  await report(b, [good]);
  await refused(() => report(b, [good]), "rate_limited");
});

Deno.test("one device makes only so many reports an hour", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using b = await relay.join(bob);
  await using _e = await relay.join(eve);
  const good = await sealedTo(eve, bob, "hello");
  for (let n = 0; n < 6; n++) await report(b, [good]);
  const limited = await refused(() => report(b, [good]), "rate_limited");
  assert.ok(limited.retryAfterMs! <= 300_000);
});

/**
 * The end of an account at the relay: by its own word alone, all of it in one step, and in the midst of sends.
 * @module
 */
import assert from "node:assert/strict";
import type { RelayClient } from "../../client/relay_client.ts";
import { openAccountEnd, signAccountEnd } from "../../crypto/account_end.ts";
import { errorTable } from "../../proto/errors.ts";
import { DirectoryService } from "../../proto/gen/qight/v1/directory_pb.ts";
import { RecoveryService } from "../../proto/gen/qight/v1/recovery_pb.ts";
import { deviceNumber, listOf } from "../helpers/device_lists.ts";
import { envelope, person } from "../helpers/people.ts";
import { refusal } from "../helpers/refusal.ts";
import { calls, recordFor, register } from "../helpers/signing_in.ts";
import { testRelay } from "../helpers/test_relay.ts";
import { alice, bob, commitOf, mail, scene } from "./group_people.ts";

const NOW = 1_800_000_000_000;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const [ada, eve] = await Promise.all([1, 2].map((number) => person(number, NOW)));
const phone = await deviceNumber(41);
const { deleteAccount } = RecoveryService.method;
const { getBundle, getSealingKeys } = DirectoryService.method;

const end = (who: RelayClient, bytes: Uint8Array) => who.rpc.unary(deleteAccount, { end: bytes });

async function refused(action: () => Promise<unknown>, code: string, what = code) {
  const error = await refusal(action);
  assert.equal(error.code, code, `${what}: ${error.message}`);
  return error;
}

for (const backend of ["memory", "sqlite"] as const) {
  Deno.test(`${backend}: an account ends at all of its devices, for good, and who asks gets its own signed word`, async () => {
    await using relay = await testRelay({ now: () => NOW, storage: { backend } });
    await using laptop = await relay.join(ada);
    await using other = await relay.join(eve);
    await using second = await relay.connect({ ...ada, device: phone });
    const both = await listOf(ada.account, NOW, NOW + 1, [ada.device, phone]);
    await second.publishBundle(both.bytes, NOW);
    const waiting = refusal(async () => {
      for await (const _ of second.fetch({ waitMs: 60_000 }));
    });
    await second.ping();
    const word = await signAccountEnd(ada.account, NOW);
    await end(laptop, word.bytes);
    assert.equal((await waiting).code, "account_ended");
    for (const client of [laptop, second]) assert.equal((await client.closed).code, errorTable.account_ended.number);
    const bundle = await other.rpc.unary(getBundle, { who: { case: "account", value: ada.account.hash } });
    const keys = await other.rpc.unary(getSealingKeys, { account: ada.account.hash });
    for (const answer of [bundle, keys]) {
      assert.equal(answer.bundle.length, 0);
      assert.equal((await openAccountEnd(answer.end)).accountId, ada.account.id);
    }
    await refused(async () => other.send(await envelope(eve, ada, NOW)), "no_such_recipient");
    // Its own devices may ask again, but not begin anew.
    await using again = await relay.connect(ada);
    await refused(async () => {
      await again.publishBundle((await listOf(ada.account, NOW, NOW + 2, [ada.device])).bytes, 0);
    }, "account_ended");
    // The device is free: with another account it may come back.
    await again.publishBundle((await listOf(eve.account, NOW, NOW + 3, [eve.device, ada.device])).bytes, NOW);
  });
}

Deno.test("nobody ends an account but its own device with its own fresh word", async () => {
  await using relay = await testRelay({ now: () => NOW });
  await using own = await relay.join(ada);
  await using other = await relay.join(eve);
  await using stranger = await relay.connect({ ...ada, device: phone });
  const word = (await signAccountEnd(ada.account, NOW)).bytes;
  const forged = word.slice();
  forged[forged.length - 1] ^= 1;
  const rows: [string, RelayClient, Uint8Array, string][] = [
    ["another's device with a stolen word", other, word, "not_allowed"],
    ["a device of no account, with the seed", stranger, word, "not_allowed"],
    ["a word for another account", own, (await signAccountEnd(eve.account, NOW)).bytes, "not_allowed"],
    ["a forged word", own, forged, "bad_bundle"],
    ["an old word", own, (await signAccountEnd(ada.account, NOW - 11 * MINUTE)).bytes, "expired"],
    ["a word of tomorrow", own, (await signAccountEnd(ada.account, NOW + 11 * MINUTE)).bytes, "from_the_future"],
    ["no word", own, new Uint8Array(0), "bad_bundle"],
  ];
  for (const [what, who, bytes, code] of rows) await refused(() => end(who, bytes), code, what);
  await other.send(await envelope(eve, ada, NOW));
});

for (const backend of ["memory", "sqlite"] as const) {
  Deno.test(`${backend}: an end in the midst of sends: each is acknowledged or refused, none half, and nothing is left`, async () => {
    await using relay = await testRelay({ now: () => NOW, storage: { backend } });
    await using own = await relay.join(ada);
    await using other = await relay.join(eve);
    const word = (await signAccountEnd(ada.account, NOW)).bytes;
    const envelopes = await Promise.all(
      Array.from({ length: 300 }, (_, n) => envelope(eve, ada, NOW, { text: `message ${n}` })),
    );
    const half = envelopes.length / 2;
    const sends: Promise<string>[] = [];
    const outcome = (sent: Promise<unknown>) => sent.then(() => "acknowledged", (thrown) => String(thrown.code));
    let ended: Promise<unknown> = Promise.resolve();
    for (const [n, bytes] of envelopes.entries()) {
      if (n === half) ended = end(own, word);
      sends.push(outcome(other.send(bytes)));
    }
    await ended;
    const outcomes = await Promise.all(sends);
    assert.deepEqual([...new Set(outcomes)].sort(), ["acknowledged", "no_such_recipient"]);
    await using again = await relay.connect(ada);
    await again.publishBundle((await listOf(eve.account, NOW, NOW + 3, [eve.device, ada.device])).bytes, NOW);
    for await (const event of again.fetch({ peek: true })) assert.notEqual(event.type, "delivered");
  });
}

Deno.test("groups are told of an end, and its devices are on no roster any more", async () => {
  await using at = await scene();
  await end(at.a, (await signAccountEnd(alice.account, NOW)).bytes);
  assert.match((await mail(at.b)).at(-1)!, /members 1$/);
  await refused(() => at.ga.commit(commitOf(1, [alice, bob])), "account_ended");
});

Deno.test("the name of an ended account is held back for thirty days", async () => {
  let now = NOW;
  await using relay = await testRelay({ now: () => now, auth: { mode: "account" } });
  await using own = await relay.connect(ada);
  await register(own, ada, "ada", "a password");
  await end(own, (await signAccountEnd(ada.account, NOW)).bytes);
  await using other = await relay.connect(eve);
  const taken = async () => {
    const record = await recordFor(other, "ada", "another one");
    await other.rpc.unary(calls.registerFinish, { name: "ada", record, bundle: eve.bundle.bytes });
  };
  await refused(taken, "name_taken");
  now += 30 * DAY;
  await taken();
});

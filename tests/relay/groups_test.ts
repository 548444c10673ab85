/**
 * Groups at the relay, by the calls that clients make: who may do what, what each member gets, what is refused.
 * @module
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { DeliveryEvent } from "../../client/delivery_events.ts";
import { GroupCalls } from "../../client/group_calls.ts";
import type { RelayClient } from "../../client/relay_client.ts";
import { directGroupId } from "../../crypto/direct_group.ts";
import { CONTENT_SEALED, signEnvelope } from "../../crypto/envelope.ts";
import { openReceipt } from "../../crypto/receipt.ts";
import type { QightError } from "../../proto/errors.ts";
import { DeliveryService } from "../../proto/gen/qight/v1/delivery_pb.ts";
import { GroupService } from "../../proto/gen/qight/v1/group_pb.ts";
import { externalCommit, groupInfo, privateMessage } from "../helpers/mls_bytes.ts";
import { type TestRelay, testRelay } from "../helpers/test_relay.ts";
import {
  adding,
  alice,
  bob,
  carol,
  commitOf,
  DAY,
  eve,
  GROUP,
  key,
  log,
  mail,
  NOW,
  refused,
  saying,
  scene,
} from "./group_people.ts";

for (const backend of ["sqlite", "memory"] as const) {
  Deno.test(`${backend}: a message to a group reaches every other member, with an outcome and a receipt for each`, async () => {
    await using it = await scene({ storage: { backend } });
    const bytes = await saying(alice, 1);
    const sent = await it.a.send(bytes, { receipt: true });
    assert.deepEqual([sent.seq, sent.duplicate], [0, false]);
    assert.deepEqual(sent.members?.map(({ device, receipt }) => [device, receipt?.seq]), [[key(bob), 2], [
      key(carol),
      2,
    ]]);
    for (const { device, receipt } of sent.members!) {
      const opened = await openReceipt(receipt!.signed!.bytes!, it.relay.relay.root);
      assert.deepEqual([opened.mailbox, opened.seq], [device, 2]);
    }
    for (const client of [it.b, it.c]) assert.deepEqual(await mail(client), ["1 welcome 1", "2 message"]);
    assert.deepEqual(await mail(it.a), []);
    assert.equal((await it.a.send(bytes)).duplicate, true);
    let got: DeliveryEvent | undefined;
    for await (const event of it.b.fetch({ peek: true, afterSeq: 1 })) if (event.type === "delivered") got = event;
    assert.deepEqual(
      got?.type === "delivered" && Uint8Array.from(got.envelope),
      bytes,
      "the bytes as they were signed",
    );
  });

  Deno.test(`${backend}: commits come in one order, the loser hears the epoch, and all can read them`, async () => {
    await using it = await scene({ storage: { backend } });
    const race = await Promise.allSettled(
      [it.ga, it.gb, it.gc].map((calls, n) =>
        calls.commit(commitOf(1, [alice, bob, carol], {
          commit: privateMessage(GROUP, 1, { contentType: 3, fill: n }),
        }))
      ),
    );
    assert.equal(race.filter(({ status }) => status === "fulfilled").length, 1);
    for (const lost of race) {
      if (lost.status === "rejected") assert.deepEqual([lost.reason.code, lost.reason.epoch], ["stale_epoch", 2]);
    }
    assert.deepEqual(await log(it.gc, 0), [0, 1, { epoch: 2, oldest: 0 }]);
    assert.deepEqual(await log(it.gc, 1), [1, { epoch: 2, oldest: 0 }]);
    assert.deepEqual(await log(it.gc, 0, 1), [0, { epoch: 2, oldest: 0 }]);
    assert.deepEqual(await log(it.gc, 5), [{ epoch: 2, oldest: 0 }]);
    const stale = await refused(saying(bob, 1).then((bytes) => it.b.send(bytes)), "stale_epoch");
    assert.equal(stale.epoch, 2);
  });

  Deno.test(`${backend}: who was removed, who left and who never was a member hear what they would of no group`, async () => {
    await using it = await scene({ storage: { backend } });
    assert.equal(await it.ga.commit(commitOf(1, [alice, bob])), 2);
    await it.gb.leaveGroup(GROUP);
    assert.deepEqual(await mail(it.c), ["1 welcome 1", "2 removed 2"]);
    const other = new Uint8Array(32).fill(0x78);
    for (const [client, calls, who] of [[it.b, it.gb, bob], [it.c, it.gc, carol], [it.e, it.ge, eve]] as const) {
      const answers = [];
      for (const group of [GROUP, other]) {
        const tries: Promise<unknown>[] = [
          saying(who, 2, { group }).then((bytes) => client.send(bytes)),
          calls.commit(commitOf(2, [alice, who], { group })),
          Array.fromAsync(calls.commits(group, 0)),
          calls.getGroup(group),
          calls.getGroup(group, new Uint8Array(32).fill(9)),
          calls.leaveGroup(group),
          calls.reportCommit(group, 1, new Uint8Array(32)),
          calls.putJoinKey(group, new Uint8Array(32), 600),
          calls.revokeJoinKey(group, new Uint8Array(32)),
        ];
        const errors = await Promise.all(tries.map((one) => one.then(() => null, (thrown) => thrown as QightError)));
        answers.push(errors.map((error) => [error?.code, error?.message, error?.epoch]));
        assert.equal(await calls.getWelcome(group), null);
      }
      assert.deepEqual(
        answers[0].filter((_, n) => who !== carol || n !== 6),
        answers[1].filter((_, n) => who !== carol || n !== 6),
      );
      for (const [code] of answers[1]) assert.equal(code, "not_a_member");
      assert.deepEqual(await calls.listGroups(), []);
    }
  });

  Deno.test(`${backend}: a commit that does not fit is taken back, and its maker is out`, async () => {
    await using it = await scene({ storage: { backend } });
    const bad = commitOf(1, [alice, bob, carol]);
    assert.equal(await it.gc.commit(bad), 2);
    const hash = createHash("sha256").update(bad.commit).digest();
    assert.equal(await it.gb.reportCommit(GROUP, 1, hash), false);
    assert.equal(await it.ga.reportCommit(GROUP, 1, hash), true);
    assert.deepEqual((await mail(it.b)).slice(1), ["2 commit 2", "3 reopened 1"]);
    assert.deepEqual((await mail(it.c)).slice(1), ["2 removed 1"]);
    const group = await it.gb.getGroup(GROUP);
    assert.deepEqual([group.epoch, group.roster], [1, [key(alice), key(bob)]]);
    await refused(it.gc.commit(bad), "not_a_member");
  });
}

Deno.test("a full mailbox at one of the members: the others get it, the sender is told who did not, a retry reaches them", async () => {
  await using it = await scene({ storage: { maxQueue: 4 } });
  for (const id of [5, 6, 7]) {
    const filler = {
      id: new Uint8Array(16).fill(id),
      sender: key(eve),
      recipient: key(bob),
      createdAtMs: NOW,
      ttlS: 0,
    };
    await it.e.send(await signEnvelope(eve.device, { ...filler, contentType: CONTENT_SEALED, payload: GROUP }));
  }
  const bytes = await saying(alice, 1);
  const outcome = async () =>
    (await it.a.send(bytes)).members?.map(({ receipt, error }) => receipt?.seq ?? [error?.code, error?.retryAfterMs]);
  assert.deepEqual(await outcome(), [["queue_full", 5000], 2]);
  await it.a.awaitRoom(GROUP); // Carol has some
  await empty(it.b);
  assert.deepEqual(await outcome(), [5, 2]);
  assert.deepEqual(await outcome(), [5, 2]);
});

Deno.test("when no member has room the whole is refused, and the sender can wait for room", async () => {
  await using it = await scene({ storage: { maxQueue: 1 } });
  const bytes = await saying(alice, 1);
  await refused(it.a.send(bytes), "queue_full");
  const room = it.a.awaitRoom(GROUP);
  await empty(it.c);
  await room;
  assert.deepEqual((await it.a.send(bytes)).members?.map(({ receipt }) => receipt?.seq), [undefined, 2]);
  await refused(it.e.awaitRoom(GROUP), "no_such_recipient");
});

async function empty(client: RelayClient): Promise<void> {
  let lease = new Uint8Array(0);
  for await (const event of client.fetch()) if (event.type === "lease") lease = event.lease.slice();
  await client.ack(lease, [{ first: 1, last: 99 }]);
}

Deno.test("sends in a pipeline and in a batch go to groups and people alike, in order, with receipts for each member", async () => {
  await using it = await scene();
  const envelopes = await Promise.all([1, 2, 3].map((id) => saying(alice, 1, { id })));
  const stale = await saying(alice, 0, { id: 9 });
  const outcomes = await Array.fromAsync(it.a.sendMany([envelopes[0], stale, envelopes[1]], { receipt: true }));
  assert.deepEqual(
    outcomes.map((one) =>
      one.kind === "failed" ? one.error.code : one.receipt.members?.map(({ receipt }) => !!receipt?.signed?.bytes)
    ),
    [[true, true], "stale_epoch", [true, true]],
  );
  const batch = await it.a.rpc.unary(DeliveryService.method.sendBatch, { envelopes: [stale, envelopes[2]] });
  assert.deepEqual(batch.outcomes.map(({ kind }) => kind.case), ["failure", "accepted"]);
  assert.deepEqual(await mail(it.b), ["1 welcome 1", "2 message", "3 message", "4 message"]);
});

Deno.test("watchers of all members wake when a message or a commit comes", async () => {
  await using it = await scene();
  const ready = [it.b, it.c].map(() => Promise.withResolvers<void>());
  const woken = [it.b, it.c].map(async (client, n) => {
    const seen: string[] = [];
    for await (const event of client.watch({ afterSeq: 1 })) {
      if (event.type === "caught_up") ready[n].resolve();
      if (event.type === "delivered") seen.push("message");
      if (event.type === "notice") seen.push(event.notice!.kind);
      if (seen.length === 2) break;
    }
    return seen;
  });
  await Promise.all(ready.map(({ promise }) => promise));
  await it.a.send(await saying(alice, 1));
  await it.ga.commit(commitOf(1, [alice, bob, carol]));
  assert.deepEqual(await Promise.all(woken), [["message", "commit"], ["message", "commit"]]);
});

Deno.test("a direct conversation is begun once, by its two accounts, and has their devices only", async () => {
  await using relay = await testRelay({ now: () => NOW });
  const [ga, gb, ge] = await Promise.all(
    [alice, bob, eve].map(async (who) => new GroupCalls((await relay.join(who)).rpc)),
  );
  const group = directGroupId(alice.account.hash, bob.account.hash);
  assert.deepEqual(directGroupId(bob.account.hash, alice.account.hash), group);
  const make = { group, suite: 83, groupInfo: groupInfo(group, 0) };
  await refused(ge.createGroup({ ...make, directWith: bob.account.hash }), "not_allowed");
  await ge.createGroup({ ...make, directWith: null });
  await ga.createGroup({ ...make, directWith: bob.account.hash });
  await ga.createGroup({ ...make, directWith: bob.account.hash });
  await refused(gb.createGroup({ ...make, directWith: alice.account.hash }), "group_exists");
  assert.deepEqual((await gb.getGroup(group)).directWith, alice.account.hash);
  assert.equal((await ge.getGroup(group)).directWith, null, "Eve's own group of that id");
  const third = commitOf(0, [alice, eve], { group, ...adding([eve]) });
  await refused(ga.commit(third), "bad_group_message");
  assert.equal(await gb.commit(commitOf(0, [alice, bob], { group, commit: externalCommit(group, 0) })), 1);
  assert.deepEqual((await gb.listGroups()).map(({ directWith, epoch }) => [directWith, epoch]), [[
    alice.account.hash,
    1,
  ]]);
  await refused(ga.putJoinKey(group, new Uint8Array(32), 600), "not_allowed");
});

Deno.test("a join key lets somebody in while all members are away; its hash alone does not", async () => {
  await using it = await scene();
  const joinKey = new Uint8Array(32).fill(3);
  const hash = createHash("sha256").update(joinKey).digest();
  assert.equal(await it.gb.putJoinKey(GROUP, hash, 600), NOW + 600_000);
  await refused(it.ge.getGroup(GROUP, hash), "not_a_member");
  assert.equal((await it.ge.getGroup(GROUP, joinKey)).epoch, 1);
  const join = commitOf(1, [alice, bob, carol, eve], { commit: externalCommit(GROUP, 1) });
  await refused(it.ge.commit(join), "not_a_member");
  assert.equal(await it.ge.commit({ ...join, joinKey }), 2);
  assert.deepEqual((await mail(it.a)).at(-1), "1 commit 2");
  assert.equal(await it.gc.revokeJoinKey(GROUP, hash), true);
});

Deno.test("a commit of four megabytes goes through, a larger one is refused before it is read", async () => {
  await using it = await scene();
  const large = (size: number) => commitOf(1, [alice, bob, carol], { groupInfo: groupInfo(GROUP, 2, { size }) });
  await refused(it.ga.commit(large(4 * 1024 * 1024)), "message_too_large");
  assert.equal(await it.ga.commit(large(4 * 1024 * 1024 - 8000), { timeoutMs: 60_000 }), 2);
  assert.equal((await it.gb.getGroup(GROUP)).groupInfo.length > 4_000_000, true);
});

Deno.test("a group that changes too often is told to wait; a stranger is not even told that", async () => {
  let now = NOW;
  await using it = await scene({ now: () => now, limits: { sendPerMinute: 0 }, storage: { backend: "memory" } });
  let epoch = 1;
  const next = () => it.ga.commit(commitOf(epoch, [alice, bob, carol]));
  for (; epoch < 480; epoch++) await next();
  const error = await refused(next(), "rate_limited");
  assert.ok(error.retryAfterMs! > 0 && error.retryAfterMs! <= 250);
  await refused(it.ge.commit(commitOf(epoch, [alice, eve])), "not_a_member");
  now += 250;
  assert.equal(await next(), 481);
});

Deno.test("a relay that was stopped knows its groups, logs, Welcomes and what waits in mailboxes", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "qight-groups-" });
  {
    await using it = await scene({ dataDir });
    await it.a.send(await saying(alice, 1));
    await it.gb.commit(commitOf(1, [alice, bob, carol]));
  }
  {
    let now = NOW;
    await using relay: TestRelay = await testRelay({ now: () => now, dataDir });
    await using c = await relay.connect(carol);
    const gc = new GroupCalls(c.rpc);
    assert.deepEqual(await mail(c), ["1 welcome 1", "2 message", "3 commit 2"]);
    assert.deepEqual(await log(gc, 0), [0, 1, { epoch: 2, oldest: 0 }]);
    assert.equal((await gc.getWelcome(GROUP))?.epoch, 1);
    assert.equal((await gc.listGroups())[0].welcome, true);
    assert.deepEqual(await log(gc, 1), [1, { epoch: 2, oldest: 0 }]);
    assert.equal((await gc.listGroups())[0].welcome, false, "who asks from there on is in");
    now += 10 * DAY;
    await refused(c.rpc.unary(GroupService.method.getGroup, { group: new Uint8Array(31) }), "bad_frame");
  }
  await Deno.remove(dataDir, { recursive: true });
});

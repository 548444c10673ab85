/**
 * What every store of the relay promises about groups. Run over SQLite and memory, with the rest of the contract.
 * @module
 */
import assert from "node:assert/strict";
import type { Store, StoreLimits } from "../../relay/storage/store.ts";
import {
  accepted,
  asking,
  bounds,
  commit,
  DAY,
  group,
  joinKey,
  kindsFor,
  NAME,
  numberOf,
  said,
  withGroup,
} from "./group_scene.ts";
import { bundle, device, key, message, roomy, seqs, T } from "./store_scene.ts";

/** Adds the rows to a suite. */
export function groupContract(
  row: (promise: string, run: (store: Store) => Promise<void>, limits?: StoreLimits) => void,
): void {
  row("a message to a group is stored once and delivered to all others, in each one's order", async (store) => {
    await withGroup(store, 4);
    const before = await store.stats();
    await store.enqueue(message(3, 9));
    const outcome = await store.groups.enqueue(said(1, 1, { size: 1_000 }));
    assert.equal(outcome.kind, "offered");
    if (outcome.kind !== "offered") return;
    assert.deepEqual(outcome.members.map(({ device, outcome }) => [numberOf(device), outcome]), [
      [2, { kind: "stored", seq: 2, expiresAtMs: T + 1_000 }],
      [3, { kind: "stored", seq: 3, expiresAtMs: T + 1_000 }],
      [4, { kind: "stored", seq: 2, expiresAtMs: T + 1_000 }],
    ]);
    for (const n of [2, 3, 4]) {
      const { messages } = await store.fetch(device(n), 0, 10, 1e6, T);
      assert.deepEqual(Uint8Array.from(messages[messages.length - 1].envelope), new Uint8Array(1_000).fill(1));
    }
    assert.deepEqual(await seqs(store, 1), [], "not to who sent it");
    const after = await store.stats();
    assert.deepEqual([after.messages - before.messages, after.bytes - before.bytes], [4, 1_100]);
    assert.deepEqual(await store.room(device(4)), { messages: 1, bytes: 1_000 });
  });

  row("a payload goes with the last who acknowledged it, or when it has expired", async (store) => {
    await withGroup(store, 3);
    const { bytes } = await store.stats();
    const left = async () => (await store.stats()).bytes - bytes;
    await store.groups.enqueue(said(1, 1));
    await store.groups.enqueue(said(2, 1));
    assert.equal(await left(), 200);
    await store.acknowledge(device(2), [{ first: 1, last: 99 }]);
    assert.equal(await left(), 200);
    await store.acknowledge(device(3), [{ first: 2, last: 2 }]);
    assert.equal(await left(), 100);
    assert.deepEqual(await store.collect(T + 1_000), { expired: 1, tombstones: 0 });
    assert.equal(await left(), 0);
  });

  row("the same message again reaches those who had no room, and is a duplicate at the others", async (store) => {
    await withGroup(store, 3);
    await store.enqueue(message(2, 8));
    await store.enqueue(message(2, 9));
    assert.deepEqual(await kindsFor(store, said(1, 1)), ["queue_full", "stored"]);
    assert.deepEqual(await kindsFor(store, said(1, 1)), ["queue_full", "duplicate"]);
    await store.acknowledge(device(2), [{ first: 1, last: 99 }]);
    assert.deepEqual(await kindsFor(store, said(1, 1)), ["stored", "duplicate"]);
    assert.deepEqual(await kindsFor(store, said(1, 1)), ["duplicate", "duplicate"]);
    assert.deepEqual(await kindsFor(store, said(1, 1, { bodyHash: key(9, 9) })), ["id_conflict", "id_conflict"]);
    const { sender, id, bodyHash } = said(1, 1);
    assert.deepEqual((await store.tombstone(device(3), sender, id))?.bodyHash, bodyHash);
  }, { ...roomy, maxQueue: 2 });

  row("only the current epoch is taken; what was accepted before is still known", async (store) => {
    await withGroup(store, 3);
    assert.deepEqual(await kindsFor(store, said(1, 0)), { kind: "stale_epoch", epoch: 1 });
    assert.deepEqual(await kindsFor(store, said(1, 7)), { kind: "stale_epoch", epoch: 1 });
    await store.enqueue(message(2, 9));
    await store.enqueue(message(2, 10));
    assert.deepEqual(await kindsFor(store, said(1, 1)), ["queue_full", "stored"]);
    accepted(await store.groups.commit(commit(1, [1, 2, 3]), bounds));
    assert.deepEqual(await kindsFor(store, said(1, 1)), ["stale_epoch", "duplicate"]);
    assert.deepEqual(await kindsFor(store, said(2, 1)), { kind: "stale_epoch", epoch: 2 });
  }, { ...roomy, maxQueue: 2 });

  row(
    "who is not on the roster, no group, and a device that no bundle lists any more are one answer",
    async (store) => {
      await withGroup(store, 3);
      await store.putBundle(bundle(9, [9]), 0);
      for (const sender of [device(9), device(77)]) {
        assert.deepEqual(await kindsFor(store, said(1, 1, { sender })), { kind: "not_a_member" });
      }
      assert.deepEqual(await kindsFor(store, said(1, 1, { recipient: key(20, 9) })), { kind: "not_a_member" });
      await store.putBundle(bundle(3, [33], 2), 1);
      assert.deepEqual(await kindsFor(store, said(1, 1, { sender: device(3) })), { kind: "not_a_member" });
      assert.deepEqual(await kindsFor(store, said(1, 1)), ["stored"]);
    },
  );

  row("a full store takes no new message to a group, and says so for each", async (store) => {
    await withGroup(store, 3);
    store.limits.maxTotal = (await store.stats()).bytes + 150;
    assert.deepEqual(await kindsFor(store, said(1, 1)), ["stored", "stored"]);
    assert.deepEqual(await kindsFor(store, said(2, 1)), ["storage_full", "storage_full"]);
    assert.deepEqual(await store.groups.commit(commit(1, [1, 2, 3]), bounds), { kind: "storage_full" });
    assert.equal((await store.groups.get(NAME, asking(2)))?.epoch, 1, "nothing of it is there");
  });

  row("who shows a join key sees the group and comes in by an external commit, until the key ends", async (store) => {
    await withGroup(store, 2);
    await store.putBundle(bundle(3, [3]), 0);
    assert.deepEqual(await store.groups.putJoinKey(joinKey(1)), { kind: "stored", expiresAtMs: T + 1_000 });
    assert.deepEqual(await store.groups.putJoinKey(joinKey(1, { expiresAtMs: T + 9_000 })), {
      kind: "stored",
      expiresAtMs: T + 1_000,
    });
    assert.deepEqual(await store.groups.putJoinKey(joinKey(2, { max: 1 })), { kind: "too_many" });
    assert.deepEqual(await store.groups.putJoinKey(joinKey(2, { device: device(3) })), { kind: "not_a_member" });
    const shown = { joinKeyHash: key(23, 1) };
    assert.equal((await store.groups.get(NAME, asking(3, shown)))?.epoch, 1);
    assert.equal(await store.groups.get(NAME, asking(3, { joinKeyHash: key(23, 2) })), null);
    assert.equal(await store.groups.get(NAME, asking(3)), null);
    assert.equal(await store.groups.get(NAME, asking(3, { ...shown, nowMs: T + 1_000 })), null);
    const join = commit(1, [1, 2, 3], { device: device(3), external: true, ...shown });
    assert.deepEqual(await store.groups.commit({ ...join, acceptedAtMs: T + 1_000 }, bounds), { kind: "not_a_member" });
    assert.deepEqual(accepted(await store.groups.commit(join, bounds)), { 1: "commit", 2: "commit" });
    assert.equal((await store.groups.get(NAME, asking(3)))?.epoch, 2);
    assert.equal(await store.groups.revokeJoinKey(NAME, device(2), key(23, 1)), true);
    assert.equal(await store.groups.revokeJoinKey(NAME, device(2), key(23, 1)), false);
    assert.equal(await store.groups.revokeJoinKey(NAME, device(9), key(23, 1)), null);
  });

  row(
    "the id of a direct conversation cannot be taken by others' group, nor can anybody see that there is one",
    async (store) => {
      for (const n of [3, 4]) await store.putBundle(bundle(n, [n]), 0);
      const direct = [key(5, 1), key(5, 2)] as const;
      assert.equal(await store.groups.create(group({ device: device(3), account: key(5, 3) }), bounds), "stored");
      assert.equal(await store.groups.create(group({ direct }), bounds), "stored");
      assert.equal(
        await store.groups.create(group({ direct, device: device(2), account: key(5, 2) }), bounds),
        "exists",
      );
      assert.equal(await store.groups.create(group({ direct }), bounds), "stored", "the same again");
      assert.equal((await store.stats()).groups, 2);
      for (const n of [1, 2]) {
        assert.deepEqual((await store.groups.get(NAME, asking(n)))?.direct?.map(numberOf), [
          1,
          2,
        ]);
      }
      assert.equal((await store.groups.get(NAME, asking(3)))?.direct, null);
      assert.equal(await store.groups.get(NAME, asking(4)), null);
      const third = commit(0, [1, 4], { welcomes: [4] });
      assert.equal((await store.groups.commit(third, bounds)).kind, "refused");
      assert.deepEqual(await store.groups.putJoinKey(joinKey(1)), { kind: "not_here" });
      const join = commit(0, [1, 2], { device: device(2), external: true });
      assert.deepEqual(accepted(await store.groups.commit(join, bounds)), { 1: "commit" });
      assert.equal((await store.groups.get(NAME, asking(3)))?.epoch, 0, "the other one is another one");
    },
  );

  row("a group is made once; as many as the bound says", async (store) => {
    assert.equal(await store.groups.create(group(), bounds), "stored");
    assert.equal(await store.groups.create(group(), bounds), "stored");
    assert.equal(await store.groups.create(group({ groupInfo: new Uint8Array(9) }), bounds), "exists");
    assert.equal(await store.groups.create(group({ device: device(2), account: key(5, 2) }), bounds), "exists");
    assert.equal(await store.groups.create(group({ group: key(20, 2) }), { ...bounds, maxGroups: 1 }), "too_many");
    accepted(await store.groups.commit(commit(0, [1]), bounds));
    assert.equal(await store.groups.create(group(), bounds), "exists", "it has moved on");
  });

  row("who leaves gets nothing more; with the last one the group goes and leaves nothing", async (store) => {
    const { bytes } = await store.stats();
    await withGroup(store, 3);
    accepted(await store.groups.commit(commit(1, [1, 2, 3]), bounds));
    assert.equal(await store.groups.leave(NAME, device(3)), true);
    assert.equal(await store.groups.leave(NAME, device(3)), false);
    assert.deepEqual(await kindsFor(store, said(1, 2)), ["stored"]);
    assert.equal((await store.groups.get(NAME, asking(1)))?.epoch, 2);
    for (const n of [1, 2]) assert.equal(await store.groups.leave(NAME, device(n)), true);
    await store.collect(T + 2 * DAY);
    const after = await store.stats();
    assert.deepEqual([after.groups, after.bytes], [0, bytes]);
    assert.equal(await store.groups.create(group({ device: device(2), account: key(5, 2) }), bounds), "stored");
  });

  row("a device that its account lists no more is off every roster in the same step", async (store) => {
    await withGroup(store, 3);
    const change = async (devices: readonly number[], version: number) =>
      assert.equal((await store.putBundle(bundle(2, devices, version), version - 1)).kind, "stored");
    await change([2, 7], 2);
    const came = commit(1, [1, 2, 3, 7], { welcomes: [7] });
    accepted(await store.groups.commit(came, bounds));
    await change([7], 3);
    const roster = (await store.groups.get(NAME, asking(1)))?.roster;
    assert.deepEqual(roster, [1, 3, 7].map(device));
    assert.deepEqual(await kindsFor(store, said(1, 2)), ["stored", "stored"], "its absence is no failure of a send");
    assert.deepEqual(await store.groups.list(device(2)), []);
    await change([7, 2], 4);
    assert.deepEqual(
      await kindsFor(store, said(9, 2, { sender: device(2) })),
      { kind: "not_a_member" },
      "not yet again",
    );
  });

  row("a device whose account has another one on the roster sees the group and comes in by itself", async (store) => {
    await withGroup(store, 2);
    await store.putBundle(bundle(2, [2, 7], 2), 1);
    await store.putBundle(bundle(3, [3]), 0);
    const join = (n: number) => commit(1, [1, 2, n], { device: device(n), external: true });
    assert.equal((await store.groups.get(NAME, asking(7)))?.epoch, 1);
    assert.equal(await store.groups.get(NAME, asking(3)), null, "nobody of that account is there");
    assert.deepEqual(await store.groups.commit(join(3), bounds), { kind: "not_a_member" });
    const inside = commit(1, [1, 2, 7], { device: device(7) });
    assert.deepEqual(await store.groups.commit(inside, bounds), { kind: "not_a_member" }, "not as a member");
    assert.equal(await store.groups.commits(NAME, device(7), 0, 9, 9_999), null, "nor is the log for it yet");
    assert.deepEqual(accepted(await store.groups.commit(join(7), bounds)), { 1: "commit", 2: "commit" });
    assert.deepEqual(await kindsFor(store, said(1, 2)), ["stored", "stored"]);
    assert.equal(await store.groups.leave(NAME, device(2)), true);
    assert.equal(await store.groups.leave(NAME, device(7)), true);
    assert.equal(await store.groups.get(NAME, asking(2)), null, "when all of an account are out it is out");
  });

  row("an account has a conversation with itself, for its own devices alone", async (store) => {
    await store.putBundle(bundle(1, [1, 7], 2), 1);
    const direct = [key(5, 1), key(5, 1)] as const;
    assert.equal(await store.groups.create(group({ direct }), bounds), "stored");
    assert.equal(await store.groups.create(group({ direct, device: device(7) }), bounds), "exists");
    assert.equal((await store.groups.commit(commit(0, [1, 2], { welcomes: [2] }), bounds)).kind, "refused");
    assert.equal(await store.groups.get(NAME, asking(2)), null);
    assert.deepEqual((await store.groups.get(NAME, asking(7)))?.direct?.map(numberOf), [1, 1]);
    accepted(await store.groups.commit(commit(0, [1, 7], { welcomes: [7] }), bounds));
    assert.deepEqual(await kindsFor(store, said(1, 1)), ["stored"]);
    assert.deepEqual((await store.groups.list(device(7)))[0].direct?.map(numberOf), [1, 1]);
  });

  row("what is sent to people and to groups in one turn shares one commit and keeps its order", async (store) => {
    await withGroup(store, 3);
    const before = (await store.stats()).commits;
    await Promise.all([
      ...[1, 2, 3].map((n) => store.enqueue(message(2, n, { sender: device(1) }))),
      ...[4, 5, 6].map((n) => store.groups.enqueue(said(n, 1))),
      ...[7, 8].map((n) => store.enqueue(message(2, n, { sender: device(1) }))),
    ]);
    assert.equal((await store.stats()).commits - before, 1);
    const { messages } = await store.fetch(device(2), 0, 100, 1e6, T);
    assert.deepEqual(messages.map(({ envelope }) => envelope[0]), [1, 2, 3, 4, 5, 6, 7, 8]);
  });
}

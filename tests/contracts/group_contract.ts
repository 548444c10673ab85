/**
 * What every store of the relay promises about groups. Run over SQLite and memory, with the rest of the contract.
 * @module
 */
import assert from "node:assert/strict";
import type { Committed, GroupBounds, NewCommit, NewGroup, NewGroupMessage, Store } from "../../relay/storage/store.ts";
import { bundle, device, key, message, roomy, seqs, T } from "./store_contract.ts";
import type { StoreLimits } from "../../relay/storage/store.ts";

/** Bounds that no row reaches by accident. */
export const bounds: GroupBounds = { maxGroups: 100, maxLogBytes: 1 << 20 };

const NAME = key(20, 1);
const DAY = 24 * 3600_000;

/** A group of the first device. */
export function group(change: Partial<NewGroup> = {}): NewGroup {
  return {
    group: NAME,
    suite: 83,
    device: device(1),
    account: key(5, 1),
    direct: null,
    groupInfo: new Uint8Array(200).fill(1),
    ...change,
  };
}

/** A commit by the first device at this epoch, to this roster; devices that are new get a Welcome. */
export function commit(
  epoch: number,
  roster: readonly number[],
  change: Partial<NewCommit> & { readonly welcomes?: readonly number[] } = {},
): NewCommit {
  const { welcomes = [], ...rest } = change;
  const bytes = new Uint8Array(300).fill(epoch + 1);
  return {
    group: NAME,
    epoch,
    device: device(1),
    commit: bytes,
    commitHash: key(21, epoch),
    external: false,
    joinKeyHash: null,
    welcome: welcomes.length > 0 ? new Uint8Array(400).fill(epoch + 1) : null,
    welcomed: welcomes.map(device),
    groupInfo: new Uint8Array(200).fill(epoch + 2),
    roster: roster.map(device),
    acceptedAtMs: T,
    logUntilMs: T + 30 * DAY,
    welcomeUntilMs: T + 90 * DAY,
    noticeUntilMs: T + DAY,
    ...rest,
  };
}

/** A message of device `from` to the group. */
export function said(
  n: number,
  epoch: number,
  change: Partial<NewGroupMessage> & { size?: number } = {},
): NewGroupMessage {
  return { ...message(1, n, { recipient: NAME, sender: device(1), ...change }), epoch };
}

/** Accounts 1 to `count` with a device each, and a group of all of them at epoch 1. */
export async function withGroup(store: Store, count: number): Promise<Store> {
  const all = Array.from({ length: count }, (_, i) => i + 1);
  for (const n of all.slice(2)) assert.equal(await store.putBundle(bundle(n, [n]), 0), "stored");
  assert.equal(await store.groups.create(group(), bounds), "stored");
  accepted(await store.groups.commit(commit(0, all, { welcomes: all.slice(1) }), bounds));
  for (const n of all) {
    const { lastSeq } = await store.fetch(device(n), 0, 1, 1, T);
    if (lastSeq > 0) await store.acknowledge(device(n), [{ first: 1, last: lastSeq }]);
  }
  return store;
}

/** Fails unless a commit was accepted; answers to whom which notices went. */
export function accepted(outcome: Committed): Record<string, string> {
  assert.equal(outcome.kind, "accepted", JSON.stringify(outcome));
  if (outcome.kind !== "accepted") throw new Error("not reached");
  return Object.fromEntries(outcome.notices.map(({ device, notice }) => [numberOf(device), notice.kind]));
}

const numberOf = (of: Uint8Array) => new DataView(of.buffer, of.byteOffset).getUint32(0);

async function kindsFor(store: Store, said: NewGroupMessage): Promise<unknown> {
  const outcome = await store.groups.enqueue(said);
  return outcome.kind === "offered" ? outcome.members.map(({ outcome }) => outcome.kind) : outcome;
}

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
      assert.deepEqual(await kindsFor(store, said(1, 1)), ["stored", "no_such_recipient"]);
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

  row(
    "of commits at one epoch the first is accepted, whoever sends it; its bytes again are accepted again",
    async (store) => {
      await withGroup(store, 4);
      const race = await Promise.all(
        [2, 3, 1].map((n) =>
          store.groups.commit(commit(1, [1, 2, 3, 4], { device: device(n), commitHash: key(22, n) }), bounds)
        ),
      );
      assert.deepEqual(accepted(race[0]), { 1: "commit", 3: "commit", 4: "commit" });
      for (const lost of race.slice(1)) assert.deepEqual(lost, { kind: "stale_epoch", epoch: 2 });
      const again = await store.groups.commit(
        commit(1, [1, 2, 3, 4], { device: device(2), commitHash: key(22, 2) }),
        bounds,
      );
      assert.deepEqual(again, { kind: "accepted", epoch: 2, notices: [] });
      const { messages } = await store.fetch(device(4), 0, 10, 1e6, T);
      assert.deepEqual(messages.map(({ notice, envelope }) => [notice, envelope.length]), [
        [{ group: NAME, kind: "commit", epoch: 2 }, 0],
      ]);
    },
  );

  row(
    "a commit brings its Welcome, GroupInfo, roster and notices; who went is told and sees nothing more",
    async (store) => {
      await withGroup(store, 3);
      await store.putBundle(bundle(4, [4]), 0);
      const outcome = await store.groups.commit(commit(1, [1, 2, 4], { welcomes: [4] }), bounds);
      assert.deepEqual(accepted(outcome), { 2: "commit", 3: "removed", 4: "welcome" });
      const seen = await store.groups.get(NAME, asking(4));
      assert.deepEqual([seen?.epoch, seen?.suite, seen?.roster.map(numberOf)], [2, 83, [1, 2, 4]]);
      assert.deepEqual(seen?.groupInfo, new Uint8Array(200).fill(3));
      assert.deepEqual(await store.groups.welcome(NAME, device(4)), {
        welcome: new Uint8Array(400).fill(2),
        device: device(1),
        epoch: 2,
      });
      assert.equal(await store.groups.get(NAME, asking(3)), null);
      assert.equal(await store.groups.commits(NAME, device(3), 0, 10, 1e6), null);
      assert.deepEqual(await store.groups.list(device(3)), []);
      assert.deepEqual(await store.groups.list(device(4)), [{ group: NAME, epoch: 2, welcome: true, direct: null }]);
      assert.equal((await store.groups.list(device(2)))[0].welcome, true);
      assert.equal((await store.groups.list(device(1)))[0].welcome, false);
      assert.deepEqual(await store.groups.others(NAME, device(4)), [device(1), device(2)]);
      assert.equal(await store.groups.others(NAME, device(3)), null);
    },
  );

  row("a Welcome is stored once, and goes when the last one is in", async (store) => {
    await withGroup(store, 3);
    const { bytes } = await store.stats();
    await store.groups.welcomed(NAME, device(2), 0);
    assert.equal((await store.stats()).bytes, bytes, "it leads further than that");
    await store.groups.welcomed(NAME, device(2), 1);
    assert.equal(await store.groups.welcome(NAME, device(2)), null);
    assert.equal((await store.stats()).bytes, bytes);
    await store.groups.welcomed(NAME, device(3), 5);
    assert.equal((await store.stats()).bytes, bytes - 400);
    assert.equal(await store.groups.welcome(NAME, device(3)), null);
  });

  row("a roster that no commit can bring is refused, and nothing changes", async (store) => {
    await withGroup(store, 3);
    await store.putBundle(bundle(4, [4]), 0);
    const rows: [NewCommit, Committed["kind"]][] = [
      [commit(1, [1, 2, 3, 4]), "refused"],
      [commit(1, [1, 2, 3, 55], { welcomes: [55] }), "no_such_recipient"],
      [commit(1, [1, 2, 3, 4], { external: true }), "refused"],
      [commit(1, [1, 2, 3], { device: device(4) }), "not_a_member"],
      [commit(1, [1, 2, 3, 4], { device: device(4), external: true }), "not_a_member"],
      [commit(9, [1, 2, 3]), "stale_epoch"],
      [commit(1, [1, 2, 3], { group: key(20, 9) }), "not_a_member"],
    ];
    for (const [each, kind] of rows) assert.equal((await store.groups.commit(each, bounds)).kind, kind);
    assert.deepEqual(
      await store.groups.commit(commit(1, [1, 2, 3, 4], { welcomes: [4] }), { ...bounds, maxGroups: 0 }),
      {
        kind: "too_many",
        device: device(4),
      },
    );
    const seen = await store.groups.get(NAME, asking(1));
    assert.deepEqual([seen?.epoch, seen?.roster.length], [1, 3]);
    accepted(await store.groups.commit(commit(1, [1, 2, 3], { external: true }), bounds));
  });

  row("the log is told from an epoch on, in pages, and ends with what is oldest", async (store) => {
    await withGroup(store, 2);
    for (const epoch of [1, 2, 3, 4]) {
      accepted(await store.groups.commit(commit(epoch, [1, 2], { logUntilMs: T + 30 * DAY + epoch * 100 }), bounds));
    }
    const page = async (from: number, max: number, bytes = 1e6) => {
      const found = await store.groups.commits(NAME, device(2), from, max, bytes);
      return [found!.commits.map(({ epoch }) => epoch), found!.epoch, found!.oldest];
    };
    assert.deepEqual(await page(0, 10), [[0, 1, 2, 3, 4], 5, 0]);
    assert.deepEqual(await page(1, 2), [[1, 2], 5, 0]);
    assert.deepEqual(await page(1, 10, 700), [[1, 2], 5, 0]);
    assert.deepEqual(await page(1, 10, 1), [[1], 5, 0]);
    assert.deepEqual(await page(5, 10), [[], 5, 0]);
    assert.deepEqual(await page(99, 10), [[], 5, 0]);
    const [first] = (await store.groups.commits(NAME, device(1), 3, 1, 1))!.commits;
    assert.deepEqual(first, { epoch: 3, device: device(1), commit: new Uint8Array(300).fill(4), acceptedAtMs: T });
    const { bytes } = await store.stats();
    await store.collect(T + 30 * DAY + 200);
    assert.deepEqual(await page(0, 10), [[], 5, 3]);
    assert.deepEqual(await page(3, 10), [[3, 4], 5, 3]);
    assert.ok((await store.stats()).bytes < bytes);
  });

  row("of a log that is too large older commits go first, the newest never", async (store) => {
    await withGroup(store, 2);
    for (const epoch of [1, 2, 3]) {
      accepted(await store.groups.commit(commit(epoch, [1, 2]), { ...bounds, maxLogBytes: 650 }));
    }
    assert.equal(await oldest(store), 2);
    accepted(await store.groups.commit(commit(4, [1, 2]), { ...bounds, maxLogBytes: 1 }));
    assert.equal(await oldest(store), 4);
    assert.equal((await store.groups.commits(NAME, device(2), 4, 9, 1e6))?.commits.length, 1);
  });

  row("Welcomes and join keys end at their times", async (store) => {
    await withGroup(store, 2);
    const until = T + 50;
    await store.groups.putJoinKey(joinKey(1, { expiresAtMs: until }));
    await store.collect(T + 90 * DAY - 1);
    assert.equal((await store.groups.list(device(2)))[0].welcome, true);
    await store.collect(T + 90 * DAY);
    assert.equal((await store.groups.list(device(2)))[0].welcome, false);
    assert.equal(await store.groups.revokeJoinKey(NAME, device(1), key(23, 1)), false);
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

  row("a commit is taken back when more than half of the others report it", async (store) => {
    await withGroup(store, 5);
    await store.putBundle(bundle(6, [6]), 0);
    const bad = commit(1, [1, 2, 3, 4, 5, 6], { device: device(5), welcomes: [6] });
    const { bytes } = await store.stats();
    accepted(await store.groups.commit(bad, bounds));
    assert.equal((await report(store, 2))?.reopened, false);
    assert.equal((await report(store, 2))?.reopened, false, "the same account again counts once");
    assert.equal((await report(store, 5))?.reopened, false, "nor does the one who committed");
    assert.equal((await report(store, 6))?.reopened, false, "nor who was not there before");
    assert.equal((await report(store, 3, { commitHash: key(21, 99) }))?.reopened, false, "nor another commit");
    assert.equal(await report(store, 77), null);
    assert.equal((await report(store, 3))?.reopened, false);
    const last = await report(store, 4);
    assert.equal(last?.reopened, true);
    assert.deepEqual(Object.fromEntries(last!.notices.map(({ device, notice }) => [numberOf(device), notice.kind])), {
      ...{ 1: "reopened", 2: "reopened", 3: "reopened", 4: "reopened", 5: "removed", 6: "removed" },
    });
    const seen = await store.groups.get(NAME, asking(1));
    assert.deepEqual([seen?.epoch, seen?.roster.map(numberOf)], [1, [1, 2, 3, 4]]);
    assert.deepEqual(seen?.groupInfo, new Uint8Array(200).fill(2));
    assert.equal(await store.groups.get(NAME, asking(5)), null);
    assert.deepEqual(await store.groups.list(device(6)), []);
    assert.equal((await report(store, 2))?.reopened, true, "whoever comes later hears that it is done");
    assert.equal((await store.groups.commits(NAME, device(2), 1, 9, 1e6))?.commits.length, 0);
    await store.collect(T + 2 * DAY);
    assert.equal((await store.stats()).bytes, bytes - 32 - 232, "the committer's device is gone, and what held before");
    assert.deepEqual(await store.groups.commit(bad, bounds), { kind: "not_a_member" });
    accepted(await store.groups.commit(commit(1, [1, 2, 3, 4]), bounds));
  });

  row("the creator's word alone takes a commit back; that of those whom it removed does not", async (store) => {
    await withGroup(store, 4);
    accepted(await store.groups.commit(commit(1, [1, 2, 3], { device: device(2) }), bounds));
    assert.equal((await report(store, 4))?.reopened, false);
    assert.equal((await report(store, 1))?.reopened, true);
    assert.deepEqual((await store.groups.get(NAME, asking(1)))?.roster.map(numberOf), [1, 3, 4]);
    accepted(await store.groups.commit(commit(1, [1]), bounds));
    for (const n of [3, 4]) assert.equal((await report(store, n))?.reopened, false, "nobody who stays says so");
    assert.equal((await store.groups.get(NAME, asking(1)))?.epoch, 2);
    assert.deepEqual((await report(store, 3, { epoch: 0, commitHash: key(21, 0) }))?.reopened, false, "too late");
  });

  row("notices of commits leave half of a mailbox to messages; other notices may have the rest", async (store) => {
    await withGroup(store, 2);
    for (const n of [1, 2, 3]) await store.enqueue(message(2, 50 + n));
    assert.deepEqual(accepted(await store.groups.commit(commit(1, [1, 2]), bounds)), {});
    assert.deepEqual(accepted(await store.groups.commit(commit(2, [1]), bounds)), { 2: "removed" });
    accepted(await store.groups.commit(commit(3, [1, 2], { welcomes: [2] }), bounds));
    assert.equal((await store.room(device(2)))?.messages, 5);
    accepted(await store.groups.commit(commit(4, [1]), bounds));
    await store.enqueue(message(2, 60));
    assert.deepEqual(accepted(await store.groups.commit(commit(5, [1, 2], { welcomes: [2] }), bounds)), {});
  }, { ...roomy, maxQueue: 6 });

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

const joinKey = (n: number, change: Partial<Parameters<Store["groups"]["putJoinKey"]>[0]> = {}) => ({
  group: NAME,
  device: device(1),
  keyHash: key(23, n),
  nowMs: T,
  expiresAtMs: T + 1_000,
  max: 5,
  ...change,
});

const asking = (n: number, change: { joinKeyHash?: Uint8Array; nowMs?: number } = {}) => (
  { device: device(n), joinKeyHash: null, nowMs: T, ...change }
);

const oldest = async (store: Store) => (await store.groups.commits(NAME, device(2), 0, 1, 1))?.oldest;

const report = (store: Store, n: number, change: { epoch?: number; commitHash?: Uint8Array } = {}) =>
  store.groups.report({
    group: NAME,
    device: device(n),
    epoch: 1,
    commitHash: key(21, 1),
    nowMs: T,
    noticeUntilMs: T + DAY,
    ...change,
  });

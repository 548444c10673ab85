/**
 * What every store of the relay promises about commits. Run over SQLite and memory, with the rest of the contract.
 * @module
 */
import assert from "node:assert/strict";
import type { Committed, NewCommit, Store, StoreLimits } from "../../relay/storage/store.ts";
import {
  accepted,
  asking,
  bounds,
  commit,
  DAY,
  joinKey,
  NAME,
  numberOf,
  oldest,
  report,
  said,
  withGroup,
} from "./group_scene.ts";
import { bundle, device, key, message, roomy, T } from "./store_scene.ts";

/** Adds the rows to a suite. */
export function commitContract(
  row: (promise: string, run: (store: Store) => Promise<void>, limits?: StoreLimits) => void,
): void {
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
    assert.equal(last?.notices.length, 6, "one each");
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
    await withGroup(store, 5);
    accepted(await store.groups.commit(commit(1, [1, 2, 3, 5], { device: device(2) }), bounds));
    assert.equal((await report(store, 4))?.reopened, false);
    assert.equal((await report(store, 1))?.reopened, true, "two of four, the creator among them");
    assert.deepEqual((await store.groups.get(NAME, asking(1)))?.roster.map(numberOf), [1, 3, 4, 5]);
    accepted(await store.groups.commit(commit(1, [1]), bounds));
    for (const n of [3, 4, 5]) assert.equal((await report(store, n))?.reopened, false, "nobody who stays says so");
    assert.equal((await store.groups.get(NAME, asking(1)))?.epoch, 2);
    assert.deepEqual((await report(store, 3, { epoch: 0, commitHash: key(21, 0) }))?.reopened, false, "too late");
  });

  row("who acknowledges messages and notices at once is told how many messages those were", async (store) => {
    await withGroup(store, 2);
    accepted(await store.groups.commit(commit(1, [1, 2]), bounds));
    await store.enqueue(message(2, 51));
    await store.groups.enqueue(said(1, 2));
    accepted(await store.groups.commit(commit(2, [1]), bounds));
    assert.equal((await store.room(device(2)))?.messages, 4);
    assert.equal(await store.acknowledge(device(2), [{ first: 1, last: 99 }]), 2);
    assert.equal((await store.room(device(2)))?.messages, 0);
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
}

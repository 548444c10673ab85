/**
 * What every store of the relay promises. Run over SQLite and memory.
 * @module
 */
import assert from "node:assert/strict";
import { accountContract } from "./account_contract.ts";
import { commitContract } from "./commit_contract.ts";
import { groupContract } from "./group_contract.ts";
import { inviteContract } from "./invite_contract.ts";
import { blobContract } from "./blob_contract.ts";
import { keyPackageContract } from "./key_package_contract.ts";
import { listContract } from "./list_contract.ts";
import { bundle, device, key, message, roomy, sendMany, seqs, T, withMailboxes } from "./store_scene.ts";
import type { Store, StoreLimits } from "../../relay/storage/store.ts";

/** Opens an empty store for one row of the suite. */
export type OpenStore = (limits: StoreLimits) => Promise<Store>;

/** Runs the suite. */
export function storeContract(name: string, open: OpenStore): void {
  const row = (promise: string, run: (store: Store) => Promise<void>, limits: StoreLimits = roomy) =>
    Deno.test(`${name}: ${promise}`, async () => {
      await using store = await withMailboxes(await open({ ...limits }));
      await run(store);
      assert.deepEqual(await store.check(), []);
    });

  row("numbers start at 1, have no gaps and are each mailbox's own", async (store) => {
    const results = await Promise.all([1, 2, 1, 2, 1].map((to, i) => store.enqueue(message(to, i))));
    assert.deepEqual(results.map((result) => result.kind === "stored" && result.seq), [1, 1, 2, 2, 3]);
    assert.deepEqual(await seqs(store, 1), [1, 2, 3]);
  });

  row("an envelope comes back as it was given, with both times", async (store) => {
    const sent = message(1, 7, { receivedAtMs: T + 3, size: 5_000 });
    await store.enqueue(sent);
    const { messages: [got] } = await store.fetch(device(1), 0, 1, 1, T);
    assert.deepEqual(Uint8Array.from(got.envelope), sent.envelope);
    assert.deepEqual([got.receivedAtMs, got.expiresAtMs], [T + 3, T + 1_000]);
  });

  row("the same message again has its first number, also within one commit", async (store) => {
    const results = await Promise.all([store.enqueue(message(1, 1)), store.enqueue(message(1, 1))]);
    results.push(await store.enqueue(message(1, 1, { expiresAtMs: T + 9_999 })));
    assert.deepEqual(results.map(({ kind }) => kind), ["stored", "duplicate", "duplicate"]);
    for (const result of results) {
      const { seq, expiresAtMs } = result as { seq: number; expiresAtMs: number };
      assert.deepEqual({ seq, expiresAtMs }, { seq: 1, expiresAtMs: T + 1_000 });
    }
    assert.deepEqual(await seqs(store, 1), [1]);
  });

  row("another body under a known id is a conflict; another sender or recipient is not", async (store) => {
    await store.enqueue(message(1, 1));
    assert.deepEqual(await store.enqueue(message(1, 1, { bodyHash: key(9, 9) })), { kind: "id_conflict" });
    assert.equal((await store.enqueue(message(1, 1, { sender: key(2, 7) }))).kind, "stored");
    assert.equal((await store.enqueue(message(2, 1))).kind, "stored");
  });

  row("the memory of an id outlives acknowledgement and expiry, and ends at its time", async (store) => {
    await sendMany(store, 1, 2);
    assert.equal(await store.acknowledge(device(1), [{ first: 1, last: 1 }]), 1);
    assert.deepEqual(await store.collect(T + 1_000), { expired: 1, tombstones: 0 });
    for (const n of [1, 2]) assert.equal((await store.enqueue(message(1, n))).kind, "duplicate");
    assert.deepEqual(await store.collect(T + 4_999), { expired: 0, tombstones: 0 });
    assert.deepEqual(await store.collect(T + 5_000), { expired: 0, tombstones: 2 });
    assert.deepEqual(await store.enqueue(message(1, 1)), { kind: "stored", seq: 3, expiresAtMs: T + 1_000 });
  });

  row("when a message was accepted is remembered with its hash, for a repeat and for a receipt", async (store) => {
    await store.enqueue(message(1, 1, { receivedAtMs: T + 5 }));
    const again = await store.enqueue(message(1, 1, { receivedAtMs: T + 99 }));
    assert.deepEqual(again, { kind: "duplicate", seq: 1, expiresAtMs: T + 1_000, receivedAtMs: T + 5 });
    const { recipient, sender, id, bodyHash } = message(1, 1);
    const remembered = { seq: 1, bodyHash, receivedAtMs: T + 5 };
    assert.deepEqual(await store.tombstone(recipient, sender, id), remembered);
    await store.acknowledge(device(1), [{ first: 1, last: 1 }]);
    await store.collect(T + 4_999);
    assert.deepEqual(await store.tombstone(recipient, sender, id), remembered);
    for (
      const [mailbox, by, n] of [[device(2), sender, 1], [recipient, key(2, 9), 1], [recipient, sender, 2]] as const
    ) {
      assert.equal(await store.tombstone(mailbox, by, message(1, n).id), null);
    }
    await store.collect(T + 5_000);
    assert.equal(await store.tombstone(recipient, sender, id), null);
  });

  row("a device that no bundle lists gets no mail", async (store) => {
    assert.deepEqual(await store.enqueue(message(3, 1)), { kind: "no_such_recipient" });
    assert.equal(await store.room(device(3)), null);
    assert.deepEqual(await store.fetch(device(3), 0, 10, 1_000, T), { messages: [], expired: [], lastSeq: 0 });
    assert.equal(await store.acknowledge(device(3), [{ first: 1, last: 9 }]), 0);
  });

  row("a full mailbox says so with its size, and still knows what it has", async (store) => {
    const results = await sendMany(store, 1, 4);
    assert.deepEqual(results[3], { kind: "queue_full", messages: 3, bytes: 300 });
    assert.equal((await store.enqueue(message(1, 1))).kind, "duplicate");
    assert.equal((await store.enqueue(message(2, 1))).kind, "stored");
    await store.acknowledge(device(1), [{ first: 2, last: 2 }]);
    assert.deepEqual(await store.enqueue(message(1, 4)), { kind: "stored", seq: 4, expiresAtMs: T + 1_000 });
  }, { ...roomy, maxQueue: 3 });

  row("a mailbox is full by bytes, and the limits can change while it runs", async (store) => {
    assert.equal((await store.enqueue(message(1, 1, { size: 150 }))).kind, "stored");
    assert.deepEqual(await store.enqueue(message(1, 2)), { kind: "queue_full", messages: 1, bytes: 150 });
    store.limits.maxQueueBytes = 250;
    assert.equal((await store.enqueue(message(1, 2))).kind, "stored");
  }, { ...roomy, maxQueueBytes: 200 });

  row("a full store refuses new messages of all and counts bytes that went", async (store) => {
    await sendMany(store, 1, 2);
    assert.deepEqual(await store.enqueue(message(2, 1)), { kind: "storage_full" });
    assert.equal((await store.enqueue(message(1, 1))).kind, "duplicate");
    await store.acknowledge(device(1), [{ first: 1, last: 1 }]);
    assert.equal((await store.enqueue(message(2, 1))).kind, "stored");
  }, { ...roomy, maxTotal: 250 });

  row("pages are cut by count and by bytes, and hold at least one message", async (store) => {
    await sendMany(store, 1, 5);
    const rows: [after: number, messages: number, bytes: number, got: number[]][] = [
      [0, 2, 1e6, [1, 2]],
      [2, 2, 1e6, [3, 4]],
      [0, 10, 250, [1, 2]],
      [0, 10, 300, [1, 2, 3]],
      [0, 10, 1, [1]],
      [4, 10, 1e6, [5]],
      [5, 10, 1e6, []],
      [99, 10, 1e6, []],
    ];
    for (const [after, messages, bytes, got] of rows) {
      const page = await store.fetch(device(1), after, messages, bytes, T);
      assert.deepEqual([page.messages.map(({ seq }) => seq), page.lastSeq], [got, 5]);
    }
  });

  row("acknowledging removes ranges, counts what was there and takes any numbers", async (store) => {
    await sendMany(store, 1, 6);
    assert.equal(await store.acknowledge(device(1), [{ first: 1, last: 2 }, { first: 4, last: 4 }]), 3);
    assert.equal(await store.acknowledge(device(1), [{ first: 1, last: 4 }]), 1);
    assert.equal(await store.acknowledge(device(1), [{ first: 9, last: 3 }, { first: -5, last: 0 }]), 0);
    assert.deepEqual(await seqs(store, 1), [5, 6]);
    assert.deepEqual(await store.room(device(1)), { messages: 2, bytes: 200 });
    await sendMany(store, 2, 2);
    assert.equal(await store.acknowledge(device(1), [{ first: 0, last: Number.MAX_SAFE_INTEGER }]), 2);
    assert.deepEqual(await seqs(store, 2), [1, 2], "another mailbox is never touched");
    assert.deepEqual(await store.enqueue(message(1, 7)), { kind: "stored", seq: 7, expiresAtMs: T + 1_000 });
    assert.deepEqual(await seqs(store, 1), [7]);
  });

  row("what expired unread is told as ranges, before and after collection, until acknowledged past", async (store) => {
    for (const n of [1, 2, 3, 4, 5, 6]) {
      await store.enqueue(message(1, n, { expiresAtMs: [1, 2, 4, 6].includes(n) ? T + 10 : T + 1_000 }));
    }
    const told = async (after: number, messages = 10) =>
      (await store.fetch(device(1), after, messages, 1e6, T + 10)).expired.map(({ first, last }) => [first, last]);
    for (const when of ["before", "after"]) {
      assert.deepEqual(await told(0), [[1, 2], [4, 4], [6, 6]], when);
      assert.deepEqual(await told(1), [[2, 2], [4, 4], [6, 6]], when);
      assert.deepEqual(await told(0, 1), [[1, 2]], `${when}: a page tells up to its last message`);
      assert.deepEqual(await told(6), [], when);
      assert.deepEqual(await seqs(store, 1, T + 10), [3, 5], when);
      await store.collect(T + 10);
    }
    await store.acknowledge(device(1), [{ first: 3, last: 3 }]);
    assert.deepEqual(await told(0), [[4, 4], [6, 6]]);
    await store.acknowledge(device(1), [{ first: 5, last: 6 }]);
    assert.deepEqual(await told(0), []);
  });

  row("ranges that expire one by one are merged, and end with the mailbox", async (store) => {
    for (const n of [1, 2, 3, 4]) await store.enqueue(message(1, n, { expiresAtMs: T + [0, 30, 10, 20, 40][n] }));
    for (const at of [10, 20, 30, 40]) await store.collect(T + at);
    assert.deepEqual((await store.fetch(device(1), 0, 10, 1e6, T + 40)).expired, [{ first: 1, last: 4 }]);
    assert.deepEqual(await store.room(device(1)), { messages: 0, bytes: 0 });
  });

  row("collection takes all that is due, however much, and nothing else", async (store) => {
    await sendMany(store, 1, 700);
    await store.enqueue(message(1, 5_000, { expiresAtMs: T + 1_001 }));
    assert.deepEqual(await store.collect(T + 999), { expired: 0, tombstones: 0 });
    assert.deepEqual(await store.collect(T + 1_000), { expired: 700, tombstones: 0 });
    assert.deepEqual(await seqs(store, 1), [701]);
    assert.deepEqual(await store.collect(T + 5_000), { expired: 1, tombstones: 701 });
  });

  row("a bundle is replaced only by who saw the stored one", async (store) => {
    assert.deepEqual(await store.putBundle(bundle(1, [1], 2), 0), { kind: "version_conflict" });
    assert.equal((await store.putBundle(bundle(1, [1, 3], 2), 1)).kind, "stored");
    const racers = [4, 5].map((n) => store.putBundle(bundle(1, [1, n], 3), 2));
    assert.deepEqual((await Promise.all(racers)).map(({ kind }) => kind).sort(), ["stored", "version_conflict"]);
    const found = await store.bundleOfDevice(device(1));
    assert.deepEqual([found?.version, found?.devices.length, found?.bundle], [3, 2, new Uint8Array([1, 3])]);
    assert.deepEqual(await store.bundleOfAccount(key(5, 1)), found);
    assert.equal(await store.bundleOfAccount(key(5, 9)), null);
  });

  row("a device of another account is refused whole", async (store) => {
    assert.deepEqual(await store.putBundle(bundle(3, [3, 1]), 0), { kind: "device_taken" });
    assert.equal(await store.bundleOfAccount(key(5, 3)), null);
    assert.equal(await store.bundleOfDevice(device(3)), null);
    assert.deepEqual(await store.enqueue(message(3, 1)), { kind: "no_such_recipient" });
  });

  row("a device that left its bundle loses its mail, and keeps its numbers when it comes back", async (store) => {
    await store.enqueue(message(1, 1));
    await store.putBundle(bundle(1, [4], 2), 1);
    assert.deepEqual(await store.enqueue(message(1, 2)), { kind: "no_such_recipient" });
    assert.deepEqual([await store.room(device(1)), await store.bundleOfDevice(device(1))], [null, null]);
    assert.deepEqual([await seqs(store, 1), (await store.stats()).bytes], [[], 0]);
    await store.putBundle(bundle(1, [1, 4], 3), 2);
    assert.equal((await store.enqueue(message(1, 1))).kind, "duplicate");
    assert.deepEqual(await store.enqueue(message(1, 2)), { kind: "stored", seq: 2, expiresAtMs: T + 1_000 });
  });

  row("the address that made an account stays with it", async (store) => {
    await store.putBundle({ ...bundle(3, [3]), createdFromIp: "192.0.2.1" }, 0);
    await store.putBundle(bundle(3, [3], 2), 1);
    assert.equal((await store.bundleOfDevice(device(3)))?.createdFromIp, "192.0.2.1");
    assert.equal((await store.bundleOfDevice(device(1)))?.createdFromIp, undefined);
  });

  row("the newer sealing key stays", async (store) => {
    const at = (createdAtMs: number, byte = 0) => ({
      device: device(1),
      createdAtMs,
      expiresAtMs: createdAtMs + 1,
      sealingKey: new Uint8Array([createdAtMs, byte]),
    });
    const put = [at(2), at(1), at(2), at(2, 9), at(3)];
    const kept = [];
    for (const sealing of put) kept.push(await store.putSealingKey(sealing));
    assert.deepEqual(kept, [true, false, true, false, true]);
    assert.deepEqual(await store.sealingKeys([device(2), device(1)]), [at(3)]);
  });

  inviteContract(row);
  keyPackageContract(row);
  blobContract(row);
  groupContract(row);
  commitContract(row);
  listContract(row);
  accountContract(row);

  row("tokens go by id or name", async (store) => {
    const token = (id: string, name: string, expiresAtMs: number | null) => ({
      id,
      name,
      hash: key(8, 1),
      createdAtMs: T,
      expiresAtMs,
    });
    const tokens = [token("00000001", "ci", null), token("00000002", "web", T + 1)];
    for (const each of tokens) await store.putToken(each);
    assert.deepEqual(await store.tokens(), tokens);
    assert.deepEqual([await store.deleteToken("web"), await store.deleteToken("web")], [true, false]);
    assert.deepEqual([await store.deleteToken("00000001"), await store.tokens()], [true, []]);
  });

  row("the allow list holds accounts and notes", async (store) => {
    await store.allowAccount(key(5, 1), "first");
    await store.allowAccount(key(5, 2), "");
    await store.allowAccount(key(5, 1), "again");
    const list = await store.allowedAccounts();
    assert.deepEqual(list, [{ account: key(5, 1), note: "again" }, { account: key(5, 2), note: "" }]);
    assert.deepEqual([await store.disallowAccount(key(5, 2)), await store.disallowAccount(key(5, 2))], [true, false]);
  });

  row("a thousand sends at once to ten mailboxes share few commits and stay in order", async (store) => {
    const devices = Array.from({ length: 10 }, (_, i) => 10 + i);
    await store.putBundle(bundle(3, devices.slice(0, 8)), 0);
    await store.putBundle(bundle(4, devices.slice(8)), 0);
    const before = (await store.stats()).commits;
    const results = await Promise.all(
      Array.from({ length: 1_000 }, (_, i) => store.enqueue(message(devices[i % 10], i))),
    );
    results.forEach((result, i) => assert.equal(result.kind === "stored" && result.seq, Math.floor(i / 10) + 1));
    assert.ok((await store.stats()).commits - before <= 10, "at most ten commits");
    const page = await store.fetch(device(10), 0, 1_000, 1e6, T);
    assert.deepEqual(page.messages.map(({ envelope }) => envelope[0]), page.messages.map((_, i) => (i * 10) & 255));
  });

  row("what is sent in one turn shares one commit, with acknowledgements and directory changes", async (store) => {
    const before = (await store.stats()).commits;
    await Promise.all([
      ...Array.from({ length: 100 }, (_, i) => store.enqueue(message(1, i))),
      store.acknowledge(device(1), [{ first: 1, last: 50 }]),
      store.putBundle(bundle(3, [3]), 0),
      store.enqueue(message(3, 1)),
    ]);
    assert.equal((await store.stats()).commits - before, 1);
    assert.deepEqual([(await seqs(store, 1)).length, (await seqs(store, 3)).length], [50, 1]);
  });

  row("counts follow every change", async (store) => {
    await sendMany(store, 1, 3);
    await store.enqueue(message(2, 9, { size: 50 }));
    await store.acknowledge(device(1), [{ first: 1, last: 1 }]);
    const { messages, bytes, mailboxes, accounts } = await store.stats();
    assert.deepEqual({ messages, bytes, mailboxes, accounts }, { messages: 3, bytes: 250, mailboxes: 2, accounts: 2 });
    await store.putBundle(bundle(1, [4, 5], 2), 1);
    const after = await store.stats();
    assert.deepEqual([after.messages, after.bytes, after.mailboxes, after.accounts], [1, 50, 3, 2]);
  });
}

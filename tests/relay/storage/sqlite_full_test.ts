/**
 * A full disk refuses new messages and nothing else, and service returns by itself when there is room.
 * @module
 */
import assert from "node:assert/strict";
import { openSqliteStore } from "../../../relay/storage/sqlite.ts";
import { end, named, session, times } from "../../contracts/account_scene.ts";
import { bundle, device, key, message, roomy, seqs, T, withMailboxes } from "../../contracts/store_scene.ts";
import { temporaryFolder } from "./temporary_folder.ts";

const MiB = 1024 * 1024;
const reason = Deno.build.os !== "linux"
  ? " (skipped: needs Linux for a small tmpfs)"
  : Deno.uid() !== 0
  ? " (skipped: needs root to mount a small tmpfs)"
  : "";

/** A file system of its own; disposing of it unmounts it. */
async function smallDisk(bytes: number): Promise<{ readonly path: string } & AsyncDisposable> {
  const folder = temporaryFolder();
  await run("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder.path]);
  return {
    path: folder.path,
    [Symbol.asyncDispose]: async () => {
      await run("umount", [folder.path]);
      folder[Symbol.dispose]();
    },
  };
}

async function run(command: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args }).output();
  assert.ok(success, `${command}: ${new TextDecoder().decode(stderr)}`);
}

Deno.test({
  name: `sqlite full: senders hear storage_full, reads and acks go on, service returns with space${reason}`,
  ignore: reason !== "",
  fn: async () => {
    await using disk = await smallDisk(8 * MiB);
    let now = T;
    const options = { path: `${disk.path}/relay.db`, limits: roomy, now: () => now, minFreeBytes: MiB };
    await using store = await withMailboxes(await openSqliteStore(options));
    let n = 0, stored = 0;
    const send = () =>
      store.enqueue(message(1, ++n, { size: 10_000, expiresAtMs: T + 1e9, tombstoneUntilMs: T + 2e9 }));
    for (let full = false; !full;) {
      const kinds = (await Promise.all(Array.from({ length: 16 }, send))).map(({ kind }) => kind);
      stored += kinds.filter((kind) => kind === "stored").length;
      full = kinds.includes("storage_full");
      assert.ok(n < 2_000, "8 MiB were never full");
    }
    assert.ok(stored > 100, `${stored} messages fitted`);
    assert.deepEqual(await send(), { kind: "storage_full" });
    assert.equal((await store.enqueue(message(1, 1))).kind, "duplicate");
    await assert.rejects(store.allowAccount(device(9), "more"), { code: "storage_full" });
    assert.deepEqual(await seqs(store, 1), Array.from({ length: stored }, (_, i) => i + 1));
    for (let seq = 1; seq <= stored - 10; seq++) {
      assert.equal(await store.acknowledge(device(1), [{ first: seq, last: seq }]), 1);
    }
    now += 2_000;
    const after = await send();
    assert.deepEqual(after, { kind: "stored", seq: stored + 1, expiresAtMs: T + 1e9 });
    for (let i = 0; i < 100; i++) assert.equal((await send()).kind, "stored");
    assert.deepEqual(await store.check(), []);
  },
});

Deno.test({
  name: `sqlite full: a disk filled by others is survived, also by a restart, until they make room${reason}`,
  ignore: reason !== "",
  fn: async () => {
    await using disk = await smallDisk(8 * MiB);
    let now = T;
    const options = { path: `${disk.path}/relay.db`, limits: roomy, now: () => now, minFreeBytes: MiB };
    const big = (n: number) => message(1, n, { size: 100_000 });
    {
      await using store = await withMailboxes(await openSqliteStore(options));
      assert.equal((await store.enqueue(big(1))).kind, "stored");
      fill(`${disk.path}/others`);
      const kinds = [];
      for (let n = 2; n < 40; n++) kinds.push((await store.enqueue(big(n))).kind);
      assert.equal(kinds.at(-1), "storage_full");
      assert.equal(await store.acknowledge(device(1), [{ first: 1, last: 1 }]), 1);
      fill(`${disk.path}/others-again`);
    }
    await using store = await openSqliteStore(options);
    assert.equal((await store.enqueue(big(100))).kind, "storage_full");
    Deno.removeSync(`${disk.path}/others`);
    Deno.removeSync(`${disk.path}/others-again`);
    assert.equal((await store.enqueue(big(100))).kind, "storage_full", "room is looked for once a second");
    now += 1_000;
    assert.equal((await store.enqueue(big(100))).kind, "stored");
  },
});

Deno.test({
  name: `sqlite full: a relay killed on a full disk starts again from its reserve, and its readers make room${reason}`,
  ignore: reason !== "",
  fn: async () => {
    await using disk = await smallDisk(16 * MiB);
    const options = { path: `${disk.path}/relay.db`, limits: roomy, now: () => T, minFreeBytes: MiB };
    await using before = await withMailboxes(await openSqliteStore({ ...options, path: `${disk.path}/before.db` }));
    for (let n = 1; n <= 20; n++) await before.enqueue(message(1, n, { size: 100_000 }));
    // As kill -9 leaves them: all of it is in the log.
    for (const end of ["", "-wal", "-reserve"]) {
      Deno.copyFileSync(`${disk.path}/before.db${end}`, `${options.path}${end}`);
    }
    fill(`${disk.path}/others`);
    await using store = await openSqliteStore(options);
    assert.equal((await store.enqueue(message(2, 1))).kind, "storage_full");
    assert.equal((await seqs(store, 1)).length, 20);
    assert.equal(await store.acknowledge(device(1), [{ first: 1, last: 20 }]), 20);
    assert.equal((await store.enqueue(message(2, 1))).kind, "storage_full", "room is looked for once a second");
  },
});

Deno.test({
  name: `sqlite full: a stolen device can be got rid of, sessions and accounts can end; what grows is refused${reason}`,
  ignore: reason !== "",
  fn: async () => {
    await using disk = await smallDisk(8 * MiB);
    const options = { path: `${disk.path}/relay.db`, limits: roomy, now: () => T, minFreeBytes: MiB };
    await using store = await withMailboxes(await openSqliteStore(options));
    const { accounts } = store;
    await store.putBundle(bundle(1, [1, 3], 2), 1);
    for (const n of [1, 2]) await accounts.register(named(n), null, session(n));
    await accounts.putSession(session(3, { account: key(5, 1) }));
    fill(`${disk.path}/others`);
    for (let n = 1; (await store.enqueue(message(1, n, { size: 100_000 }))).kind === "stored"; n++);
    await assert.rejects(accounts.putSession(session(1)), { code: "storage_full" });
    await assert.rejects(accounts.register(named(7), null, session(7)), { code: "storage_full" });
    await assert.rejects(store.putBundle(bundle(1, [1, 3, 4], 3), 2), { code: "storage_full" });
    await assert.rejects(store.putBundle(bundle(9, [9]), 0), { code: "storage_full" });
    await accounts.seen(device(1), T);
    await accounts.touchSession(key(31, 1), T + 9e9);
    const put = await store.putBundle(bundle(1, [1], 3), 2, { moving: null, ...times() });
    assert.deepEqual(put, { kind: "stored", dropped: [device(3)], moved: [], notices: [] });
    assert.equal(await accounts.session(key(31, 3)), null);
    await accounts.close({ account: key(5, 2), kind: "banned", reason: "", sinceMs: T, untilMs: null });
    assert.equal(await accounts.session(key(31, 2)), null);
    assert.deepEqual((await accounts.end(key(5, 1), end(1), T, times())).dropped, [device(1)]);
    assert.deepEqual(await store.check(), []);
  },
});

function fill(path: string): void {
  using file = Deno.openSync(path, { create: true, write: true });
  try {
    for (;;) file.writeSync(new Uint8Array(4096));
  } catch (thrown) {
    assert.equal((thrown as { code?: string }).code, "ENOSPC");
  }
}

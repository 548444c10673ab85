/** Backups: sealed or plain, verified before anything is touched. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import Database from "better-sqlite3";
import { sealBytes } from "../../crypto/vault.ts";
import { type ErrorCode, QightError } from "../../proto/errors.ts";
import { restoreBackup, type Restored, writeBackup } from "../../relay/backup.ts";
import { concat } from "../../crypto/concat.ts";
import { sealedChunks } from "../../relay/backup/chunks.ts";
import { openDataFolder } from "../../relay/data_folder.ts";
import { rootKeyFromSeed } from "../../relay/data_folder/root_key.ts";

const rootSeed = new Uint8Array(32).fill(7);
const passphrase = "correct horse";
const secretRow = "a row that only this database has";
const now = () => 1_800_000_000_000;

/** Stands for the relay's store: SQLite's own backup of a small database. */
const store = { backup: (path: string) => copyOfDatabase(path, 3000) };

async function copyOfDatabase(path: string, rows: number): Promise<void> {
  const source = new Database(":memory:");
  try {
    source.exec("CREATE TABLE message (seq INTEGER PRIMARY KEY, body TEXT)");
    const insert = source.prepare("INSERT INTO message (body) VALUES (?)");
    source.transaction(() => {
      for (let i = 0; i < rows; i++) insert.run(`${secretRow} ${i} ${"x".repeat(600)}`);
    })();
    await source.backup(path);
  } finally {
    source.close();
  }
}

async function withFolder(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "qight-test-" });
  try {
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function refusal(action: () => Promise<unknown>): Promise<ErrorCode> {
  try {
    await action();
  } catch (thrown) {
    assert.ok(thrown instanceof QightError, `${thrown} ${(thrown as Error).stack}`);
    return thrown.code;
  }
  assert.fail("nothing was refused");
}

async function assertRestored(dataDir: string, restored: Restored): Promise<void> {
  assert.deepEqual(restored.root, (await rootKeyFromSeed(rootSeed)).publicKey);
  assert.equal(restored.madeAtMs, now());
  const database = new Database(join(dataDir, "relay.db"), { readonly: true });
  const { n } = database.prepare("SELECT count(*) AS n FROM message").get() as { n: number };
  database.close();
  assert.equal(n, 3000);
  await using folder = await openDataFolder(dataDir, { credentialsDirectory: "" });
  assert.deepEqual(folder.rootKey.seed, rootSeed);
}

const names = (dir: string) => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

Deno.test("a sealed and a plain backup are both mode 0600 and restore to the same relay", () =>
  withFolder(async (dir) => {
    for (const [name, secret] of [["sealed", passphrase], ["plain", null]] as const) {
      const path = join(dir, name);
      await writeBackup({ store, rootSeed, path, passphrase: secret, now });
      assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
      const bytes = new TextDecoder("latin1").decode(await Deno.readFile(path));
      assert.equal(bytes.includes(secretRow), secret === null);
      const dataDir = join(dir, `${name}-relay`);
      const restored = await restoreBackup({ path, dataDir, passphrase: secret });
      assert.equal(restored.movedAside, null);
      assert.deepEqual(names(dataDir), ["lock", "relay.db", "root.key"], "no scratch is left");
      assert.equal((await Deno.stat(join(dataDir, "relay.db"))).mode! & 0o777, 0o600);
      await assertRestored(dataDir, restored);
    }
    assert.deepEqual(names(dir), ["plain", "plain-relay", "sealed", "sealed-relay"]);
  }));

Deno.test("a backup never overwrites, and its folder must exist", () =>
  withFolder(async (dir) => {
    const path = join(dir, "backup");
    await Deno.writeTextFile(path, "precious");
    const rows: [string, string | null, ErrorCode][] = [
      [path, null, "would_overwrite"],
      [join(dir, "no", "backup"), null, "cannot_create"],
      ["backup", null, "usage"],
      [join(dir, "empty"), "", "usage"],
    ];
    for (const [path, secret, code] of rows) {
      assert.equal(await refusal(() => writeBackup({ store, rootSeed, path, passphrase: secret })), code, path);
    }
    // regression: the hint named --force, which a backup does not have
    await assert.rejects(
      writeBackup({ store, rootSeed, path, passphrase: null }),
      (error: QightError) => !error.hint.includes("--force"),
    );
    const failing = { backup: () => Promise.reject(new QightError("store_damaged")) };
    const attempt = () => writeBackup({ store: failing, rootSeed, path: join(dir, "x"), passphrase: null });
    assert.equal(await refusal(attempt), "store_damaged");
    assert.equal(await Deno.readTextFile(path), "precious");
    assert.deepEqual(names(dir), ["backup"]);
  }));

Deno.test("the wrong passphrase, none, or one for a plain file restores nothing", () =>
  withFolder(async (dir) => {
    const sealed = join(dir, "sealed"), plain = join(dir, "plain");
    await writeBackup({ store, rootSeed, path: sealed, passphrase, now });
    await writeBackup({ store, rootSeed, path: plain, passphrase: null, now });
    const rows: [string, string | null, ErrorCode][] = [
      [sealed, "wrong horse", "wrong_passphrase"],
      [sealed, null, "passphrase_needed"],
      [plain, passphrase, "bad_backup"],
      [join(dir, "absent"), null, "no_input"],
    ];
    for (const [path, secret, code] of rows) {
      assert.equal(await refusal(() => restoreBackup({ path, dataDir: join(dir, "r"), passphrase: secret })), code);
    }
    assert.deepEqual(names(dir), ["plain", "sealed"], "not even a folder was made");
  }));

Deno.test("any flipped bit, cut, swap or addition is bad_backup and touches nothing", () =>
  withFolder(async (dir) => {
    const dataDir = join(dir, "relay");
    await Deno.mkdir(dataDir, { mode: 0o700 });
    for (const secret of [null, passphrase]) {
      const path = join(dir, `backup-${secret}`);
      await writeBackup({ store, rootSeed, path, passphrase: secret, now });
      const good = await Deno.readFile(path);
      const wrapped = new DataView(good.buffer).getUint32(17);
      const first = 21 + wrapped;
      const second = first + 4 + new DataView(good.buffer).getUint32(first);
      const flip = (at: number) => {
        const bytes = good.slice();
        bytes[at] ^= 1;
        return bytes;
      };
      const chunk = (from: number) => good.slice(from, from + 4 + new DataView(good.buffer).getUint32(from));
      const rows: [string, Uint8Array][] = [
        ["empty", new Uint8Array()],
        ["magic", flip(3)],
        ["kind", flip(16)],
        ["length of the key", flip(20)],
        ["length of a chunk", flip(first)],
        ["length of a chunk", flip(first + 3)],
        ["root seed", flip(first + 4)],
        ["date", flip(first + 4 + 35)],
        ["database", flip(first + 5000)],
        ["end of the first chunk", flip(second - 1)],
        ["second chunk", flip(second + 100)],
        ["last byte", flip(good.length - 1)],
        ["cut in the head", good.slice(0, 18)],
        ["cut after the head", good.slice(0, first)],
        ["cut after the first chunk", good.slice(0, second)],
        ["cut in a length", good.slice(0, second + 2)],
        ["cut by one byte", good.slice(0, -1)],
        ["a byte more", concat(good, Uint8Array.of(0))],
        ["first chunk twice", concat(good.slice(0, second), good.slice(first))],
        ["first chunk missing", concat(good.slice(0, first), good.slice(second))],
        ["a chunk moved to the end", concat(good.slice(0, first), good.slice(second), chunk(first))],
        ...(wrapped > 0
          ? [["wrapped key", flip(60)], ["its checksum", flip(first - 1)]] as [string, Uint8Array][]
          : []),
      ];
      for (const [name, bytes] of rows) {
        await Deno.writeFile(path, bytes);
        const attempt = () => restoreBackup({ path, dataDir, passphrase: secret });
        assert.equal(await refusal(attempt), "bad_backup", `${name}, ${secret === null ? "plain" : "sealed"}`);
      }
      assert.deepEqual(names(dataDir), []);
    }
  }));

Deno.test("a seal that was made without a passphrase is a forgery", () =>
  withFolder(async (dir) => {
    const path = join(dir, "backup"), copy = join(dir, "copy");
    await copyOfDatabase(copy, 10);
    const key = new Uint8Array(32).fill(9);
    const u32 = (value: number) => new Uint8Array(new Uint32Array([value]).buffer).reverse();
    const content = concat(rootSeed, new Uint8Array(8), await Deno.readFile(copy));
    const forge = async (wrapped: Uint8Array) => {
      const header = concat(
        new TextEncoder().encode("qight backup v1\n"),
        Uint8Array.of(1),
        u32(wrapped.length),
        wrapped,
      );
      const chunk = await (await sealedChunks(key, header)).encode(0, true, content);
      await Deno.writeFile(path, concat(header, u32(chunk.length), chunk));
    };
    await forge(await sealBytes(key, passphrase));
    await restoreBackup({ path, dataDir: join(dir, "honest"), passphrase }); // the same bytes under a real seal are fine
    await forge(await sealBytes(key, null));
    assert.equal(await refusal(() => restoreBackup({ path, dataDir: join(dir, "r"), passphrase })), "bad_backup");
  }));

Deno.test("a whole backup of a broken database is refused before any name changes", () =>
  withFolder(async (dir) => {
    const broken = {
      async backup(path: string) {
        await copyOfDatabase(path, 3000);
        const bytes = await Deno.readFile(path);
        crypto.getRandomValues(bytes.subarray(40_000, 41_000));
        await Deno.writeFile(path, bytes);
      },
    };
    const rows: [string, { backup(path: string): Promise<void> }][] = [
      ["damaged pages", broken],
      ["no database", { backup: (path) => Deno.writeTextFile(path, "not a database at all".repeat(100)) }],
      ["an empty one", { backup: (path) => Deno.writeTextFile(path, "") }],
    ];
    for (const [name, store] of rows) {
      const path = join(dir, name);
      await writeBackup({ store, rootSeed, path, passphrase: null, now });
      const dataDir = join(dir, "relay");
      assert.equal(await refusal(() => restoreBackup({ path, dataDir, passphrase: null })), "bad_backup", name);
      await assert.rejects(Deno.lstat(dataDir), Deno.errors.NotFound);
    }
  }));

Deno.test("a folder that has a database is refused; with replace the old files are moved aside", () =>
  withFolder(async (dir) => {
    const path = join(dir, "backup"), dataDir = join(dir, "relay");
    await writeBackup({ store, rootSeed, path, passphrase: null, now });
    const older = await openDataFolder(dataDir, { credentialsDirectory: "" });
    const olderRoot = older.rootKey.publicKey;
    assert.equal(await refusal(() => restoreBackup({ path, dataDir, passphrase: null })), "already_running");
    await older.release();
    assert.equal(await refusal(() => restoreBackup({ path, dataDir, passphrase: null })), "would_overwrite", "its key");
    const files = { "relay.db": "old database", "relay.db-wal": "old log", "relay.db-shm": "", "leaf.pem": "old leaf" };
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(dataDir, name), text);
    assert.equal(await refusal(() => restoreBackup({ path, dataDir, passphrase: null })), "would_overwrite");
    assert.equal(await Deno.readTextFile(join(dataDir, "relay.db")), "old database");

    const restored = await restoreBackup({ path, dataDir, passphrase: null, replace: true, now });
    assert.equal(restored.movedAside, join(dataDir, "before-restore-20270115T080000Z"));
    for (const [name, text] of Object.entries(files)) {
      assert.equal(await Deno.readTextFile(join(restored.movedAside as string, name)), text, name);
    }
    const kept = await Deno.readTextFile(join(restored.movedAside as string, "root.key"));
    await Deno.writeTextFile(join(dir, "root.key"), kept, { mode: 0o600 });
    await using again = await openDataFolder(join(dir, "again"), { credentialsDirectory: dir });
    assert.deepEqual(again.rootKey.publicKey, olderRoot);
    assert.deepEqual(names(dataDir), ["before-restore-20270115T080000Z", "lock", "relay.db", "root.key"]);
    await assertRestored(dataDir, restored);
  }));

Deno.test("the relay's own root key in an otherwise empty folder is no obstacle", () =>
  withFolder(async (dir) => {
    const path = join(dir, "backup"), dataDir = join(dir, "relay");
    const folder = await openDataFolder(dataDir, { credentialsDirectory: "" });
    await folder.release();
    const own = { store, rootSeed: folder.rootKey.seed, path, passphrase: null, now };
    await writeBackup(own);
    const restored = await restoreBackup({ path, dataDir, passphrase: null });
    assert.deepEqual(restored.root, folder.rootKey.publicKey);
    assert.equal(restored.movedAside, null);
  }));

/** The relay's folder: its lock, its root key, its modes. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { adminSocketPath, openDataFolder } from "../../relay/data_folder.ts";
import { makeFolder } from "../../relay/data_folder/new_folder.ts";
import { writePrivateFile } from "../../relay/data_folder/private_file.ts";
import { refusal } from "../helpers/refusal.ts";

const options = { credentialsDirectory: "", env: {} };
const mode = async (path: string) => ((await Deno.stat(path)).mode ?? 0) & 0o7777;

async function withFolder(test: (dir: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir({ prefix: "qight-test-" });
  try {
    await test(join(parent, "relay"));
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

Deno.test("the first start makes folder, key and lock for the owner alone, the second finds the same key", () =>
  withFolder(async (dir) => {
    const first = await openDataFolder(dir, options);
    assert.equal(await mode(dir), 0o700);
    assert.equal(await mode(join(dir, "root.key")), 0o600);
    await first.release();
    await using second = await openDataFolder(dir, options);
    assert.deepEqual(second.rootKey.publicKey, first.rootKey.publicKey);
    assert.equal(second.dbPath("relay.db"), join(dir, "relay.db"));
    assert.equal(second.dbPath("/else/where.db"), "/else/where.db");
    assert.equal(second.adminSocketPath, join(dir, "admin.sock"));
  }));

Deno.test("the private key signs for the public key and cannot be exported", () =>
  withFolder(async (dir) => {
    await using folder = await openDataFolder(dir, options);
    const { publicKey, privateKey } = folder.rootKey;
    const message = new TextEncoder().encode("hello");
    const signature = await crypto.subtle.sign("Ed25519", privateKey, message);
    const key = await crypto.subtle.importKey("raw", Uint8Array.from(publicKey), "Ed25519", false, ["verify"]);
    assert.ok(await crypto.subtle.verify("Ed25519", key, signature, message));
    assert.equal(privateKey.extractable, false);
  }));

Deno.test("a second relay on the folder is refused with 73, in this process and in another", () =>
  withFolder(async (dir) => {
    const first = await openDataFolder(dir, options);
    const error = await refusal(() => openDataFolder(dir, options));
    assert.equal(error.code, "already_running");
    assert.equal(error.exit, 73);
    assert.ok(error.message.includes(dir));
    assert.equal(await openElsewhere(dir), "already_running");
    await first.release();
    await first.release();
    assert.equal(await openElsewhere(dir), "opened");
  }));

Deno.test("a relay ended by kill -9 leaves no lock behind", () =>
  withFolder(async (dir) => {
    const child = elsewhere(dir, "await new Promise(() => setInterval(() => {}, 1000))").spawn();
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    assert.equal(new TextDecoder().decode(value).trim(), "opened");
    assert.equal((await refusal(() => openDataFolder(dir, options))).code, "already_running");
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    await using folder = await openDataFolder(dir, options);
    assert.equal(folder.dir, dir);
  }));

Deno.test("a root key that others may read is refused with 78, saying why", () =>
  withFolder(async (dir) => {
    await (await openDataFolder(dir, options)).release();
    for (const bits of [0o644, 0o604, 0o640, 0o666]) {
      await Deno.chmod(join(dir, "root.key"), bits);
      const error = await refusal(() => openDataFolder(dir, options));
      assert.equal(error.code, "insecure_config", bits.toString(8));
      assert.equal(error.exit, 78);
      assert.ok(
        error.message.includes(join(dir, "root.key")) && error.message.includes(bits.toString(8)),
        error.message,
      );
      assert.match(error.hint, /chmod 600/);
    }
    await Deno.chmod(join(dir, "root.key"), 0o400);
    await (await openDataFolder(dir, options)).release();
  }));

Deno.test("a damaged root key is refused and never quoted or replaced", () =>
  withFolder(async (dir) => {
    await (await openDataFolder(dir, options)).release();
    const path = join(dir, "root.key");
    const good = await Deno.readTextFile(path);
    const rows = ["", "QIGHT-RELAY-ROOT-1-short", good.slice(0, -5), good + good, "x".repeat(5000)];
    for (const text of rows) {
      await Deno.writeTextFile(path, text);
      const error = await refusal(() => openDataFolder(dir, options));
      assert.equal(error.code, "bad_key_file");
      assert.equal(error.message, `${path} is not a root key`);
      assert.equal(await Deno.readTextFile(path), text);
    }
  }));

Deno.test("a database without its root key is no fresh start", () =>
  withFolder(async (dir) => {
    await (await openDataFolder(dir, options)).release();
    await Deno.writeTextFile(join(dir, "relay.db"), "");
    await Deno.remove(join(dir, "root.key"));
    const error = await refusal(() => openDataFolder(dir, options));
    assert.equal(error.exit, 78);
    assert.ok(error.message.includes("relay.db") && error.message.includes("root.key"));
  }));

Deno.test("the root key among systemd's credentials is found by itself", () =>
  withFolder(async (dir) => {
    const maker = await openDataFolder(join(dir, "maker"), options);
    const credentialsDirectory = join(dir, "credentials");
    await Deno.mkdir(credentialsDirectory);
    await Deno.copyFile(join(dir, "maker", "root.key"), join(credentialsDirectory, "root.key"));
    await Deno.chmod(join(credentialsDirectory, "root.key"), 0o440);
    const before = Deno.env.get("CREDENTIALS_DIRECTORY");
    Deno.env.set("CREDENTIALS_DIRECTORY", credentialsDirectory);
    try {
      await using user = await openDataFolder(join(dir, "user"));
      assert.deepEqual(user.rootKey.publicKey, maker.rootKey.publicKey);
      await assert.rejects(Deno.stat(join(dir, "user", "root.key")), Deno.errors.NotFound);
    } finally {
      if (before === undefined) Deno.env.delete("CREDENTIALS_DIRECTORY");
      else Deno.env.set("CREDENTIALS_DIRECTORY", before);
    }
    await Deno.chmod(join(credentialsDirectory, "root.key"), 0o444);
    const error = await refusal(() => openDataFolder(join(dir, "third"), { ...options, credentialsDirectory }));
    assert.equal(error.code, "insecure_config");
    await maker.release();
  }));

Deno.test("a folder open to others is closed when it is the relay's, refused when it is not", () =>
  withFolder(async (dir) => {
    await Deno.mkdir(dir);
    await Deno.chmod(dir, 0o755);
    await (await openDataFolder(dir, options)).release();
    assert.equal(await mode(dir), 0o700, "an empty volume");
    await Deno.chmod(dir, 0o770);
    await (await openDataFolder(dir, options)).release();
    assert.equal(await mode(dir), 0o700, "an older data folder");
    await Deno.writeTextFile(join(dir, "thesis.txt"), "");
    await (await openDataFolder(dir, options)).release();
    await Deno.chmod(dir, 0o755);
    const error = await refusal(() => openDataFolder(dir, options));
    assert.equal(error.code, "insecure_config");
    assert.ok(error.message.includes("thesis.txt") && error.message.includes(dir));
    assert.equal(await mode(dir), 0o755, "nobody else's folder is changed");
  }));

Deno.test("a folder that cannot be made is named, with 73", () =>
  withFolder(async (dir) => {
    await Deno.writeTextFile(dir, "");
    for (const path of [dir, join(dir, "below")]) {
      const error = await refusal(() => openDataFolder(path, options));
      assert.equal(error.exit, 73, error.message);
      assert.ok(error.message.includes(path), error.message);
    }
  }));

Deno.test("the leaf is stored for the owner alone and read back; a damaged one is none", () =>
  withFolder(async (dir) => {
    await using folder = await openDataFolder(dir, options);
    assert.equal(await folder.loadLeaf(), null);
    const cert = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const key = "-----BEGIN PRIVATE KEY-----\nBBBB\n-----END PRIVATE KEY-----\n";
    await folder.storeLeaf({ cert, key });
    assert.deepEqual(await folder.loadLeaf(), { cert, key });
    await folder.storeLeaf({ cert: cert + cert, key });
    assert.deepEqual(await folder.loadLeaf(), { cert: cert + cert, key });
    assert.equal(await mode(join(dir, "leaf.pem")), 0o600);
    await Deno.writeTextFile(join(dir, "leaf.pem"), cert);
    assert.equal(await folder.loadLeaf(), null);
  }));

Deno.test("a private file replaces only when that is meant, and leaves no pieces", () =>
  withFolder(async (dir) => {
    await Deno.mkdir(dir);
    const path = join(dir, "file");
    await writePrivateFile(path, "one", { isNew: true });
    assert.equal((await refusal(() => writePrivateFile(path, "two", { isNew: true }))).code, "would_overwrite");
    assert.equal(await Deno.readTextFile(path), "one");
    await writePrivateFile(path, "three");
    assert.equal(await Deno.readTextFile(path), "three");
    assert.deepEqual([...Deno.readDirSync(dir)].map((entry) => entry.name), ["file"]);
    const error = await refusal(() => writePrivateFile(join(dir, "no", "file"), "x"));
    assert.equal(error.exit, 73);
    assert.ok(error.message.includes(join(dir, "no", "file")));
  }));

for (const runtime of [`/run/${"deep/".repeat(20)}`, `/run/user/${"ü".repeat(40)}`, "relative/run"]) {
  Deno.test(`regression: XDG_RUNTIME_DIR=${runtime.slice(0, 16)}… that is too long or relative gives a path that fits`, () => {
    const dataDir = `/srv/${"a".repeat(100)}`;
    const path = adminSocketPath(dataDir, { XDG_RUNTIME_DIR: runtime });
    assert.equal(path, adminSocketPath(dataDir, {}));
    assert.ok(new TextEncoder().encode(path).length <= 100, path);
  });
}

Deno.test("a long path gets a short socket, the same for relay and command", () => {
  const fits = "/" + "a".repeat(88); // with /admin.sock exactly 100 bytes
  assert.equal(adminSocketPath(fits, { XDG_RUNTIME_DIR: "/run/user/1" }), `${fits}/admin.sock`);
  const long = adminSocketPath(fits + "b", { XDG_RUNTIME_DIR: "/run/user/1" });
  assert.match(long, /^\/run\/user\/1\/qight\/[0-9a-f]{16}\.sock$/);
  assert.equal(long, adminSocketPath(fits + "b/", { XDG_RUNTIME_DIR: "/run/user/1" }));
  assert.notEqual(long, adminSocketPath(fits + "c", { XDG_RUNTIME_DIR: "/run/user/1" }));
  const umlauts = "/" + "ä".repeat(45); // 91 bytes in 46 characters
  assert.match(adminSocketPath(umlauts, { XDG_RUNTIME_DIR: "/r" }), /^\/r\/qight\//);
});

function elsewhere(dir: string, then: string): Deno.Command {
  const module = new URL("../../relay/data_folder.ts", import.meta.url).href;
  const code = `const { openDataFolder } = await import(${JSON.stringify(module)});
    try { await openDataFolder(${JSON.stringify(dir)}, { credentialsDirectory: "" }); console.log("opened"); ${then} }
    catch (error) { console.log(error.code); }`;
  return new Deno.Command(Deno.execPath(), { args: ["eval", code], stdout: "piped", stderr: "inherit" });
}

async function openElsewhere(dir: string): Promise<string> {
  return new TextDecoder().decode((await elsewhere(dir, "").output()).stdout).trim();
}

Deno.test("regression: a power cut cannot take a new data folder away: each folder that got a new name is synced", () =>
  withFolder(async (dir) => {
    const parent = join(dir, "..");
    assert.deepEqual(await makeFolder(join(dir, "deep", "er")), [parent, dir, join(dir, "deep")]);
    assert.equal(await mode(join(dir, "deep")), 0o700);
    assert.deepEqual(await makeFolder(join(dir, "deep", "er")), [], "nothing new, nothing to sync");
    await Deno.writeTextFile(join(dir, "file"), "");
    assert.deepEqual(await makeFolder(join(dir, "file")), []);
    assert.equal((await refusal(() => openDataFolder(join(dir, "file"), options))).code, "cannot_create");
  }));

Deno.test({
  name: "regression: a folder that a file system will not make is an error at once, not a try without end",
  ignore: Deno.build.os !== "linux", // no other system has /proc so
  async fn() {
    await assert.rejects(makeFolder("/proc/qight/data"), Deno.errors.NotFound);
  },
});

/** The cache of the self-extracting file: races, full and foreign places, damaged files, old versions. @module */
import assert from "node:assert/strict";
import { join } from "node:path";
import { HEADER_BYTES, oneFile } from "../../scripts/build/onefile.ts";
import type { TreeFile } from "../../scripts/build/tar.ts";
import { buildOnce, headerScript } from "./built.ts";
import { Home, type Ran } from "./unpacked.ts";

const { built, missing } = await buildOnce();
const onLinux = Deno.build.os === "linux" && Deno.build.arch === "x86_64";
const isRoot = Deno.uid() === 0;
const mounts = isRoot &&
  new Deno.Command("unshare", { args: ["--mount", "true"], stderr: "null" }).outputSync().success;

function row(name: string, fn: (home: Home) => Promise<void>, possible = true, needs = ""): void {
  const ignore = built === null || !onLinux || !possible;
  const why = missing ?? (onLinux ? needs : "this is not linux x64");
  Deno.test({
    name: ignore ? `${name} (ignored: ${why})` : name,
    ignore,
    async fn() {
      await using home = new Home(built!.program);
      await fn(home);
    },
  });
}

/** Names that stay behind when all is well. */
async function versionsIn(home: Home): Promise<string[]> {
  return (await home.cached()).filter((name) => name !== "deno");
}

/** A program that does nothing ends with 0 too. */
function assertAnswers({ code, stdout, stderr }: Ran): void {
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^qight \d+\.\d+\.\d+\n$/);
}

function assertRefused(ran: Ran, code: number, said: RegExp): void {
  assert.equal(ran.code, code, ran.stderr);
  assert.match(ran.stderr, said);
  assert.equal(ran.stdout, "");
}

row("ten first starts at once: ten right, one folder, nothing half-done", async (home) => {
  const ran = await Promise.all(Array.from({ length: 10 }, () => home.run(["version"])));
  ran.forEach(assertAnswers);
  const versions = await versionsIn(home);
  assert.equal(versions.length, 1, versions.join());
  assert.match(versions[0], /^[0-9a-f]{64}$/);
});

row("a start that is killed while it unpacks does not stop the next one", async (home) => {
  const cache = home.path(".cache", "qight");
  await Deno.mkdir(home.path(".cache"));
  const watcher = Deno.watchFs(home.path(".cache"));
  // A session of its own, so that the header is killed with all that it started.
  const child = new Deno.Command("setsid", {
    args: [home.program, "version"],
    clearEnv: true,
    env: home.environment(),
    stdout: "null",
    stderr: "null",
  }).spawn();
  for await (const { paths } of watcher) if (paths.some((path) => path.includes("/qight/.new."))) break;
  await new Deno.Command("sh", { args: ["-c", `kill -9 -${child.pid}`], stderr: "null" }).output();
  await child.status;
  const left = await home.cached(cache);
  assert.ok(left.length > 0 && left.every((name) => name.startsWith(".new.")), `it was killed in the middle: ${left}`);
  assertAnswers(await home.run(["version"]));
  // A later version clears away what is older than a day.
  for (const name of await home.cached(cache)) {
    if (name.startsWith(".new.")) await Deno.utime(join(cache, name), 1, 1);
  }
  const version = (await versionsIn(home)).find((name) => !name.startsWith("."))!;
  await Deno.remove(join(cache, version, "ok"));
  await Deno.rename(join(cache, version), home.path("moved"));
  assertAnswers(await home.run(["version"]));
  assert.deepEqual((await versionsIn(home)).filter((name) => name.startsWith(".")), []);
});

const tmpfs = (options: string) => [
  ...["unshare", "--mount", "sh", "-c"],
  `mkdir -p "$QIGHT_CACHE_DIR" && mount -t tmpfs -o ${options} none "$QIGHT_CACHE_DIR" && "$@"; code=$?; ls -A "$QIGHT_CACHE_DIR/qight" >&2; exit $code`,
  "sh",
];

row(
  "no room: 73 says so and how much is needed, and nothing is left",
  async (home) => {
    const ran = await home.run(["version"], { within: tmpfs("size=50m") });
    assertRefused(ran, 73, /no space \(needs 1\d\d MB\)/);
    assert.match(ran.stderr, /set QIGHT_CACHE_DIR to a folder with room\n$/, "the folder is empty again");
  },
  mounts,
  "needs root and unshare",
);

row(
  "a place where programs may not run: 73 says noexec",
  async (home) => {
    const ran = await home.run(["version"], { within: tmpfs("noexec") });
    assertRefused(ran, 73, /cannot run programs there \(noexec, or full\)/);
  },
  mounts,
  "needs root and unshare",
);

row(
  "a home that cannot be written: the next place is taken",
  async (home) => {
    const within = [
      ...["unshare", "--mount", "sh", "-c"],
      'mount -t tmpfs -o ro none "$HOME/ro" && mount -t tmpfs -o ro none /var/cache && HOME="$HOME/ro" && export HOME && exec "$@"',
      "sh",
    ];
    await Deno.mkdir(home.path("ro"));
    const ran = await home.run(["version"], { within, env: { QIGHT_CACHE_DIR: "" } });
    assert.equal(ran.code, 0, ran.stderr);
    assert.match(ran.stderr, /ro\/\.cache\/qight: cannot write/);
    assert.equal((await home.cached(home.path(`qight-${Deno.uid()}`))).length > 0, true);
  },
  mounts,
  "needs root and unshare",
);

for (
  const { what, change } of [
    { what: "changed", change: (bytes: Uint8Array) => void (bytes[HEADER_BYTES + 20_000_000] ^= 0x10) },
    { what: "cut", change: (bytes: Uint8Array) => bytes.subarray(0, bytes.length / 2) },
  ]
) {
  row(`a ${what} file is refused with 65 and leaves nothing`, async (home) => {
    const copy = built!.bytes.slice();
    const program = home.path("qight");
    await Deno.writeFile(program, change(copy) ?? copy, { mode: 0o755 });
    assertRefused(
      await home.run(["version"], { program }),
      65,
      /qight is damaged \(checksum mismatch\): fetch it again/,
    );
    assert.deepEqual(await home.cached(), []);
  });
}

row("a file whose content was exchanged and packed anew is refused with 65", async (home) => {
  const bytes = new TextEncoder().encode("other code");
  const sums = new TextEncoder().encode(`${"0".repeat(64)}  main.js\n`);
  const tree: TreeFile[] = [{ path: "SHA256SUMS", mode: 0o644, bytes: sums }, { path: "main.js", mode: 0o644, bytes }];
  const program = home.path("qight");
  await Deno.writeFile(program, await oneFile(tree, await headerScript()), { mode: 0o755 });
  assertRefused(await home.run(["version"], { program }), 65, /checksum mismatch/);
  assert.deepEqual(await home.cached(), []);
});

row("a linked cache folder is refused", async (home) => {
  await Deno.mkdir(home.path(".cache"));
  await Deno.mkdir(home.path("elsewhere"));
  await Deno.symlink(home.path("elsewhere"), home.path(".cache", "qight"));
  assertRefused(await home.run(["version"]), 73, /found no place to unpack/);
  assert.deepEqual(await home.cached(home.path("elsewhere")), []);
});

row(
  "another user's cache folder is refused",
  async (home) => {
    await Deno.mkdir(home.path(".cache", "qight"), { recursive: true });
    await Deno.chown(home.path(".cache", "qight"), 65534, 65534);
    assertRefused(await home.run(["version"]), 73, /found no place to unpack/);
  },
  isRoot,
  "needs root",
);

row("a cache in a folder for everybody leaves the mode of that folder", async (home) => {
  const shared = home.path("shared");
  await Deno.mkdir(shared);
  await Deno.chmod(shared, 0o1777);
  assertAnswers(await home.run(["version"], { env: { QIGHT_CACHE_DIR: shared } }));
  assert.equal((await Deno.stat(shared)).mode! & 0o7777, 0o1777);
  assert.equal((await Deno.stat(join(shared, "qight"))).mode! & 0o7777, 0o700);
});

row("a missing program is named with 78", async (home) => {
  const bin = home.path("bin");
  await Deno.mkdir(bin);
  for (const name of ["sh", "dd", "tar", "sha256sum", "id", "find", "mkdir", "rm", "chmod", "mv", "sync"]) {
    await Deno.symlink(`/usr/bin/${name}`, join(bin, name));
  }
  const within = ["/bin/sh"]; // #!/bin/sh, but with the PATH of the test
  assertRefused(await home.run(["version"], { env: { PATH: bin }, within }), 78, /^qight: gzip is missing\n$/);
});

row("old versions go when no process uses them, and stay while one does", async (home) => {
  assertAnswers(await home.run(["version"]));
  const old = (digit: string) => home.path(".cache", "qight", digit.repeat(64));
  for (const digit of ["1", "2"]) {
    await Deno.mkdir(old(digit));
    await Deno.writeTextFile(join(old(digit), "ok"), "");
  }
  {
    using inUse = await Deno.open(join(old("2"), "ok"), { read: true });
    inUse.lockSync(false);
    assert.equal((await home.run(["whoami"])).code, 66);
    await assert.rejects(Deno.stat(old("1")), Deno.errors.NotFound);
    await Deno.stat(old("2"));
    const refused = await home.run(["uninstall", "-y"]);
    assert.equal(refused.code, 73, refused.stderr);
    assert.match(refused.stderr, /A running qight uses .*2222/);
  }
  assert.equal((await home.run(["whoami"])).code, 66);
  await assert.rejects(Deno.stat(old("2")), Deno.errors.NotFound);
});

row("uninstall touches nothing when a cache folder holds what qight did not put there", async (home) => {
  assertAnswers(await home.run(["version"]));
  await Deno.writeTextFile(home.path(".cache", "qight", "thesis.txt"), "mine");
  const refused = await home.run(["uninstall", "-y"]);
  assert.equal(refused.code, 73);
  assert.match(refused.stderr, /holds thesis\.txt, which qight did not put there/);
  await Deno.stat(home.path(".cache", "qight", "thesis.txt"));
});
